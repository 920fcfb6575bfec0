"""The HTTP API: what people do to a case, lists, and errors that are always of one form."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import redis
from django.test import Client

from scheduling import services as scheduling
from tests.factories import at, make_case, make_user, token_of
from triage_site.cases import services
from triage_site.cases.api import api as described
from triage_site.cases.models import Case
from triage_site.cases.roles import AUDITOR, CHARGE_NURSE, CLINICIAN
from triage_site.cases.search_text import case_words, label_words
from triage_site.cases.test_api import NEW, Api, queued, reason_of
from triage_site.cases.test_forms import entered

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _redis(redis_client: redis.Redis) -> None:
    """Every test has a real and empty Redis."""


def finish_guidance() -> None:
    (one,) = scheduling.claim_jobs("w", 1, now=at(2), model_name="m")
    scheduling.finish_job(
        one.job.id, token=one.token, output="Situation: fine.", num_tokens=3,
        finish_reason="eos", now=at(3),
    )  # fmt: skip


# -- the two lives


def test_a_case_shows_its_two_lives() -> None:
    api, case = Api(), queued()
    _, answer = api.get(f"cases/{case.id}")
    assert (answer["clinical_status"], answer["guidance_status"]) == ("waiting", "offline")
    finish_guidance()
    _, answer = api.get(f"cases/{case.id}")
    assert (answer["clinical_status"], answer["guidance_status"]) == ("waiting", "ready")
    assert answer["overdue"] is True


def test_seen_closed_and_reopened() -> None:
    api, case = Api(), queued()
    status, answer = api.post(f"cases/{case.id}/seen", {})
    assert (status, answer["clinical_status"]) == (200, "being_seen")
    assert answer["seen_by"]
    status, answer = api.post(f"cases/{case.id}/seen", {})
    assert status == 409
    assert "being seen already" in reason_of(answer, "status")
    status, answer = api.post(f"cases/{case.id}/close", {"disposition": "admitted"})
    assert (status, answer["clinical_status"], answer["disposition"]) == (200, "closed", "admitted")
    status, answer = api.post(f"cases/{case.id}/reopen", {})
    assert (status, answer["clinical_status"], answer["seen_by"]) == (200, "waiting", None)


def test_a_move_without_body_is_a_move() -> None:
    assert raw("POST", f"/api/v1/cases/{queued().id}/seen")[0] == 200


def test_a_disposition_must_be_known() -> None:
    status, answer = Api().post(f"cases/{queued().id}/close", {"disposition": "lost"})
    assert status == 422
    assert "left_before_seen" in reason_of(answer, "disposition")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("seen", {}),
        ("close", {"disposition": "discharged"}),
        ("vitals", {"hr_bpm": 80}),
        ("notes", {"text": "x"}),
        ("override", {"priority": 0, "reason": "worse"}),
    ],
)
def test_a_change_for_an_older_version_is_refused(path: str, body: dict[str, Any]) -> None:
    api, case = Api(), queued()
    services.add_note(case.id, text="a", actor=case.created_by, now=at(9), version=0)
    version = Case.objects.get(id=case.id).version
    status, answer = api.post(f"cases/{case.id}/{path}", {**body, "version": 0})
    assert status == 409
    assert "Somebody was faster: note added" in reason_of(answer, "version")
    assert api.post(f"cases/{case.id}/{path}", {**body, "version": version})[0] == 200


@pytest.mark.parametrize("version", [99, 2**63, 10**30])
def test_a_version_that_never_was_is_refused(version: int) -> None:
    api, case = Api(), queued()
    for path in ("notes", "seen"):
        body = {"text": "x", "version": version} if path == "notes" else {"version": version}
        status, answer = api.post(f"cases/{case.id}/{path}", body)
        assert status == 409
        assert "Somebody was faster" in reason_of(answer, "version")


def test_the_level_of_a_closed_case_is_not_changed() -> None:
    api, case = Api(), queued()
    api.post(f"cases/{case.id}/close", {"disposition": "discharged"})
    status, answer = api.post(f"cases/{case.id}/override", {"priority": 0, "reason": "worse"})
    assert status == 409
    assert "reopen" in reason_of(answer, "priority")


# -- the patient again


def test_vital_signs_again_with_the_fields_of_a_new_case() -> None:
    api, case = Api(), queued()
    body = {"hr_bpm": 150, "sbp_mmhg": 80, "dbp_mmhg": 50, "consciousness": "confused"}
    status, answer = api.post(f"cases/{case.id}/vitals", {**body, "spo2_percent": "unmeasurable"})
    assert status == 200
    (taken,) = answer["vitals"]
    assert taken["readings"] == {**body, "spo2_percent": "unmeasurable"}
    assert taken["news2"] >= 3
    assert answer["priority"] <= 1


@pytest.mark.parametrize("absent", [{}, {"dbp_mmhg": None}, {"dbp_mmhg": "not_taken"}])
def test_a_systolic_alone_is_saved_and_a_diastolic_alone_is_refused(absent: dict[str, Any]) -> None:
    api, case = Api(), queued()
    api.post(f"cases/{case.id}/vitals", {"sbp_mmhg": 125, "dbp_mmhg": 80})
    status, answer = api.post(f"cases/{case.id}/vitals", {"sbp_mmhg": 70, **absent})
    assert (status, answer["priority"] <= 1) == (200, True)
    assert answer["vitals"][-1]["readings"] == {"sbp_mmhg": 70}
    facts = Case.objects.get(id=case.id).case_facts
    assert (facts.value("sbp_mmhg"), facts.value("dbp_mmhg")) == (70, None)
    status, answer = api.post(f"cases/{case.id}/vitals", {"dbp_mmhg": 90})
    assert (status, "Enter the systolic" in reason_of(answer, "sbp_mmhg")) == (422, True)
    assert Case.objects.get(id=case.id).case_facts.value("sbp_mmhg") == 70


def test_worse_vital_signs_make_guidance_stale() -> None:
    api, case = Api(), queued()
    finish_guidance()
    _, answer = api.post(f"cases/{case.id}/vitals", {"spo2_percent": 70, "rr_bpm": 40})
    assert (answer["guidance_status"], answer["guidance_stale"]) == ("stale", True)
    assert answer["guidance"] == "Situation: fine."


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "vitals"),
        ({"hr_bpm": 900}, "hr_bpm"),
        ({"hr_bpm": True}, "hr_bpm"),
        ({"hr_bpm": "80"}, "hr_bpm"),
        ({"pulse": 80}, "pulse"),
        ({"hr_bpm": 80, "version": True}, "version"),
        ({"on_oxygen": "yes"}, "on_oxygen"),
    ],
)
def test_bad_vital_signs_name_the_field(body: dict[str, Any], field: str) -> None:
    case = queued()
    status, answer = Api().post(f"cases/{case.id}/vitals", body)
    assert status == 422
    reason_of(answer, field)
    assert not case.vital_sets.exists()


def test_a_note_and_a_proposal() -> None:
    api, case = Api(), queued()
    status, answer = api.post(f"cases/{case.id}/notes", {"text": "takes warfarin, NKDA"})
    assert (status, answer["medicines"], answer["allergies"]) == (200, ["warfarin"], "none known")
    Case.objects.filter(id=case.id).update(proposed_priority=3)
    status, answer = api.post(f"cases/{case.id}/proposal", {"decision": "accept"})
    assert (status, answer["priority"], answer["proposed_priority"]) == (200, 3, None)
    assert api.post(f"cases/{case.id}/proposal", {"decision": "accept"})[0] == 409


def test_an_auditor_reads_and_changes_nothing() -> None:
    api, case = Api(AUDITOR), queued()
    assert api.get("cases")[0] == 200
    for path, body in (("seen", {}), ("vitals", {"hr_bpm": 80}), ("notes", {"text": "x"})):
        assert api.post(f"cases/{case.id}/{path}", body)[0] == 403
    assert Case.objects.get(id=case.id).version == 0


# -- lists


def test_cases_are_listed_by_filter_and_page() -> None:
    api = Api()
    cases = [queued(seconds) for seconds in range(5)]
    words = {"search_label": label_words("Bed 7"), "search_text": case_words("Bed 7", "sore toe")}
    Case.objects.filter(id=cases[0].id).update(label="Bed 7", priority=3, **words)
    api.post(f"cases/{cases[1].id}/seen", {})
    status, answer = api.get("cases")
    assert (status, answer["count"], answer["offset"]) == (200, 5, 0)
    assert [item["number"] for item in answer["items"]] == [one.number for one in cases[::-1]]
    _, answer = api.get("cases?limit=2&offset=4")
    assert [item["id"] for item in answer["items"]] == [str(cases[0].id)]

    def numbers(query: str) -> list[int]:
        return [item["number"] for item in api.get(f"cases?{query}")[1]["items"]]

    assert numbers("clinical_status=being_seen") == [cases[1].number]
    assert numbers("priority=3") == [cases[0].number]
    assert numbers("q=bed") == [cases[0].number]
    assert numbers(f"q={cases[2].number}&clinical_status=waiting") == [cases[2].number]
    assert len(numbers("q=sore")) == 5
    assert numbers("guidance_status=ready") == []
    assert len(numbers("guidance_status=offline")) == 5
    assert numbers("guidance_status=queued") == []


def test_an_unknown_parameter_of_the_list_is_named() -> None:
    api = Api()
    queued()
    status, answer = api.get("cases?clinical_state=closed&limit=5&page=2")
    assert status == 422
    assert answer["errors"] == [
        {"field": "clinical_state", "reason": "no such parameter"},
        {"field": "page", "reason": "no such parameter"},
    ]
    assert Api(token="wrong").get("cases?clinical_state=closed")[0] == 401
    status, answer = api.get("cases?priority=1&priority=2")
    assert (status, reason_of(answer, "priority")) == (422, "is given twice")


def test_every_address_refuses_a_parameter_that_it_does_not_have() -> None:
    api, case = Api(CHARGE_NURSE), queued()
    assert api.get("queue")[0] == 200
    gets = [path for path, ways in described.get_openapi_schema()["paths"].items() if "get" in ways]
    assert len(gets) > 8
    for path in gets:
        filled = re.sub(r"\{\w+\}", str(case.id), path)
        status, answer = api.get(f"{filled.removeprefix('/api/v1/')}?limitt=3")
        assert status == 422, path
        assert reason_of(answer, "limitt") == "no such parameter", path


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"text": "cough", "text": "chest pain"}', "text"),
        ('{"text": "cough", "hr_bpm": 40, "hr_bpm": 80}', "hr_bpm"),
        ('{"text": "cough", "hr_bpm": 40, "hr_bpm": 40}', "hr_bpm"),
        ('{"text": "cough", "x": {"a": 1, "a": 2}}', "a"),
        ('{"\\u0074ext": "cough", "text": "chest pain"}', "text"),
    ],
)
def test_a_name_that_stands_twice_in_a_body_is_refused(body: str, field: str) -> None:
    api = Api()
    answer = api._client.post("/api/v1/cases", body, content_type="application/json")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": field, "reason": "is given twice"}]
    assert not Case.objects.exists()


INVISIBLE = ["\u200b", "\u200b \ufeff", "\u2060\u00ad", "\u3164", "\u2800", "\u0301", "\u202e\n"]


@pytest.mark.parametrize("text", INVISIBLE)
def test_a_text_without_a_visible_mark_is_empty(text: str) -> None:
    api, case = Api(), queued()
    status, answer = api.post("cases", {"text": text})
    assert (status, reason_of(answer, "text")) == (422, "Describe the complaint in a few words")
    assert api.post(f"cases/{case.id}/notes", {"text": text})[0] == 422
    body = {"priority": 1, "reason": "other", "note": text}
    assert api.post(f"cases/{case.id}/override", body)[0] == 422
    assert "text" in entered(text=text).errors
    assert api.post("cases", {"text": f"🤕{text}"})[0] == 201


@pytest.mark.parametrize(
    ("value", "status"),
    [(37.123456, 422), (37.125, 422), (36.999999, 422), (37.12, 201), (37.1, 201), (37, 201)],
)
def test_a_temperature_has_at_most_two_decimals(value: float, status: int) -> None:
    got, answer = Api().post("cases", {"text": "cough", "temp_c": value})
    assert got == status
    if status == 422:
        assert reason_of(answer, "temp_c") == "Temperature must have at most 2 decimals"
    assert ("temp_c" in entered(temp_c=str(value)).errors) == (status == 422)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("clinical_status=gone", "clinical_status"),
        ("guidance_status=done", "guidance_status"),
        ("priority=5", "priority"),
        ("priority=x", "priority"),
        ("limit=0", "limit"),
        ("limit=1000", "limit"),
        ("offset=-1", "offset"),
    ],
)
def test_a_bad_filter_names_itself(query: str, field: str) -> None:
    status, answer = Api().get(f"cases?{query}")
    assert status == 422
    reason_of(answer, field)


# -- errors


def raw(method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Any]:
    client = Api(CLINICIAN)._client
    response = client.generic(method, path, body, "application/json", headers=headers)
    assert response["Content-Type"].startswith("application/json"), response.content[:200]
    return response.status_code, json.loads(response.content)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("POST", "/api/v1/cases", b'{"text": ', 400, "body"),
        ("POST", "/api/v1/cases", b"\xff", 400, "body"),
        ("POST", "/api/v1/cases", b"[" * 100_000, 400, "body"),
        ("POST", "/api/v1/cases", b"", 422, "body"),
        ("GET", "/api/v1/nothing", b"", 404, "address"),
        ("GET", "/api/v2/cases", b"", 404, "address"),
        ("GET", "/api/v1/cases/17", b"", 422, "case_id"),
        ("DELETE", "/api/v1/cases", b"", 405, "method"),
        ("PUT", "/api/v1/policy", b"{}", 405, "method"),
        ("GET", "/api/v1/cases/00000000-0000-0000-0000-000000000000", b"", 404, "id"),
    ],
)
def test_every_error_is_json(method: str, path: str, body: bytes, status: int, field: str) -> None:
    got, answer = raw(method, path, body)
    assert got == status
    reason_of(answer, field)


@pytest.mark.parametrize(
    ("path", "kind", "status"),
    [
        ("/api/v1/cases", "text/plain", 415),
        ("/api/v1/cases", "application/x-www-form-urlencoded", 415),
        ("/api/v1/cases", "", 201),
        ("/api/v1/cases", "application/jsonp", 415),
        ("/api/v1/cases", "application/json; charset=utf-8", 201),
        ("/api/v1/cases", "Application/JSON", 201),
        ("/api/v1/uploads", "application/json", 415),
        ("/api/v1/uploads", "text/csv", 415),
        ("/api/v1/uploads", "", 415),
        ("/api/v1/admission", "text/plain", 415),
    ],
)
def test_a_body_must_be_said_to_be_what_the_address_takes(
    path: str, kind: str, status: int
) -> None:
    headers = {"Authorization": f"Bearer {token_of(make_user('charge nurse'))}"}
    got = Client().generic("POST", path, b'{"text": "cough"}', kind, headers=headers)
    assert got.status_code == status
    if status == 415:
        reason_of(json.loads(got.content), "Content-Type")
    stranger = Client().generic("POST", path, b'{"text": "cough"}', kind)
    assert stranger.status_code == 401


def test_what_is_not_json_is_not_a_page() -> None:
    response = Client().get("/api/v1/cases")
    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
    reason_of(json.loads(response.content), "authorization")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"hr_bpm": True}, "hr_bpm"),
        ({"age_years": False}, "age_years"),
        ({"age_years": "61"}, "age_years"),
        ({"injury": 1}, "injury"),
        ({"spo2_scale_2": "true"}, "spo2_scale_2"),
        ({"consciousness": True}, "consciousness"),
        ({"label": "a\x00b"}, "label"),
        ({"text": "a\x00b"}, "text"),
        ({"text": "a\ud800b"}, "text"),
        ({"text": "x" * 10_001}, "text"),
        ({"hr_bpm": float("nan")}, "hr_bpm"),
        ({"hr_bpm": float("inf")}, "hr_bpm"),
        ({"age_years": 10**400}, "age_years"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(change: dict[str, Any], field: str) -> None:
    body = json.dumps({**NEW, **change}).encode()
    status, answer = raw("POST", "/api/v1/cases", body)
    assert status == 422
    reason_of(answer, field)
    assert not Case.objects.exists()


@pytest.mark.parametrize("name", ["needs_person", "overdue"])
def test_a_flag_in_an_address_is_one_of_two_words(name: str) -> None:
    api, _ = Api(), queued()
    assert [api.get(f"cases?{name}={word}")[0] for word in ("true", "false")] == [200, 200]


def test_a_priority_is_a_whole_number() -> None:
    case = queued()
    for value in (True, 1.0, "1", 5, -1, None):
        body = {"priority": value, "reason": "worse"}
        status, answer = Api().post(f"cases/{case.id}/override", body)
        assert status == 422
        reason_of(answer, "priority")


def test_openapi_names_values_and_examples() -> None:
    document = json.loads(Client().get("/api/openapi.json").content)
    schemas = document["components"]["schemas"]
    close = schemas["CloseIn"]["properties"]["disposition"]
    assert "entered_in_error" in close["enum"]
    assert close["examples"]
    assert "unresponsive" in schemas["NewCase"]["properties"]["consciousness"]["enum"]
    assert schemas["NewCase"]["properties"]["hr_bpm"]["anyOf"][0]["maximum"] == 350
    assert {"400", "404", "409", "422"} <= set(
        document["paths"]["/api/v1/cases/{case_id}/vitals"]["post"]["responses"]
    )


def test_a_resend_after_new_vital_signs_is_still_a_resend() -> None:
    api = Api()
    _, made = api.post("cases", NEW, **{"Idempotency-Key": "k1"})
    services.classify_without_model(Case.objects.get().id, why="test", now=at(1))
    api.post(f"cases/{made['id']}/vitals", {"hr_bpm": 150})
    status, again = api.post("cases", NEW, **{"Idempotency-Key": "k1"})
    assert (status, again["id"]) == (200, made["id"])


def test_a_new_case_in_full_is_in_the_list() -> None:
    make_case("cough")
    _, answer = Api().get("cases")
    (item,) = answer["items"]
    assert (item["clinical_status"], item["guidance_status"]) == ("waiting", "offline")
