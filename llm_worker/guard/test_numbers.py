"""The guard: numbers of the case pass, all other numbers are listed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_worker.guard.numbers import unsupported_numbers

BRIEF = """\
Age: 71 years
Caller's words: "SOB x2d, temp 38,4 last night, took 1,000 mg at 14:30"
Blood pressure: 140/80 mmHg
Heart rate: 132 /min
Pain: 7/10"""


@pytest.mark.parametrize(
    "guidance",
    [
        "Pulse 132, pressure 140/80 (140 over 80), pain 7/10, 7 out of 10.",
        "systolic 140, diastolic 80; a 71-year-old, breathless for 2 days",
        "Temperature 38.4, 38.40 or 38,4 °C; 1000 mg and 1,000 mg at 14:30.",
        "1. Airway\n2. Breathing\n3. Call for help",
        "**1.** Airway\n- 2) Breathing",
        "SpO2, NEWS2, CO2, a 12-lead ECG, O2 and COVID-19 are names; the 1st step, the 2nd one",
        "two large cannulas within ten minutes",
        "",
    ],
)
def test_supported_numbers_pass(guidance: str) -> None:
    assert unsupported_numbers(guidance, BRIEF) == []


@pytest.mark.parametrize(
    ("guidance", "invented"),
    [
        ("Pulse 133.", ["133"]),
        ("Give 300mg aspirin, then 300 mg.", ["300"]),
        ("q15min", ["15"]),
        ("80/140", ["80/140"]),
        ("pain 8/10", ["8/10"]),
        ("wait 10 minutes", ["10"]),
        ("between 12-20", ["12", "20"]),
        ("temp 38.5 or 384", ["38.5", "384"]),
        ("at 14:31", ["14:31"]),
        ("O2 15 l", ["15"]),
        ("15. Airway", ["15"]),
        ("1. Airway\n4. Breathing", ["4"]),
        ("the 30th week", ["30"]),
        ("٥ mg, ５ ml, give 5", ["5"]),
        ("a quarter is ¼, \u00b2", ["1/4"]),
    ],
)
def test_invented_numbers_are_listed(guidance: str, invented: list[str]) -> None:
    assert unsupported_numbers(guidance, BRIEF)[: len(invented)] == invented


@given(st.integers(0, 9_999), st.integers(0, 9_999))
def test_a_single_number_is_supported_only_if_it_is_in_the_brief(number: int, known: int) -> None:
    found = unsupported_numbers(f"Pulse {number}.", f"Heart rate: {known} /min")
    assert found == ([] if number == known else [str(number)])


PIECES = st.sampled_from(
    [
        "pulse 132",
        "140/80",
        "140 over 80",
        "7 out of 10",
        "\n1. airway",
        "\n2. air",
        "38.4 °C",
        "SpO2",
    ]
)


@given(st.lists(PIECES, max_size=8))
def test_no_prefix_of_a_supported_text_is_unsupported(pieces: list[str]) -> None:
    text = " ".join(pieces)
    if unsupported_numbers(text, BRIEF):
        return
    for end, character in enumerate(text):
        if character.isspace():
            assert unsupported_numbers(text[: end + 1], BRIEF) == []
