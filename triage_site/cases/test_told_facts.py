"""Pages tell what only the words say, and mark it; what was entered always stands."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.factories import make_case, make_user
from triage_site.cases.case_words import complaint_text, patient_doubt, patient_words
from triage_site.cases.models import Case
from triage_site.cases.vitals_shown import vital_rows
from triage_site.triage.facts import CaseFacts

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"text": "CARDIAC ARREST - 71 M - CPR BY NEIGHBOUR"}, "71 y (note)"),
        ({"text": "3 yo found at the bottom of a pool"}, "3 y (note)"),
        ({"text": "Fell, 84F, hip pain", "sex": "female"}, "84 y F (note)"),
        ({"text": "84 year old lady fell", "age_years": 84, "sex": "female"}, "84 y F"),
        ({"text": "Her 84 year old husband fell on her", "age_years": 80}, "80 y"),
        ({"text": "in his 70s, chest pain"}, "Age unknown"),
        ({"text": "T 98 F, cough"}, "Age unknown"),
        ({"text": "chest pain"}, "Age unknown"),
    ],
)
def test_age_and_sex_of_the_note_are_marked(facts: dict[str, object], words: str) -> None:
    assert patient_words(Case(facts=facts)) == words


def shown(facts: dict[str, object]) -> dict[str, tuple[str, bool]]:
    rows = vital_rows(CaseFacts.from_dict(facts))
    return {row.label: (row.text or row.absent, row.told) for row in rows}


def test_vital_signs_of_the_note_are_shown_where_none_was_entered() -> None:
    found = shown({"text": "SBP 84, HR 132, SpO2 93% on 15L O2, GCS 15", "hr_bpm": 120})
    assert found["Systolic blood pressure"] == ("84", True)
    assert found["Heart rate"] == ("120", False)
    assert found["Air or oxygen"] == ("On oxygen", True)
    assert found["Consciousness"] == ("Alert", True)
    assert found["Temperature"] == ("not taken", False)


def test_what_the_note_tells_differently_stands_beside_what_was_entered() -> None:
    facts = {
        "text": "sats 84 on air, temp 37.1, GCS 9", "spo2_percent": 98, "temp_c": 36.9,
        "consciousness": "alert",
    }  # fmt: skip
    found = {row.label: (row.text, row.differs) for row in vital_rows(CaseFacts.from_dict(facts))}
    assert found["Oxygen saturation"] == ("98", "the note: 84")
    assert found["Temperature"] == ("36.9", "")
    assert found["Consciousness"] == ("Alert", "the note: GCS 9")


@pytest.mark.parametrize(
    ("facts", "doubt"),
    [
        ({"text": "Baby boy 7 weeks old, hot", "age_years": 7}, " (the note tells another age)"),
        ({"text": "34 weeks pregnant with her first", "sex": "male"},
         " (the note tells another sex)"),
        ({"text": "Boy, 7 years, hot", "age_years": 7, "sex": "male"}, ""),
        ({"text": "wife is 34 weeks pregnant and worries about his cough", "sex": "male"}, ""),
    ],
)  # fmt: skip
def test_the_case_page_doubts_an_age_and_a_sex_that_the_note_contradicts(
    facts: dict[str, object], doubt: str
) -> None:
    assert patient_doubt(Case(facts=facts)) == doubt


def test_the_case_page_names_what_disagrees(client: Client) -> None:
    clinician = make_user()
    case = make_case("sats 84 on air", actor=clinician, spo2_percent=98)
    client.force_login(clinician)
    assert "the note: 84" in client.get(f"/cases/{case.id}/").content.decode()


def test_what_could_not_be_measured_is_not_filled_from_the_words() -> None:
    found = shown({"text": "BP 120/80 earlier", "sbp_mmhg": "unmeasurable"})
    assert found["Systolic blood pressure"] == ("could not be measured", False)


def test_board_and_case_page_say_what_the_note_says(client: Client) -> None:
    clinician = make_user()
    case = make_case("27 male, stabbed, SBP 84, HR 132", actor=clinician)
    client.force_login(clinician)
    board = client.get("/board/").content.decode()
    page = client.get(f"/cases/{case.id}/").content.decode()
    assert "27 y M (note)" in board
    assert "27 y M (note)" in page
    assert "mmHg by the note" in page
    assert "Age unknown" not in board + page


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cough  for\n2 days", "cough for 2 days"),
        ("pain " * 27 + "BP 118/70", "pain " * 27 + "BP…"),  # not "BP 11…"
        ("x" * 200, "x" * 140 + "…"),
    ],
)
def test_a_long_complaint_is_cut_between_words(text: str, shown: str) -> None:
    assert complaint_text(text) == shown


def test_what_cannot_be_right_and_what_was_earlier_stand_beside_what_was_entered() -> None:
    facts = {
        "text": "BP 12/80, HR 140 at home, GCS 8 on scene", "sbp_mmhg": 122, "hr_bpm": 80,
        "consciousness": "alert",
    }  # fmt: skip
    found = {row.label: (row.text, row.differs) for row in vital_rows(CaseFacts.from_dict(facts))}
    assert found["Systolic blood pressure"] == ("122", "the note: BP 12/80, cannot be right")
    assert found["Heart rate"] == ("80", "the note, earlier: 140")
    assert found["Consciousness"] == ("Alert", "the note, earlier: GCS 8")
