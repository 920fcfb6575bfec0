"""NEWS2: the published table, incompleteness, and the ages it is not for."""

from __future__ import annotations

from typing import Any

import pytest

from triage_site.triage.facts import CaseFacts
from triage_site.triage.news2 import news2

_WELL = {
    "rr_bpm": 16, "spo2_percent": 98, "on_oxygen": False, "sbp_mmhg": 120, "hr_bpm": 70,
    "consciousness": "alert", "temp_c": 37.0,
}  # fmt: skip


def _score(**changes: object) -> int:
    found = news2(CaseFacts.from_dict({"text": "", "age_years": 60, **_WELL, **changes}))
    assert found is not None
    assert found.complete
    return found.score


@pytest.mark.parametrize(
    ("field", "points"),
    [
        ("rr_bpm", {8: 3, 9: 1, 11: 1, 12: 0, 20: 0, 21: 2, 24: 2, 25: 3}),
        ("spo2_percent", {91: 3, 92: 2, 93: 2, 94: 1, 95: 1, 96: 0}),
        ("sbp_mmhg", {90: 3, 91: 2, 100: 2, 101: 1, 110: 1, 111: 0, 219: 0, 220: 3}),
        ("hr_bpm", {40: 3, 41: 1, 50: 1, 51: 0, 90: 0, 91: 1, 110: 1, 111: 2, 130: 2, 131: 3}),
        ("temp_c", {35.0: 3, 35.1: 1, 36.0: 1, 36.1: 0, 38.0: 0, 38.1: 1, 39.0: 1, 39.1: 2}),
        ("consciousness", {"alert": 0, "confused": 3, "voice": 3, "unresponsive": 3}),
        ("on_oxygen", {True: 2, False: 0}),
    ],
)
def test_points_of_the_published_table(field: str, points: dict[Any, int]) -> None:
    assert {value: _score(**{field: value}) for value in points} == points


@pytest.mark.parametrize(
    ("saturation", "oxygen", "points"),
    [(83, False, 3), (85, False, 2), (87, False, 1), (90, False, 0), (97, False, 0),
     (90, True, 2), (93, True, 3), (95, True, 4), (97, True, 5)],
)  # fmt: skip
def test_saturation_scale_2(saturation: float, oxygen: bool, points: int) -> None:
    assert _score(spo2_percent=saturation, on_oxygen=oxygen, spo2_scale_2=True) == points


def test_missing_parameter_is_named_and_never_counted_as_normal() -> None:
    found = news2(CaseFacts.from_dict({"text": "", "hr_bpm": 135, "temp_c": "unmeasurable"}))
    assert found is not None
    assert not found.complete
    assert found.single_three
    assert "temperature" in found.missing
    assert "pulse" not in found.missing


def test_not_for_children_and_not_from_nothing() -> None:
    assert news2(CaseFacts.from_dict({"text": "", "age_years": 15, **_WELL})) is None
    assert news2(CaseFacts(text="", age_years=40)) is None
