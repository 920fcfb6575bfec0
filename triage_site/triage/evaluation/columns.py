"""Rows of tables as case facts: our columns, those of the KTAS study and of MIMIC-IV-ED. Pure.

Codes of the study and the words of the API are both read. The nurse's level, the fold and the
site are never facts about a patient.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
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
from triage_site.triage.vitals import VITAL_RANGES

# Our name -> names that others give the column, in lower case.
_NAMES: Final[Mapping[str, str]] = {
    "text": "text|chief_complaint|chief_complain|chiefcomplaint|complaint|note",
    "age_years": "age_years|age|anchor_age", "sex": "sex|gender",
    "arrival_mode": "arrival_mode|arrival mode|arrival_transport", "injury": "injury",
    "mental": "mental|consciousness", "pain": "pain", "pain_score": "pain_score|nrs_pain",
    "sbp_mmhg": "sbp_mmhg|sbp", "dbp_mmhg": "dbp_mmhg|dbp", "hr_bpm": "hr_bpm|hr|heartrate",
    "rr_bpm": "rr_bpm|rr|resprate", "temp_c": "temp_c|bt|temperature",
    "spo2_percent": "spo2_percent|saturation|o2sat|spo2",
    "expert_level": "expert_level|ktas_expert|acuity", "nurse_level": "nurse_level|ktas_rn",
    "priority": "priority|expected_priority", "id": "id|stay_id|case_id",
}  # fmt: skip
_OURS: Final = {other: name for name, others in _NAMES.items() for other in others.split("|")}
_SEX: Final = {"": Sex.UNKNOWN, "1": Sex.FEMALE, "2": Sex.MALE, "f": Sex.FEMALE, "m": Sex.MALE}
_ARRIVAL: Final = {
    "": ArrivalMode.UNKNOWN, "1": ArrivalMode.WALKING, "2": ArrivalMode.AMBULANCE,
    "3": ArrivalMode.PRIVATE_VEHICLE, "4": ArrivalMode.PRIVATE_AMBULANCE,
    "5": ArrivalMode.OTHER, "6": ArrivalMode.OTHER, "7": ArrivalMode.OTHER,
    "walk in": ArrivalMode.WALKING, "helicopter": ArrivalMode.AMBULANCE,
}  # fmt: skip
_MENTAL: Final = {
    "": Consciousness.NOT_TAKEN, "1": Consciousness.ALERT, "2": Consciousness.VOICE,
    "3": Consciousness.PAIN, "4": Consciousness.UNRESPONSIVE,
}  # fmt: skip
_INJURY: Final = {
    "": None, "1": False, "2": True, "false": False, "true": True, "no": False, "yes": True,
}  # fmt: skip
Value = TypeVar("Value")
_BLANK: Final = frozenset({"na", "n/a", "nan", "null", "none", "#boþ!", "??", "#값!", "uta"})
_VITALS: Final = ("sbp_mmhg", "dbp_mmhg", "hr_bpm", "rr_bpm", "temp_c", "spo2_percent")
_FAHRENHEIT: Final = (80.0, 115.0)
_MAX_AGE: Final = 125.0
_MAX_PAIN: Final = 10.0
Row = Mapping[str, str | None]


class BadField(ValueError):
    """A value that cannot be read; `field` names its column."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def our_name(column: str) -> str:
    """The name that we give a column; an unknown one keeps its own."""
    return _OURS.get(column.strip().lower(), column.strip().lower())


def to_facts(row: Row) -> CaseFacts:
    """Of a row under our names. Raises BadField naming the column."""
    row = {our_name(name): cell for name, cell in row.items()}
    facts = CaseFacts(
        text=(row.get("text") or "").strip(),
        age_years=_number(row, "age_years", 0, _MAX_AGE),
        sex=_code(row, "sex", _SEX, Sex),
        arrival_mode=_code(row, "arrival_mode", _ARRIVAL, ArrivalMode),
        injury=_code(row, "injury", _INJURY),
        consciousness=_code(row, "mental", _MENTAL, Consciousness),
        pain_score=_pain(row),
        **{vital: _reading(row, vital) for vital in _VITALS},  # type: ignore[arg-type]
    )
    check(facts)
    return facts


def check(facts: CaseFacts) -> None:
    """Raises BadField where an age or a vital sign cannot be."""
    if facts.age_years is not None and not 0 <= facts.age_years <= _MAX_AGE:
        raise BadField("age_years", f"{facts.age_years:g} is outside 0 to {_MAX_AGE:g}")
    for vital, limits in VITAL_RANGES.items():
        value = facts.value(vital)
        if value is not None and not limits.hard[0] <= value <= limits.hard[1]:
            low, high = limits.hard
            raise BadField(vital, f"{value:g} is outside {low:g} to {high:g}")
    systolic, diastolic = facts.value("sbp_mmhg"), facts.value("dbp_mmhg")
    if systolic is not None and diastolic is not None and diastolic >= systolic:
        raise BadField("dbp_mmhg", f"{diastolic:g} is not below the systolic pressure")


def _cell(row: Row, name: str) -> str:
    cell = (row.get(name) or "").strip()
    return "" if cell.lower() in _BLANK else cell


def _code(
    row: Row, name: str, codes: Mapping[str, Value], words: type[StrEnum] | None = None
) -> Value:
    cell = _cell(row, name).removesuffix(".0").lower()
    if words is not None and cell in set(words):
        return words(cell)  # type: ignore[return-value]
    if cell not in codes:
        known = ", ".join([*filter(None, codes), *(words or ())])
        raise BadField(name, f"unknown code {cell!r}, expected one of {known}")
    return codes[cell]


def _number(row: Row, name: str, low: float, high: float) -> float | None:
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


def _reading(row: Row, name: str) -> Reading:
    """A temperature that can only be Fahrenheit is one."""
    if _cell(row, name).lower() == UNMEASURABLE:
        return UNMEASURABLE
    low, high = VITAL_RANGES[name].hard
    if name == "temp_c":
        value = _number(row, name, low, _FAHRENHEIT[1])
        if value is not None and _FAHRENHEIT[0] <= value:
            value = round((value - 32) / 1.8, 1)
    else:
        value = _number(row, name, low, high)
    return NOT_TAKEN if value is None else value


def _pain(row: Row) -> Reading:
    """No pain is a score of zero; pain without a score is a score that was not taken.

    Where there is no column of scores, `pain` itself may hold one; what is no score there (13,
    "critical") was not taken.
    """
    score = _number(row, "pain_score", 0, _MAX_PAIN)
    if score is not None:
        return score
    pain = _cell(row, "pain").removesuffix(".0")
    if "pain_score" in row:
        if pain not in ("", "0", "1"):
            raise BadField("pain", f"unknown code {pain!r}, expected 0 or 1")
        return 0.0 if pain == "0" else NOT_TAKEN
    return float(pain) if pain.isdigit() and float(pain) <= _MAX_PAIN else NOT_TAKEN
