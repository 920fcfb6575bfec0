"""Where a note and the form disagree, a person is asked, and the signs say whose word it is."""

from __future__ import annotations

from typing import Any

import pytest

from triage_site.triage.classify import BY_THE_NOTE, classify
from triage_site.triage.facts import CaseFacts


def reasons(**facts: Any) -> tuple[str, ...]:
    return classify(CaseFacts.from_dict(facts)).person_reasons


@pytest.mark.parametrize(
    "facts",
    [
        {"text": "82 year old woman, tired", "age_years": 28, "sex": "female"},
        {"text": "28 yo woman, tired", "age_years": 28, "sex": "male"},
        {"text": "58M chest pain", "age_years": 85},
        {"text": "7 month old boy, cough", "age_years": 7, "sex": "male"},
        {"text": "afebrile, cough", "temp_c": 39.6, "age_years": 50},
        {"text": "cough, normal heart rate", "hr_bpm": 138, "age_years": 50},
        {"text": "dizzy, normotensive", "sbp_mmhg": 80, "age_years": 50},
        {"text": "found unconscious in bed", "consciousness": "alert", "age_years": 50},
        {"text": "Tachycardic per the watch", "hr_bpm": 72, "age_years": 27},
        {"text": "hypotensive and dizzy", "sbp_mmhg": 148, "age_years": 50},
        {"text": "febrile, cough", "temp_c": 36.6, "age_years": 50},
        {"text": "cough, sats fine", "spo2_percent": 88, "age_years": 50},
    ],
)
def test_a_note_of_another_patient_or_of_other_findings_asks_a_person(
    facts: dict[str, Any],
) -> None:
    assert "contradiction" in reasons(**facts)


@pytest.mark.parametrize(
    "facts",
    [
        {"text": "63-year-old lady, swollen calf", "age_years": 64, "sex": "female"},
        {"text": "chest pain, her 82 year old mother called", "age_years": 50, "sex": "female"},
        {"text": "mother of a 3 year old boy, cough", "age_years": 30, "sex": "female"},
        {"text": "Mother and baby both vomit. Mother 30, baby 5 months.", "age_years": 30},
        {"text": "14 weeks pregnant, cough", "age_years": 33, "sex": "female"},
        {"text": "afebrile, cough", "temp_c": 37.9, "age_years": 50},
        {"text": "72F fall from standing, hip pain", "temp_c": 36.8, "age_years": 72},
        {"text": "unconscious", "consciousness": "unresponsive", "age_years": 50},
        {"text": "Bradycardic? no. Cough", "hr_bpm": 92, "age_years": 50},
        {"text": "not tachycardic", "hr_bpm": 72, "age_years": 50},
        {"text": "was hypotensive with the crew", "sbp_mmhg": 128, "age_years": 50},
        {"text": "tachycardic", "hr_bpm": 118, "age_years": 50},
        {"text": "afebrile, cough", "temp_c": 36.6, "age_years": 50},
        {"text": "bradycardic", "hr_bpm": 85, "age_years": 0.5},
    ],
)
def test_what_agrees_is_no_contradiction(facts: dict[str, Any]) -> None:
    assert "contradiction" not in reasons(**facts)


def test_a_sign_that_only_the_note_has_says_so() -> None:
    text = "HR was 140 at home on her watch, palpitations"
    entered = classify(CaseFacts.from_dict({"text": text, "hr_bpm": 52, "age_years": 35}))
    assert entered.danger_signs == (f"very fast heart {BY_THE_NOTE}", "palpitations")
    unmeasured = classify(CaseFacts.from_dict({"text": text, "age_years": 35}))
    assert "very fast heart" in unmeasured.danger_signs


def test_unresponsive_beside_alert_is_told_as_the_note_has_it() -> None:
    text = "two patients: driver walks, passenger found unconscious"
    facts = CaseFacts.from_dict({"text": text, "consciousness": "alert", "age_years": 45})
    said = classify(facts)
    assert said.priority == 0
    assert f"unresponsive {BY_THE_NOTE}" in said.danger_signs


@pytest.mark.parametrize("text", ["72F fall", "72F, hip pain", "pt 88 F, off legs", "94F weak"])
def test_an_age_with_f_is_no_temperature(text: str) -> None:
    assert not any("temperature" in sign for sign in classify(CaseFacts(text=text)).danger_signs)


@pytest.mark.parametrize("text", ["T 93F", "temp 94 F", "94.1F oral", "94 degrees F"])
def test_a_cold_body_in_fahrenheit_is_read(text: str) -> None:
    assert "very low temperature" in classify(CaseFacts(text=text)).danger_signs


def test_usual_vital_signs_never_count_for_urgency() -> None:
    facts = {"text": "cough", "hr_bpm": 138, "spo2_percent": 92, "rr_bpm": 28, "temp_c": 37.0}
    for more in ({}, {"sbp_mmhg": 84}, {"sbp_mmhg": 128}):
        for reason in classify(CaseFacts.from_dict({**facts, **more, "age_years": 50})).reasons:
            assert reason.text != "vital signs in the usual range" or (reason.weight or 0) < 0
