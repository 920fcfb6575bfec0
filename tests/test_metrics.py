"""`/metrics`: who may read it, what it says, and that its alerts use names that exist."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import redis
import yaml
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from tests.factories import make_case, make_queued_case, make_user, token_of

pytestmark = pytest.mark.django_db
DOCS = Path(__file__).resolve().parent.parent / "docs" / "monitoring"


@pytest.fixture
def figures(redis_client: redis.Redis, client: Client) -> dict[tuple[str, str], float]:
    user = make_user()
    make_queued_case(1, 0.0, actor=user)
    make_case("canary in the note", actor=user)
    headers = {"Authorization": f"Bearer {token_of(user)}"}
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "canary" not in text
    return {
        (sample.name, sample.labels.get("level", sample.labels.get("part", ""))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_it_says_what_waits_and_what_works(figures: dict[tuple[str, str], float]) -> None:
    assert figures["triage_queue_waiting", "1"] == 1
    assert figures["triage_patients_overdue", "1"] == 1
    assert figures["triage_part_up", "database"] == 1
    assert figures["triage_part_up", "gpu"] == 0
    assert figures["triage_slots", ""] == 0


def test_strangers_and_accounts_without_the_right_get_nothing(client: Client) -> None:
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer x"}).status_code == 401
    token = token_of(make_user(None))
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get("/metrics", headers=headers).status_code == 403


def test_dashboard_and_alerts_use_names_that_exist(
    figures: dict[tuple[str, str], float], client: Client
) -> None:
    known = {name for name, _ in figures} | {"triage_guidance_wait_seconds"}
    alerts = yaml.safe_load((DOCS / "alerts.yml").read_text())
    board = json.loads((DOCS / "dashboard.json").read_text())
    said = [rule["expr"] for group in alerts["groups"] for rule in group["rules"]]
    said += [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    used = {name for text in said for name in re.findall(r"triage_\w+", text)}
    assert used <= known
