"""A word that was typed as a patient's stays where records are: not in logs, Redis or the audit."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import redis
from axes.models import AccessAttempt
from django.db import DataError, connections
from django.test import Client

from scheduling import connection
from scheduling.queue import events
from tests.factories import make_user, token_of
from tests.fixtures import wait_until
from tests.redis_contents import contents, messages
from tests.site_log import site_log
from triage_site.audit.models import AuditRecord
from triage_site.cases import services
from triage_site.cases.models import Case, CaseEvent
from triage_site.cases.roles import CHARGE_NURSE

pytestmark = pytest.mark.django_db(transaction=True)
CANARY = "zebrafinch"
LABEL = "Mr Quokkason"


def everything_goes_wrong(client: Client, headers: dict[str, str], case_id: str) -> None:
    """Requests with the words in places where programs like to quote them."""
    client.get(f"/cases/new/?text={CANARY}")
    client.post("/cases/new/", {"text": CANARY, "hr_bpm": f"{CANARY}"})
    client.post("/login/", {"username": LABEL, "password": CANARY})
    client.post(f"/cases/{case_id}/note/", {"text": CANARY, "version": CANARY})
    client.post(f"/cases/{case_id}/override/", {"priority": CANARY, "note": CANARY})
    for body in (f'{{"text": "{CANARY}", "hr_bpm": "{CANARY}"}}', f'{{"text": {CANARY}', CANARY):
        client.post("/api/v1/cases", body, content_type="application/json", headers=headers)
    client.get("/api/v1/cases?priority=x", headers=headers)
    for query in (f"q={CANARY}&priority=x", f"q={CANARY}&arrived_from=0001-01-01T00:00:00%2B14:00"):
        client.get(f"/api/v1/cases?{query}", headers=headers)
    client.get(f"/api/v1/cases?q={CANARY}")
    client.get(f"/cases/?q={CANARY}", headers={"Host": "elsewhere.example"})
    client.get(f"/nowhere/?q={CANARY}")


def breaks(client: Client, case_id: str) -> None:
    """The database refuses a note and quotes its words."""

    def fail(*args: Any, **kwargs: Any) -> None:
        raise DataError(f"value too long: {CANARY}")

    client.raise_request_exception = False
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services, "add_note", fail)
        answer = client.post(f"/cases/{case_id}/note/", {"text": CANARY})
    assert answer.status_code == 500
    assert CANARY not in answer.content.decode()


def files_of(client: redis.Redis) -> str:
    """All that the server has written to disk."""
    folder = Path(str(cast(Any, client.config_get("dir"))["dir"]))
    files = [one for one in folder.rglob("*") if one.is_file() and one.suffix != ".conf"]
    return " ".join(repr(one.read_bytes()) for one in files)


def database_log() -> str:
    """The log of the PostgreSQL server of the tests, where its folder is known."""
    path = Path(connections["default"].settings_dict.get("HOST") or "/none") / "log"
    return path.read_text() if path.is_file() else ""


def addresses(answers: list[Any]) -> str:
    """Where the pages lead to, and where they send what they ask for."""
    links = re.compile(r"""\b(?:href|src|action|hx-[a-z]+|sse-connect)=["']([^"']*)""")
    found = [link for one in answers for link in links.findall(one.content.decode())]
    headers = ("Location", "HX-Redirect", "HX-Push-Url", "Content-Location")
    return " ".join([*found, *(one[name] for one in answers for name in headers if name in one)])


@pytest.fixture
def with_file(redis_client: redis.Redis) -> Iterator[redis.Redis]:
    """The server of the tests, with an append-only file."""
    redis_client.config_set("appendfsync", "always")
    redis_client.config_set("rdbcompression", "no")
    redis_client.config_set("appendonly", "yes")
    yield redis_client
    redis_client.config_set("appendonly", "no")


def test_the_words_of_a_patient_stay_in_the_record(
    with_file: redis.Redis, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    user = make_user(CHARGE_NURSE)
    client.force_login(user)
    headers = {"Authorization": f"Bearer {token_of(user)}", "Idempotency-Key": f"{CANARY}-7"}
    body = {"text": f"{CANARY} pain in the chest", "label": LABEL, "age_years": 50}
    for status in (201, 200):  # the second one is refused by a constraint of the database
        answer = client.post(
            "/api/v1/cases", body, content_type="application/json", headers=headers
        )
        assert answer.status_code == status
    case = Case.objects.get()
    queue = "triage:celery:classify"
    wait_until(lambda: bool(with_file.exists(queue)), seconds=10, what="the message waits")
    waiting = " ".join(messages(with_file))
    assert str(case.id) in waiting
    services.classify_without_model(case.id, why="test", now=case.arrived_at)
    pages = [client.get(f"/cases/{case.id}/{path}") for path in ("", "print/", "facts/", "panel/")]
    pages += [client.get("/"), client.get("/cases/"), client.post("/cases/", {"q": CANARY})]
    assert {one.status_code for one in pages} == {200, 302}
    everything_goes_wrong(client, headers, str(case.id))
    logged = caplog.text  # from here on, messages are as the site's own handler withholds them
    with site_log(as_json=True) as lines:
        breaks(client, str(case.id))
    assert "DataError" in lines.getvalue()
    events_of_cases = [dict(row) for row in CaseEvent.objects.values()]
    places = {
        "log": logged,
        "exceptions": lines.getvalue(),
        "Celery": waiting,
        "Redis": contents(with_file),
        "files of Redis": files_of(with_file),
        "database log": database_log(),
        "addresses": addresses(pages),
        "metrics": client.get("/metrics").content.decode(),
        "audit": str(list(AuditRecord.objects.values())),
        "failed sign-ins": str(list(AccessAttempt.objects.values())),
        "history": str([row for row in events_of_cases if row["kind"] != "note"]),
    }
    assert str(case.id) in places["files of Redis"]
    if places["database log"]:
        assert "one_case_per_submission" in places["database log"]
    found = [
        name for name, text in places.items() for word in (CANARY, "Quokkason") if word in text
    ]
    assert found == []


def test_a_server_without_a_file_is_left_alone(redis_client: redis.Redis) -> None:
    assert not events.rewrite_log(connection.client())
