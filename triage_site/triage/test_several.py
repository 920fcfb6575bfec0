"""Notes of two patients ask for a person, notes that only mention some do not."""

from __future__ import annotations

import pytest

from triage_site.triage.classify import classify
from triage_site.triage.facts import CaseFacts
from triage_site.triage.reading.several import tells_of_several
from triage_site.triage.types import PERSON_REASONS


@pytest.mark.parametrize(
    "text",
    [
        "Car crash, two pts. Driver: sore wrist. Passenger: HR 140, BP 70/40",
        "Pt 1: cough. Pt 2 (bed 4): chest pain",
        "Teacher's note covers two pupils, one fell from the roof",
        "patient A sore knee\npatient B not waking",
        "2 casualties from the bus, this one limps",
    ],
)
def test_two_patients_in_a_note_ask_for_a_person(text: str) -> None:
    assert tells_of_several(text)
    said = classify(CaseFacts(text=text, age_years=40))
    assert "several_patients" in said.person_reasons
    assert said.needs_person
    assert PERSON_REASONS["several_patients"]


@pytest.mark.parametrize(
    "text",
    [
        "Nurse, caught it from two patients with flu, cough",
        "bitten after she treated two patients", "patient 2 weeks after knee surgery",
        "pt 12 yo, pt 1.5 m tall", "both knees sore", "child 2, fever", "pt A&O x3, ankle sprain",
        "works as a carer for 3 patients, back pain", "both pupils reacting",
    ],
)  # fmt: skip
def test_other_patients_and_numbers_are_no_second_patient(text: str) -> None:
    assert not tells_of_several(text)


def test_the_time_of_a_long_note() -> None:
    assert not tells_of_several("patient 1 " * 2_000)
