"""Bands get worse outward, and fit the age."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage_site.triage.vitals import VITAL_RANGES, vital_band

AGES = st.one_of(st.none(), st.floats(0, 110))
SCALE = ("very low", "low", "", "high", "very high")


@given(st.sampled_from(sorted(VITAL_RANGES)), AGES, st.floats(0, 350), st.floats(0, 350))
def test_a_larger_value_never_gets_a_lower_word(
    name: str, age: float | None, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    words = [vital_band(name, value, age_years=age) for value in (low, high)]
    assert SCALE.index(words[0]) <= SCALE.index(words[1])


@pytest.mark.parametrize(
    ("name", "value", "age", "word"),
    [
        ("hr_bpm", 132, 71, "very high"),
        ("hr_bpm", 132, 0.5, ""),
        ("hr_bpm", 132, 4, "very high"),
        ("hr_bpm", 55, 30, ""),
        ("rr_bpm", 8, 40, "very low"),
        ("rr_bpm", 24, 40, "high"),
        ("rr_bpm", 38, 2, ""),
        ("spo2_percent", 92, None, "low"),
        ("sbp_mmhg", 84, 6, "low"),
        ("sbp_mmhg", 81, 6, "very low"),
        ("sbp_mmhg", 90, 50, "very low"),
        ("temp_c", 38.0, 30, ""),
        ("temp_c", 39.1, 30, "very high"),
        ("pain_score", 6, 30, ""),
    ],
)
def test_known_points(name: str, value: float, age: float | None, word: str) -> None:
    assert vital_band(name, value, age_years=age) == word


def test_lower_oxygen_target_turns_the_alarm_round() -> None:
    assert vital_band("spo2_percent", 90, age_years=70, spo2_scale_2=True) == ""
    high = vital_band("spo2_percent", 97, age_years=70, spo2_scale_2=True, on_oxygen=True)
    assert high == "very high"
