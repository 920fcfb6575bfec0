"""Plain words for how far a vital sign is from usual, for the brief. Pure.

They tell a reader what a number means for this age; they set no priority. Adults: NEWS2
(Royal College of Physicians 2017), two points "low"/"high", three points "very". Pulse and
diastolic pressure: the customary adult limits. Children: the resting ranges that the PALS
course teaches; "very" is the danger zone of ESI version 5 (from twelve years the limits of
NEWS2), and for the systolic pressure the PALS definition of hypotension.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalRange:
    """Two tiers: outside `hard` is an entry error, outside `usual` asks "are you sure?"."""

    label: str
    unit: str
    hard: tuple[float, float]
    usual: tuple[float, float]
    whole: bool = True


VITAL_RANGES: Final[Mapping[str, VitalRange]] = {
    "rr_bpm": VitalRange(label="Respiratory rate", unit="/min", hard=(0, 100), usual=(6, 60)),
    "spo2_percent": VitalRange(label="Oxygen saturation", unit="%", hard=(0, 100), usual=(70, 100)),
    "sbp_mmhg": VitalRange(
        label="Systolic blood pressure", unit="mmHg", hard=(0, 350), usual=(50, 260)
    ),
    "dbp_mmhg": VitalRange(
        label="Diastolic blood pressure", unit="mmHg", hard=(0, 250), usual=(25, 150)
    ),
    "hr_bpm": VitalRange(label="Heart rate", unit="/min", hard=(0, 350), usual=(30, 220)),
    "temp_c": VitalRange(
        label="Temperature", unit="°C", hard=(20, 46), usual=(32, 42), whole=False
    ),
    "pain_score": VitalRange(label="Pain", unit="/10", hard=(0, 10), usual=(0, 10)),
}


_ADULT_YEARS: Final = 16.0


@dataclass(frozen=True, slots=True)
class Bands:
    """Inclusive limits: at or under `low` is low, at or over `high` is high; None is no limit."""

    very_low: float | None
    low: float | None
    high: float | None
    very_high: float | None

    def word(self, value: float) -> str:
        if self.very_low is not None and value <= self.very_low:
            return "very low"
        if self.very_high is not None and value >= self.very_high:
            return "very high"
        if self.low is not None and value <= self.low:
            return "low"
        if self.high is not None and value >= self.high:
            return "high"
        return ""


_ADULT: Final = {
    "rr_bpm": Bands(8, 11, 21, 25),
    "spo2_percent": Bands(91, 93, None, None),
    "sbp_mmhg": Bands(90, 100, 200, 220),
    "dbp_mmhg": Bands(None, None, 110, 130),
    "hr_bpm": Bands(40, 50, 101, 131),
    "temp_c": Bands(35.0, 35.9, 38.1, 39.1),
    "pain_score": Bands(None, None, 7, 9),
}
_SPO2_SCALE_2_AIR: Final = Bands(83, 87, None, None)
_SPO2_SCALE_2_OXYGEN: Final = Bands(83, 87, 93, 97)


@dataclass(frozen=True, slots=True)
class ChildRow:
    """Resting ranges, inclusive, up to (not including) `until_years`."""

    until_years: float
    heart: tuple[int, int]
    breath: tuple[int, int]
    systolic: tuple[int, int]
    danger_heart: int  # more than this
    danger_breath: int  # more than this


_CHILD_ROWS: Final = (
    ChildRow(1 / 12, (90, 190), (35, 60), (67, 84), 190, 60),
    ChildRow(1, (90, 180), (30, 55), (72, 104), 180, 55),
    ChildRow(3, (80, 140), (22, 40), (86, 104), 140, 40),
    ChildRow(5, (65, 120), (18, 35), (89, 112), 120, 35),
    ChildRow(12, (70, 120), (16, 30), (90, 115), 120, 30),
    ChildRow(_ADULT_YEARS, (60, 100), (12, 20), (100, 130), 130, 25),
)


def vital_band(
    name: str,
    value: float,
    *,
    age_years: float | None,
    on_oxygen: bool = False,
    spo2_scale_2: bool = False,
) -> str:
    """`very low`, `low`, ``, `high` or `very high`; unknown ages count as adult."""
    if name == "spo2_percent" and spo2_scale_2:
        return (_SPO2_SCALE_2_OXYGEN if on_oxygen else _SPO2_SCALE_2_AIR).word(value)
    if age_years is None or age_years >= _ADULT_YEARS:
        return _ADULT[name].word(value)
    return _child_bands(name, age_years).word(value)


def _child_bands(name: str, age_years: float) -> Bands:
    row = next(row for row in _CHILD_ROWS if age_years < row.until_years)
    if name == "hr_bpm":
        return _around(row.heart, row.danger_heart)
    if name == "rr_bpm":
        return _around(row.breath, row.danger_breath)
    if name == "sbp_mmhg":
        low, high = row.systolic
        return Bands(child_hypotension_mmhg(age_years) - 1, low - 1, high + 16, None)
    if name == "dbp_mmhg":
        return Bands(None, None, None, None)
    return _ADULT[name]


def _around(usual: tuple[int, int], danger: int) -> Bands:
    low, high = usual
    return Bands(low - 20 if low > 40 else low - 10, low - 1, high + 1, danger + 1)


def child_hypotension_mmhg(age_years: float) -> int:
    """Systolic pressure below this is hypotension in a child (PALS)."""
    if age_years < 1 / 12:
        return 60
    if age_years < 1:
        return 70
    if age_years <= 10:
        return 70 + 2 * int(age_years)
    return 90
