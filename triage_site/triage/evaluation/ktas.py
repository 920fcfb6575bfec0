"""Rows in the columns of the KTAS study (Moon et al. 2019) as case facts. Pure.

`nurse_level`, `fold` and `site` are never read here: they are not facts about a patient.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

from triage_site.triage.facts import (
    NOT_TAKEN,
    UNMEASURABLE,
    ArrivalMode,
    CaseFacts,
    Consciousness,
    Reading,
    Sex,
)

_SEX: Final = {"": Sex.UNKNOWN, "1": Sex.FEMALE, "2": Sex.MALE}
_ARRIVAL: Final = {
    "": ArrivalMode.UNKNOWN, "1": ArrivalMode.WALKING, "2": ArrivalMode.AMBULANCE,
    "3": ArrivalMode.PRIVATE_VEHICLE, "4": ArrivalMode.PRIVATE_AMBULANCE,
    "5": ArrivalMode.OTHER, "6": ArrivalMode.OTHER, "7": ArrivalMode.OTHER,
}  # fmt: skip
_MENTAL: Final = {
    "": Consciousness.NOT_TAKEN, "1": Consciousness.ALERT, "2": Consciousness.VOICE,
    "3": Consciousness.PAIN, "4": Consciousness.UNRESPONSIVE,
}  # fmt: skip
_INJURY: Final = {"": None, "1": False, "2": True}
Value = TypeVar("Value")
_BLANK: Final = frozenset({"na", "n/a", "nan", "null", "none"})
_PAIN: Final = frozenset({"", "0", "1"})


class BadField(ValueError):
    """A value that cannot be read; `field` names its column."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def to_facts(row: Mapping[str, str | None]) -> CaseFacts:
    """Raises BadField naming the column."""
    return CaseFacts(
        text=_text(row),
        age_years=_number(row, "age_years", 0, 125),
        sex=_code(row, "sex", _SEX),
        arrival_mode=_code(row, "arrival_mode", _ARRIVAL),
        injury=_code(row, "injury", _INJURY),
        consciousness=_code(row, "mental", _MENTAL),
        pain_score=_pain(row),
        sbp_mmhg=_reading(row, "sbp_mmhg"),
        dbp_mmhg=_reading(row, "dbp_mmhg"),
        hr_bpm=_reading(row, "hr_bpm"),
        rr_bpm=_reading(row, "rr_bpm"),
        temp_c=_reading(row, "temp_c"),
        spo2_percent=_reading(row, "spo2_percent"),
    )


def _cell(row: Mapping[str, str | None], name: str) -> str:
    cell = (row.get(name) or "").strip()
    return "" if cell.lower() in _BLANK else cell


def _text(row: Mapping[str, str | None]) -> str:
    return row.get("chief_complaint") or ""


def _code(row: Mapping[str, str | None], name: str, codes: Mapping[str, Value]) -> Value:
    cell = _cell(row, name).removesuffix(".0")
    if cell not in codes:
        raise BadField(
            name, f"unknown code {cell!r}, expected one of {', '.join(filter(None, codes))}"
        )
    return codes[cell]


def _number(row: Mapping[str, str | None], name: str, low: float, high: float) -> float | None:
    cell = _cell(row, name)
    if not cell:
        return None
    try:
        value = float(cell.replace(",", "."))
    except ValueError:
        raise BadField(name, f"{cell!r} is not a number") from None
    if not low <= value <= high:
        raise BadField(name, f"{cell} is outside {low:g} to {high:g}")
    return value


def _reading(row: Mapping[str, str | None], name: str) -> Reading:
    if _cell(row, name).lower() == UNMEASURABLE:
        return UNMEASURABLE
    value = _number(row, name, 0, 350)
    return NOT_TAKEN if value is None else value


def _pain(row: Mapping[str, str | None]) -> Reading:
    """No pain is a score of zero; pain without a score is a score that was not taken."""
    pain = _cell(row, "pain").removesuffix(".0")
    if pain not in _PAIN:
        raise BadField("pain", f"unknown code {pain!r}, expected 0 or 1")
    score = _number(row, "pain_score", 0, 10)
    if score is not None:
        return score
    return 0.0 if pain == "0" else NOT_TAKEN
