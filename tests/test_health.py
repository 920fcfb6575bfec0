"""The addresses for monitors, with and without the stores."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.db import OperationalError
from django.db import connection as database
from django.test import Client

from scheduling import connection
from tests.factories import make_user, token_of
from triage_site import health
from triage_site.cases import upkeep
from triage_site.cases.duties import Duties, Duty

pytestmark = pytest.mark.django_db


def test_alive_needs_no_store(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "_running", None)
    assert client.get("/healthz/").json() == {"ok": True, "upkeep_seconds": None}


def test_an_upkeep_that_is_stuck_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    duties = Duties(Duty("rescue", 0.5, lambda: None))
    duties.run(100.0)
    monkeypatch.setattr(upkeep, "_running", duties)
    assert health.alive(110.0) == {"ok": True, "upkeep_seconds": 10.0}
    assert health.alive(131.0)["ok"] is False


@pytest.fixture
def reader() -> dict[str, str]:
    """Headers of an account that may read the console."""
    return {"Authorization": f"Bearer {token_of(make_user())}"}


def test_ready_names_each_part(
    client: Client,
    reader: dict[str, str],
    redis_client: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    duties = Duties(Duty("rescue", 0.5, lambda: None), Duty("reap", 1.0, lambda: 1 / 0))
    monkeypatch.setattr(upkeep, "_running", duties)
    duties.run(0.0)
    answer = client.get("/readyz/", headers=reader)
    parts = answer.json()["parts"]
    assert parts["database"]["ok"]
    assert parts["redis"]["ok"]
    assert parts["upkeep: rescue"]["ok"]
    assert parts["upkeep: reap"] == {"ok": False, "seconds": None}
    assert parts["gpu"] == {"ok": False, "workers": 0, "problem": ""}


def test_an_outage_is_a_503_that_names_the_store(
    client: Client,
    reader: dict[str, str],
    redis_client: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "trouble", lambda: "Redis is full.")
    answer = client.get("/readyz/", headers=reader)
    assert answer.status_code == 503
    assert answer.json()["parts"]["redis"]["trouble"] == "Redis is full."
    answer = client.get("/readyz/")
    assert answer.status_code == 503
    assert answer.json()["parts"]["redis"] == {"ok": False}

    def down(*_: object) -> None:
        raise OperationalError("the patient's words")

    monkeypatch.setattr(database, "cursor", down)
    client.raise_request_exception = False
    for headers in (None, reader):  # no account can be found now
        answer = client.get("/readyz/", headers=headers)
        assert answer.status_code == 503
        assert answer.json()["parts"]["database"] == {"ok": False}
        assert "words" not in answer.content.decode()


def test_strangers_learn_names_and_states_alone(
    client: Client, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "the model server says canary"
    monkeypatch.setattr(health, "worker_problems", lambda _client: {"gpu": words})
    nobody, ended = make_user(None), make_user()
    tokens = {name: token_of(user) for name, user in (("no role", nobody), ("gone", ended))}
    User.objects.filter(pk=ended.pk).update(is_active=False)
    strangers: list[dict[str, str]] = [
        {},
        {"Host": "evil.example"},
        {"Authorization": "Bearer x"},
        {"Cookie": "sessionid=x"},
        *({"Authorization": f"Bearer {token}"} for token in tokens.values()),
    ]
    for headers in strangers:
        answer = Client().get("/readyz/", headers=headers)
        assert answer.status_code == 200, headers
        assert "canary" not in answer.content.decode()
        assert set(answer.json()) == {"ok", "parts"}
        assert {tuple(part) for part in answer.json()["parts"].values()} == {("ok",)}
    client.force_login(make_user())
    assert words in client.get("/readyz/").content.decode()
    token = {"Authorization": f"Bearer {token_of(make_user())}"}
    assert words in Client().get("/readyz/", headers=token).content.decode()
    assert client.post("/readyz/").status_code == 405


def test_details_wait_for_the_second_factor(
    client: Client, redis_client: redis.Redis, settings: Any
) -> None:
    settings.TRIAGE_DEMO = False
    client.force_login(make_user("charge nurse"))
    answer = client.get("/readyz/")
    assert answer.status_code == 200
    assert answer.json()["parts"]["redis"] == {"ok": True}
