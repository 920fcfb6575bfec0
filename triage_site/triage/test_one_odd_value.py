"""One value that is a little odd beside a trifle is no emergency, wherever it was written."""

from __future__ import annotations

import pytest

from triage_site.triage import classify
from triage_site.triage.facts import CaseFacts

TRIFLES = (
    "wart on hand", "sore throat two days", "urticarial rash, itchy", "ear pain since Monday",
    "ankle twisted on stairs, can bear weight", "needs a repeat prescription",
)  # fmt: skip
# Inside what NEWS2 scores with at most two, and no rule on figures names them.
ODD = (
    {"hr_bpm": 46.0}, {"hr_bpm": 54.0}, {"hr_bpm": 108.0}, {"hr_bpm": 124.0},
    {"sbp_mmhg": 162.0, "dbp_mmhg": 104.0}, {"sbp_mmhg": 178.0, "dbp_mmhg": 102.0},
    {"sbp_mmhg": 150.0, "dbp_mmhg": 109.0}, {"sbp_mmhg": 96.0}, {"rr_bpm": 22.0},
    {"rr_bpm": 24.0}, {"temp_c": 35.7}, {"temp_c": 39.2}, {"spo2_percent": 93.0},
    {"pain_score": 9.0},
)  # fmt: skip
USUAL = {
    "hr_bpm": 76.0, "sbp_mmhg": 124.0, "dbp_mmhg": 78.0, "temp_c": 36.7, "spo2_percent": 98.0,
    "rr_bpm": 16.0,
}  # fmt: skip


@pytest.mark.parametrize("odd", ODD, ids=str)
@pytest.mark.parametrize("others", [{}, USUAL], ids=["alone", "measured"])
def test_an_entered_value(odd: dict[str, float], others: dict[str, float]) -> None:
    for text in TRIFLES:
        facts = {"text": text, "age_years": 40, "arrival_mode": "walking", **others, **odd}
        assert classify(CaseFacts.from_dict(facts)).priority >= 2, text


@pytest.mark.parametrize(
    "figure",
    ["BP 162/104", "BP 178/102.", "blood pressure 150/109", "HR 46", "HR 124", "RR 22", "T 39.2",
     "SpO2 93 %", "temp 35.7"],
)  # fmt: skip
def test_a_written_value(figure: str) -> None:
    for text in TRIFLES:
        facts = CaseFacts(text=f"{text}. {figure}", age_years=40)
        assert classify(facts).priority >= 2, text
