"""The HTTP API: the same checks as the pages, and errors that name the field."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
import redis
from django.test import Client

from scheduling import services as scheduling
from tests.factories import at, make_case, make_user, token_of
from triage_site.cases import services
from triage_site.cases.models import ApiToken, Case, CaseEvent
from triage_site.cases.roles import AUDITOR, CHARGE_NURSE, CLINICIAN
from triage_site.triage.facts import CaseFacts

pytestmark = pytest.mark.django_db(transaction=True)

NEW = {"text": "chest pain since noon", "age_years": 61, "sex": "male", "hr_bpm": 104}


class Api:
    """A client with the token of one account."""

    def __init__(self, role: str | None = CLINICIAN, token: str | None = None) -> None:
        key = token_of(make_user(role)) if token is None else token
        self._client = Client(headers={"authorization": f"Bearer {key}"})

    def get(self, path: str) -> tuple[int, Any]:
        response = self._client.get(f"/api/v1/{path}")
        return response.status_code, json.loads(response.content)

    def post(self, path: str, body: object, **headers: str) -> tuple[int, Any]:
        response = self._client.post(
            f"/api/v1/{path}", json.dumps(body), "application/json", headers=headers
        )
        return response.status_code, json.loads(response.content)


@pytest.fixture(autouse=True)
def _redis(redis_client: redis.Redis) -> None:
    """Every test uses a real and empty Redis."""


def queued(seconds: float = 0.0) -> Case:
    """Returns a queued case with the safe priority."""
    case = make_case("sore toe", seconds=seconds)
    services.classify_without_model(case.id, why="test", now=at(seconds))
    case.refresh_from_db()
    return case


def reason_of(answer: Any, field: str) -> str:
    (item,) = answer["errors"]
    assert item["field"] == field
    return str(item["reason"])


def test_a_case_is_created_and_read() -> None:
    api = Api()
    status, made = api.post("cases", NEW)
    assert (status, made["status"]) == (201, "received")
    status, read = api.get(f"cases/{made['id']}")
    assert (status, read["id"]) == (200, made["id"])
    assert read["timestamps"][0]["status"] == "received"
    case = Case.objects.get(id=made["id"])
    assert case.case_facts == CaseFacts.from_dict(NEW)
    assert case.events.filter(kind=CaseEvent.Kind.VIEWED).exists()


def test_an_idempotency_key_makes_a_resend_safe() -> None:
    api = Api()
    first = api.post("cases", NEW, **{"Idempotency-Key": "k1"})
    again = api.post("cases", NEW, **{"Idempotency-Key": "k1"})
    assert (first[0], again[0]) == (201, 200)
    assert first[1]["id"] == again[1]["id"]
    status, answer = api.post("cases", {**NEW, "text": "other"}, **{"Idempotency-Key": "k1"})
    assert status == 409
    assert "another case" in reason_of(answer, "Idempotency-Key")
    assert Case.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"hr_bpm": 900}, "hr_bpm", "0 to 350"),
        ({"hr_bpm": "fast"}, "hr_bpm", "number"),
        ({"temp_c": 101}, "temp_c", "°F"),
        ({"pain_score": 11}, "pain_score", "Pain must be 0 to 10"),
        ({"sbp_mmhg": 80, "dbp_mmhg": 90}, "dbp_mmhg", "below systolic"),
        ({"sex": "x"}, "sex", "female"),
        ({"text": "  "}, "text", "few words"),
        ({"age_years": 130}, "age_years", "125"),
        ({"pulse": 80}, "pulse", ""),
        ({"text": None}, "text", ""),
    ],
)
def test_a_bad_case_names_the_field(change: dict[str, object], field: str, words: str) -> None:
    status, answer = Api().post("cases", {**NEW, **change})
    assert status == 422
    assert words in reason_of(answer, field)
    assert not Case.objects.exists()


def test_errors_hold_no_clinical_text() -> None:
    status, answer = Api().post("cases", {**NEW, "consciousness": "zyxcanarywort"})
    assert status == 422
    assert "zyxcanarywort" not in json.dumps(answer)


def test_unmeasurable_is_stored_as_such() -> None:
    status, made = Api().post("cases", {**NEW, "sbp_mmhg": "unmeasurable"})
    assert status == 201
    assert Case.objects.get(id=made["id"]).facts["sbp_mmhg"] == "unmeasurable"


def test_unusual_values_are_saved_with_a_warning() -> None:
    status, made = Api().post("cases", {**NEW, "hr_bpm": 240})
    assert status == 201
    assert [warning["field"] for warning in made["warnings"]] == ["hr_bpm"]


def test_override_and_cancel() -> None:
    api, case = Api(), queued()
    body = {"priority": 0, "reason": "worse", "note": ""}
    status, answer = api.post(f"cases/{case.id}/override", body)
    assert (status, answer["priority"], answer["suggested_priority"]) == (200, 0, 1)
    status, answer = api.post(f"cases/{case.id}/override", {**body, "reason": "mood"})
    assert status == 422
    assert "clinical_judgement" in reason_of(answer, "reason")
    status, answer = api.post(f"cases/{case.id}/cancel", {"reason": "left"})
    assert (status, answer["status"]) == (200, "cancelled")
    status, answer = api.post(f"cases/{case.id}/cancel", {})
    assert status == 409
    reason_of(answer, "status")


def test_the_queue_is_shown_in_the_order_of_service() -> None:
    api = Api()
    cases = [queued(seconds) for seconds in range(3)]
    api.post(f"cases/{cases[2].id}/override", {"priority": 0, "reason": "worse"})
    status, answer = api.get("queue")
    assert status == 200
    assert [item["id"] for item in answer["waiting"]] == [str(cases[i].id) for i in (2, 0, 1)]
    assert [item["position"] for item in answer["waiting"]] == [0, 1, 2]
    scheduling.claim_jobs("w", 1, now=at(9), model_name="m")
    assert api.get("queue")[1]["running"] == [str(cases[2].id)]
    assert api.get(f"cases/{cases[0].id}")[1]["position"] == 0


def test_only_charge_nurses_switch_the_policy_with_a_reason() -> None:
    staff = Api(CHARGE_NURSE)
    assert staff.get("policy")[1]["policy"] == "semantic"
    status, answer = staff.post("policy", {"policy": "sjf", "reason": "short answers wait"})
    assert (status, answer["policy"]) == (200, "sjf")
    status, answer = staff.post("policy", {"policy": "lifo", "reason": "no"})
    assert status == 422
    assert "fcfs" in reason_of(answer, "policy")
    status, answer = staff.post("policy", {"policy": "fcfs", "reason": " "})
    assert reason_of(answer, "reason") == "required"
    status, answer = Api(CLINICIAN).post("policy", {"policy": "fcfs", "reason": "x"})
    assert status == 403
    assert "operate" in reason_of(answer, "authorization")


@pytest.mark.parametrize(
    ("role", "submit", "override"),
    [(CLINICIAN, 201, 200), (CHARGE_NURSE, 201, 200), (AUDITOR, 403, 403), (None, 403, 403)],
)
def test_rights_depend_on_the_role(role: str | None, submit: int, override: int) -> None:
    api, case = Api(role), queued()
    assert api.post("cases", NEW)[0] == submit
    body = {"priority": 2, "reason": "better"}
    assert api.post(f"cases/{case.id}/override", body)[0] == override
    assert api.get("queue")[0] == (200 if role else 403)


def test_unknown_tokens_and_cases_are_refused() -> None:
    status, answer = Api(token="wrong").get("queue")
    assert status == 401
    assert "Bearer" in reason_of(answer, "authorization")
    status, answer = Api().get(f"cases/{uuid.uuid4()}")
    assert status == 404
    reason_of(answer, "id")


def test_demo_tokens_are_valid_in_demo_mode_only(settings: Any) -> None:
    key = ApiToken.issue(make_user(), demo=True)
    settings.TRIAGE_DEMO = True
    assert Api(token=key).get("queue")[0] == 200
    settings.TRIAGE_DEMO = False
    status, answer = Api(token=key).get("queue")
    assert status == 401
    assert "demo" in reason_of(answer, "authorization")
