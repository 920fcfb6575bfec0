from __future__ import annotations

import pytest

from triage_site.triage import classify
from triage_site.triage.facts import CaseFacts
from triage_site.triage.model.complaints import complaint


@pytest.mark.parametrize(
    ("text", "age_years", "expected"),
    [
        ("crushing chest pain going to the left arm", 61, "chest pain"),
        ("bit of sunburn on the neck", 45, "burn"),
        ("sprained ankle on stairs, denies chest pain", 30, "limb injury"),
        ("hot since last night, fever", 4, "fever or illness in a child"),
        ("he stopped breathing, no pulse", 70, "cardiac arrest"),
        ("hello?", 40, None),
    ],
)
def test_the_complaint_is_named_in_the_words_of_the_guidance(
    text: str, age_years: float, expected: str | None
) -> None:
    assert classify(CaseFacts(text=text, age_years=age_years)).complaint == expected


def test_a_sign_says_more_than_a_group_and_an_urgent_group_more_than_a_mild_one() -> None:
    assert complaint(["burn"], ["chest_pain"], 40) == "burn"
    assert complaint([], ["cough", "chest_pain"], 40) == "chest pain"
    assert complaint([], ["severe", "sudden"], 40) is None
