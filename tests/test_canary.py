"""A word that was typed as a patient's stays where records are: not in logs, Redis or the audit."""

from __future__ import annotations

import logging
import subprocess
from pathlib import Path
from typing import Any

import pytest
import redis
from django.test import Client

from scheduling import connection
from scheduling.queue import events
from tests.factories import make_user
from tests.fixtures import _redis_answers, _redis_program, wait_until
from triage_site import embedded_redis
from triage_site.audit.models import AuditRecord
from triage_site.cases import services
from triage_site.cases.models import ApiToken, Case, CaseEvent
from triage_site.cases.roles import CHARGE_NURSE

pytestmark = pytest.mark.django_db(transaction=True)
CANARY = "zebrafinch"
LABEL = "Mr Quokkason"


def contents(client: redis.Redis) -> str:
    """All keys and values of the server, as they would be saved."""
    raw: Any = redis.Redis(connection_pool=client.connection_pool)
    return " ".join(f"{key!r} {raw.dump(key)!r}" for key in raw.scan_iter())


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


def test_the_words_of_a_patient_stay_in_the_record(
    redis_client: redis.Redis, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    user = make_user(CHARGE_NURSE)
    client.force_login(user)
    headers = {"Authorization": f"Bearer {ApiToken.issue(user)}"}
    body = {"text": f"{CANARY} pain in the chest", "label": LABEL, "age_years": 50}
    answer = client.post("/api/v1/cases", body, content_type="application/json", headers=headers)
    assert answer.status_code == 201
    case = Case.objects.get()
    services.classify_without_model(case.id, why="test", now=case.arrived_at)
    for path in ("", "print/", "facts/", "panel/"):
        assert client.get(f"/cases/{case.id}/{path}").status_code == 200
    everything_goes_wrong(client, headers, str(case.id))
    metrics = client.get("/metrics").content.decode()
    events_of_cases = [dict(row) for row in CaseEvent.objects.values()]
    places = {
        "log": caplog.text,
        "Redis": contents(redis_client),
        "metrics": metrics,
        "audit": str(list(AuditRecord.objects.values())),
        "history": str([row for row in events_of_cases if row["kind"] != "note"]),
    }
    found = [
        name for name, text in places.items() for word in (CANARY, "Quokkason") if word in text
    ]
    assert found == []


def test_the_words_of_an_answer_leave_the_append_only_file(tmp_path: Path) -> None:
    port = embedded_redis.free_port()
    text = embedded_redis.configuration(port=port, folder=tmp_path)
    configuration = embedded_redis.write_configuration(text, tmp_path)
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen([_redis_program(), configuration], stdout=log, stderr=log)
    client = redis.Redis(port=port, decode_responses=True)

    def is_on_disk() -> bool:
        files = [one for one in tmp_path.rglob("*") if one.is_file()]
        return any(CANARY.encode() in one.read_bytes() for one in files)

    try:
        wait_until(lambda: _redis_answers(client), seconds=20, what="Redis answers")
        key = events.tokens_key("job")
        client.xadd(key, {"text": CANARY})
        wait_until(is_on_disk, seconds=20, what="the words are in the file")
        client.pexpire(key, 1)
        wait_until(lambda: not client.exists(key), seconds=20, what="the stream has expired")
        assert events.rewrite_log(client)
        wait_until(lambda: not is_on_disk(), seconds=20, what="the words have left the file")
    finally:
        client.close()
        server.kill()
        server.wait()


def test_a_server_without_a_file_is_left_alone(redis_client: redis.Redis) -> None:
    assert not events.rewrite_log(connection.client())
