"""A figure that names a vital sign and cannot be right is told, and is no value."""

from __future__ import annotations

from typing import Any

import pytest

from triage_site.triage.brief import build_brief
from triage_site.triage.classify import classify
from triage_site.triage.facts import CaseFacts
from triage_site.triage.reading.measured import measure
from triage_site.triage.reading.note import read


def told(text: str, **facts: Any) -> dict[str, str]:
    return dict(measure(CaseFacts.from_dict({"text": text, **facts}), read(text)).impossible)


@pytest.mark.parametrize(
    ("text", "vital", "words"),
    [
        ("sats 9%, cough", "spo2_percent", "sats 9%"),
        ("SpO2 102%, cough", "spo2_percent", "SpO2 102%"),
        ("cough, saturations are 985", "spo2_percent", "saturations are 985"),
        ("HR 7, cough", "hr_bpm", "HR 7"),
        ("hr 380", "hr_bpm", "hr 380"),
        ("pulse is 1200, dizzy", "hr_bpm", "pulse is 1200"),
        ("temp 3.6", "temp_c", "temp 3.6"),
        ("temp 375, cough", "temp_c", "temp 375"),
        ("temp 39.9F", "temp_c", "temp 39.9F"),
        ("temperature 99 C", "temp_c", "temperature 99 C"),
        ("BP 12/80", "sbp_mmhg", "BP 12/80"),
        ("BP 80/120", "sbp_mmhg", "BP 80/120"),
        ("BP 8o/5o", "sbp_mmhg", "BP 8o/5o"),
        ("BP 120/8, dizzy", "sbp_mmhg", "BP 120/8"),
        ("blood pressure 1200/80", "sbp_mmhg", "blood pressure 1200/80"),
        ("foot pain 12/10", "pain_score", "pain 12/10"),
        ("GCS 2, fall", "gcs", "GCS 2"),
        ("GCS 16", "gcs", "GCS 16"),
    ],
)
def test_what_cannot_be_right_is_told_with_the_words_of_the_note(
    text: str, vital: str, words: str
) -> None:
    assert told(text) == {vital: words}
    facts = CaseFacts(text=text, age_years=40)
    said = classify(facts)
    assert said.priority <= 2
    assert "contradiction" in said.person_reasons
    assert any(f"the note's '{words}' cannot be right: measure" == one.text for one in said.reasons)
    brief = build_brief(facts, priority=2, danger_signs=())
    assert f"\nCheck again: the note's '{words}' cannot be right\n" in brief


@pytest.mark.parametrize(
    "text",
    [
        "HR 72 sats 97 BP 120/80 temp 36.6 RR 16 pain 8/10 GCS 15",
        "vomiting for 24 hr, 3 times",
        "every hr 5 wet nappies, last hr 2",
        "sats checked 2 days ago",
        "sats 4% below usual",
        "sats dropped 10%",
        "came on Sat 9 pm, sat 2 exams",
        "pain since 12/10, knee",
        "pain 12/10/24",
        "bisoprolol 5/10 mg",
        "BP checked 2/52 ago",
        "BP 2/7 ago was fine",
        "BP tablets 5 mg",
        "yesterday BP 12/80, today well",
        "his mum's BP was 12/80, he has a cough",
        "temp for 3 days, temps 3 nights",
        "temp up 2 degrees",
        "temp 101, temp 39",
        "T 33.5, T° 38",
        "pulses 2+ in the foot, pulse 2+",
        "HR 0, CPR in progress",
        "GCS 4 5 6",
        "GCS E4 V5 M6, GCS 14/15",
        "SpO2 .97",
        "RR 120/80",
        "BP 12/80, then BP 120/80",
    ],
)
def test_doses_ages_times_and_values_that_may_be_right_are_not_told_so(text: str) -> None:
    assert told(text) == {}
