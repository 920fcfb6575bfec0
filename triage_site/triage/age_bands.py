"""Limits of vital signs by age: danger zones, resting ranges, low blood pressure. Pure.

Danger zones: ESI version 5 (Emergency Nurses Association, 2023). Resting ranges and the
definition of hypotension: the paediatric advanced life support (PALS) tables that ESI quotes.
Age-adjusted shock index: the SIPA cut-offs for 4 to 16 years.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ADULT_YEARS: Final = 16.0
YOUNG_INFANT_YEARS: Final = 90 / 365.25
NEWBORN_YEARS: Final = 28 / 365.25
_MONTH: Final = 1 / 12


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeBand:
    """For ages under `until_years`. Danger means more than; resting ranges are inclusive."""

    until_years: float
    danger_heart: int
    danger_breath: int
    heart: tuple[int, int]
    breath: tuple[int, int]


_BANDS: Final = (
    AgeBand(
        until_years=_MONTH, danger_heart=190, danger_breath=60, heart=(90, 190), breath=(35, 60)
    ),
    AgeBand(until_years=1, danger_heart=180, danger_breath=55, heart=(90, 180), breath=(30, 55)),
    AgeBand(until_years=3, danger_heart=140, danger_breath=40, heart=(80, 140), breath=(22, 40)),
    AgeBand(until_years=5, danger_heart=120, danger_breath=35, heart=(65, 120), breath=(18, 35)),
    AgeBand(until_years=12, danger_heart=120, danger_breath=30, heart=(70, 120), breath=(16, 30)),
    AgeBand(until_years=999, danger_heart=100, danger_breath=20, heart=(60, 100), breath=(12, 20)),
)


def is_adult(age_years: float | None) -> bool:
    """An unknown age is taken for an adult's."""
    return age_years is None or age_years >= ADULT_YEARS


def band(age_years: float | None) -> AgeBand:
    if age_years is None:
        return _BANDS[-1]
    return next(row for row in _BANDS if age_years < row.until_years)


def hypotension_below(age_years: float | None) -> float:
    """Systolic pressure under which a person of this age is hypotensive, mmHg."""
    if age_years is None or age_years > 10:
        return 90.0
    if age_years < _MONTH:
        return 60.0
    if age_years < 1:
        return 70.0
    return 70.0 + 2.0 * age_years


def shock_index_limit(age_years: float | None) -> float | None:
    """Heart rate over systolic pressure above which blood loss is feared; None under 4 years."""
    if age_years is None or age_years > 16:
        return 1.0
    if age_years < 4:
        return None
    return 1.22 if age_years < 7 else 1.0 if age_years < 13 else 0.9
