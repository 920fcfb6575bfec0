"""The addresses for monitors, with and without the stores."""

from __future__ import annotations

import pytest
import redis
from django.db import OperationalError
from django.db import connection as database
from django.test import Client

from scheduling import connection
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


def test_ready_names_each_part(
    client: Client, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    duties = Duties(Duty("rescue", 0.5, lambda: None), Duty("reap", 1.0, lambda: 1 / 0))
    monkeypatch.setattr(upkeep, "_running", duties)
    duties.run(0.0)
    answer = client.get("/readyz/")
    parts = answer.json()["parts"]
    assert parts["database"]["ok"]
    assert parts["redis"]["ok"]
    assert parts["upkeep: rescue"]["ok"]
    assert parts["upkeep: reap"] == {"ok": False, "seconds": None}
    assert parts["gpu"] == {"ok": False, "workers": 0, "problem": ""}


def test_an_outage_is_a_503_that_names_the_store(
    client: Client, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "trouble", lambda: "Redis is full.")
    answer = client.get("/readyz/")
    assert answer.status_code == 503
    assert answer.json()["parts"]["redis"]["trouble"] == "Redis is full."

    def down() -> None:
        raise OperationalError("the patient's words")

    monkeypatch.setattr(database, "cursor", down)
    answer = client.get("/readyz/")
    assert answer.json()["parts"]["database"]["trouble"] == "OperationalError"
    assert "words" not in answer.content.decode()
