"""Tables of vital signs as notes have them."""

from __future__ import annotations

import time

import pytest

from triage_site.triage.facts import CaseFacts
from triage_site.triage.reading.measured import measure
from triage_site.triage.reading.note import read


def _present(text: str) -> dict[str, float]:
    facts = measure(CaseFacts(text=text), read(text)).facts
    names = ("hr_bpm", "rr_bpm", "spo2_percent", "sbp_mmhg", "dbp_mmhg", "temp_c", "pain_score")
    return {name: value for name in names if (value := facts.value(name)) is not None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "HR | 132 | BP | 84/50 | RR | 26 | SpO2 | 91",
            {"hr_bpm": 132, "rr_bpm": 26, "spo2_percent": 91, "sbp_mmhg": 84, "dbp_mmhg": 50},
        ),
        (
            "| HR | BP | T |\n|---|---|---|\n| 88 | 120/80 | 37.2 |\nsore throat",
            {"hr_bpm": 88, "sbp_mmhg": 120, "dbp_mmhg": 80, "temp_c": 37.2},
        ),
        (
            "Time  HR  BP  SpO2\n10:00 88 130/80 98\n10:30 134 82/44 93\nbelly pain",
            {"hr_bpm": 134, "sbp_mmhg": 82, "dbp_mmhg": 44, "spo2_percent": 93},
        ),
        ("time | HR | RR\n14:05 (now) | 92 | 18\n13:00 | 124 | 28", {"hr_bpm": 92, "rr_bpm": 18}),
        ("Time, HR, RR\n11:00, 80, 16\n10:00, 140, 30", {"hr_bpm": 80, "rr_bpm": 16}),
        ("HR\t88\t132\nBP\t130/80\t84/50", {"hr_bpm": 132, "sbp_mmhg": 84, "dbp_mmhg": 50}),
        ("Obs (HR, BP, SpO2): 132, 84/50, 91", {"hr_bpm": 132, "sbp_mmhg": 84, "dbp_mmhg": 50,
                                                "spo2_percent": 91}),
        ("BP/HR 120/80 72", {"sbp_mmhg": 120, "dbp_mmhg": 80, "hr_bpm": 72}),
        ("HR | BP | RR\n80 | - | 16", {"hr_bpm": 80, "rr_bpm": 16}),
        ("| HR | RR | SpO2 |\n|    | 38 | 79   |\ncollapse", {"rr_bpm": 38, "spo2_percent": 79}),
        (
            "Obs\tHR\tBP\tTemp\n08:00\t\t118/76\t36.7\n09:00\t74\t\t\nearache",
            {"hr_bpm": 74, "sbp_mmhg": 118, "dbp_mmhg": 76, "temp_c": 36.7},
        ),
        ("Temp | Pain\n101.3 F | 4", {"temp_c": 38.5, "pain_score": 4}),
    ],
)  # fmt: skip
def test_a_table_tells_the_last_value_of_each_name(text: str, expected: dict[str, float]) -> None:
    assert _present(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "P R N\n1 2 3",
        "pulse and pain\nfell off 2 steps",
        "HR | BP\nnot done | refused",
        "Meds | Dose\naspirin | 75",
    ],
)
def test_other_lines_are_no_table(text: str) -> None:
    assert _present(text) == {}


def test_an_earlier_line_still_tells_a_danger() -> None:
    text = "Time HR BP\n10:00 140 82/44\n10:30 88 124/80"
    measured = measure(CaseFacts(text=text), read(text))
    assert measured.earlier["sbp_mmhg"] == 82
    assert measured.contradicted == ()


@pytest.mark.parametrize("part", ["HR | BP\n", "80 | 120/80\n", "HR BP RR, ", "12, "])
def test_many_lines_cost_no_more_than_their_number(part: str) -> None:
    text = "HR | BP\n" + part * 300
    began = time.process_time()
    read(text)
    assert time.process_time() - began < 2.0
