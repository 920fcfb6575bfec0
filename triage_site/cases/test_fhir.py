"""The FHIR export, checked by the models of `fhir.resources` (R4B: R4's resources, corrected)."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

import pytest
import redis
from fhir.resources.R4B.bundle import Bundle

from tests.factories import at, make_case, make_user
from triage_site.cases import selectors, services
from triage_site.cases.clinical import Disposition
from triage_site.cases.fhir import bundle
from triage_site.cases.models import Case
from triage_site.cases.test_api import Api

pytestmark = pytest.mark.django_db(transaction=True)

FACTS: dict[str, Any] = {
    "age_years": 71, "sex": "female", "rr_bpm": 26, "spo2_percent": 91, "on_oxygen": True,
    "sbp_mmhg": 140, "dbp_mmhg": 80, "hr_bpm": "unmeasurable", "temp_c": 38.4, "pain_score": 7,
    "consciousness": "confused",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _redis(redis_client: redis.Redis) -> None:
    """Every test has a real and empty Redis."""


@pytest.fixture
def case() -> Case:
    case = make_case("chest pain", actor=make_user(username="nurse"), **FACTS)
    services.classify_without_model(case.id, why="test", now=at(1))
    Case.objects.filter(id=case.id).update(label="Mrs Canary", guidance="Situation: pale.")
    case.refresh_from_db()
    return case


def exported(case: Case) -> dict[str, Any]:
    """As JSON would carry it, after the check of every resource."""
    case.refresh_from_db()
    made = bundle(case, selectors.vitals_over_time(case), now=at(99))
    Bundle.model_validate(made)
    loaded: dict[str, Any] = json.loads(json.dumps(made))
    return loaded


def of_kind(made: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    resources = [entry["resource"] for entry in made["entry"]]
    return [one for one in resources if one["resourceType"] == kind]


def test_vital_signs_carry_loinc_and_ucum(case: Case) -> None:
    made = exported(case)
    values = {
        one["code"]["coding"][0]["code"]: one.get("valueQuantity")
        for one in of_kind(made, "Observation")
        if one["code"].get("coding")
    }
    unit = {"system": "http://unitsofmeasure.org"}
    assert values["9279-1"] == {**unit, "value": 26, "unit": "/min", "code": "/min"}
    assert values["8480-6"] == {**unit, "value": 140, "unit": "mmHg", "code": "mm[Hg]"}
    assert values["8310-5"] == {**unit, "value": 38.4, "unit": "°C", "code": "Cel"}
    assert {"59408-5", "8462-4", "72514-3", "80288-4"} <= set(values)


def test_what_could_not_be_measured_has_a_reason_and_no_value(case: Case) -> None:
    (heart,) = [
        one for one in of_kind(exported(case), "Observation")
        if one["code"].get("coding", [{}])[0].get("code") == "8867-4"
    ]  # fmt: skip
    assert "valueQuantity" not in heart
    assert heart["dataAbsentReason"]["text"] == "could not be measured"


def test_every_set_of_vital_signs_is_exported(case: Case) -> None:
    services.record_vitals(case.id, readings={"rr_bpm": 30}, actor=make_user(), now=at(60))
    breaths = [
        one["valueQuantity"]["value"] for one in of_kind(exported(case), "Observation")
        if one["code"].get("coding", [{}])[0].get("code") == "9279-1"
    ]  # fmt: skip
    assert breaths == [26, 30]


def test_the_level_is_an_observation_of_its_own(case: Case) -> None:
    (level,) = [
        one for one in of_kind(exported(case), "Observation")
        if one["code"].get("text") == "Triage level"
    ]  # fmt: skip
    assert level["valueCodeableConcept"]["coding"][0]["code"] == str(case.priority)


def test_the_encounter_says_where_the_patient_is(case: Case) -> None:
    (waiting,) = of_kind(exported(case), "Encounter")
    assert (waiting["status"], waiting["priority"]["coding"][0]["code"]) == ("arrived", "EM")
    services.see_patient(case.id, actor=make_user(), now=at(60))
    assert of_kind(exported(case), "Encounter")[0]["status"] == "in-progress"


@pytest.mark.parametrize("disposition", Disposition)
def test_each_end_is_valid(case: Case, disposition: Disposition) -> None:
    services.close_case(case.id, disposition=disposition, actor=make_user(), now=at(90))
    (ended,) = of_kind(exported(case), "Encounter")
    in_error = disposition == Disposition.ENTERED_IN_ERROR
    assert ended["status"] == ("entered-in-error" if in_error else "finished")
    assert ended["period"]["end"]


def test_the_patient_is_a_pseudonym(case: Case) -> None:
    made = exported(case)
    (patient,) = of_kind(made, "Patient")
    assert patient["gender"] == "female"
    assert "birthDate" not in patient, "at 71 years it is one of two years"
    assert "name" not in patient
    assert "Canary" not in json.dumps(made)


@pytest.mark.parametrize(
    ("arrived", "age", "year"),
    [
        ("2026-12-01", 0, "2026"),
        ("2026-12-01", 0.02, "2026"),
        ("2026-12-01", 0.06, "2026"),
        ("2026-12-01", 0.5, "2026"),
        ("2026-12-01", 0.75, "2026"),
        ("2026-12-01", 0.9, None),  # eleven months: January 2026, or December 2025
        ("2026-12-01", 1.5, "2025"),
        ("2026-12-01", 1.95, None),
        ("2027-01-04", 0, None),  # up to a week old
        ("2027-01-04", 0.02, None),
        ("2027-01-12", 0.1, "2026"),
        ("2027-01-12", 0.02, None),
        ("2027-01-25", 0.02, "2027"),
        ("2027-07-01", 0.25, "2027"),
        ("2026-12-01", 2, None),
        ("2026-12-31", 40, None),
        ("2026-12-01", 125, None),
    ],
)
def test_a_year_of_birth_is_never_wrong(
    case: Case, arrived: str, age: float, year: str | None
) -> None:
    case.arrived_at = datetime.fromisoformat(f"{arrived}T12:00:00+00:00")
    case.facts = {**case.facts, "age_years": age}
    case.save()
    made = exported(case)
    assert of_kind(made, "Patient")[0].get("birthDate") == year
    (told,) = [one for one in of_kind(made, "Observation") if "30525-0" in json.dumps(one["code"])]
    assert told["valueQuantity"]["value"] == age
    assert told["valueQuantity"]["code"] == "a"


def test_without_an_age_nothing_is_said_of_it(case: Case) -> None:
    case.facts = {"text": "chest pain"}
    case.save()
    made = exported(case)
    assert "birthDate" not in of_kind(made, "Patient")[0]
    assert "30525-0" not in json.dumps(made)


def test_guidance_is_a_document_that_says_when_it_is_old(case: Case) -> None:
    (document,) = of_kind(exported(case), "DocumentReference")
    data = document["content"][0]["attachment"]["data"]
    assert base64.b64decode(data).decode() == "Situation: pale."
    assert document["status"] == "current"
    Case.objects.filter(id=case.id).update(guidance_stale_at=at(50))
    assert of_kind(exported(case), "DocumentReference")[0]["status"] == "superseded"
    Case.objects.filter(id=case.id).update(guidance="")
    assert of_kind(exported(case), "DocumentReference") == []


def test_provenance_names_people_and_points_at_everything(case: Case) -> None:
    made = exported(case)
    (provenance,) = of_kind(made, "Provenance")
    assert "nurse" in [agent["who"]["display"] for agent in provenance["agent"]]
    urls = {entry["fullUrl"] for entry in made["entry"]}
    assert {target["reference"] for target in provenance["target"]} < urls


def test_a_case_of_which_nothing_is_known_can_be_exported() -> None:
    exported(make_case("help"))


def test_the_export_is_read_over_http_and_on_record(case: Case) -> None:
    api = Api()
    response = api._client.get(f"/api/v1/cases/{case.id}/fhir")
    assert (response.status_code, response["Content-Type"]) == (
        200, "application/fhir+json; charset=utf-8",
    )  # fmt: skip
    Bundle.model_validate(json.loads(response.content))
    (viewed,) = case.events.filter(kind="viewed", data__via="api")
    assert "fhir" in viewed.data["what"]
    assert api.get("cases/00000000-0000-0000-0000-000000000000/fhir")[0] == 404
