"""What is known about a patient, as a value: no Django, no clock, no model.

The form, the API, the fixtures, the classifier and the prompt all speak of a case
through `CaseFacts`. A vital sign is a number, or one of two kinds of absence that must
never be mixed up: `NOT_TAKEN` says nothing about the patient, `UNMEASURABLE` often
means that the patient is very ill.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final

from triage_site.triage.vitals import VITAL_RANGES, vital_band


class Missing(StrEnum):
    NOT_TAKEN = "not_taken"
    UNMEASURABLE = "unmeasurable"


NOT_TAKEN: Final = Missing.NOT_TAKEN
UNMEASURABLE: Final = Missing.UNMEASURABLE

Reading = float | Missing


class Sex(StrEnum):
    FEMALE = "female"
    MALE = "male"
    OTHER = "other"
    UNKNOWN = "unknown"


class ArrivalMode(StrEnum):
    WALKING = "walking"
    AMBULANCE = "ambulance"
    PRIVATE_VEHICLE = "private_vehicle"
    PRIVATE_AMBULANCE = "private_ambulance"
    CALL = "call"  # an emergency call: nobody has arrived yet
    OTHER = "other"
    UNKNOWN = "unknown"


class Consciousness(StrEnum):
    """The ACVPU scale that NEWS2 uses; `CONFUSED` means new confusion."""

    ALERT = "alert"
    CONFUSED = "confused"
    VOICE = "voice"
    PAIN = "pain"
    UNRESPONSIVE = "unresponsive"
    NOT_TAKEN = "not_taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFacts:
    """One patient at one moment. Units are in the names; absent means not taken."""

    text: str
    age_years: float | None = None
    sex: Sex = Sex.UNKNOWN
    arrival_mode: ArrivalMode = ArrivalMode.UNKNOWN
    injury: bool | None = None
    rr_bpm: Reading = NOT_TAKEN
    spo2_percent: Reading = NOT_TAKEN
    on_oxygen: bool | None = None
    sbp_mmhg: Reading = NOT_TAKEN
    dbp_mmhg: Reading = NOT_TAKEN
    hr_bpm: Reading = NOT_TAKEN
    temp_c: Reading = NOT_TAKEN
    pain_score: Reading = NOT_TAKEN
    consciousness: Consciousness = Consciousness.NOT_TAKEN
    spo2_scale_2: bool = False  # confirmed hypercapnic failure, target 88-92 %
    # Vital sign that was measured again -> how many characters of the text are older than that.
    words_before: tuple[tuple[str, int], ...] = ()

    def value(self, vital: str) -> float | None:
        """The number of a vital sign, or None where there is none, for whatever reason."""
        reading = getattr(self, vital)
        return None if isinstance(reading, Missing) else float(reading)

    def older_words(self, vital: str) -> int:
        """How many characters of the text are older than this vital sign, which was measured again
        on the page; 0 where it was not."""
        return dict(self.words_before).get(vital, 0)

    def band(self, vital: str) -> str:
        """How far from usual a vital sign is; empty where it is usual or there is no number."""
        value = self.value(vital)
        return "" if value is None else vital_band(
            vital,
            value,
            age_years=self.age_years,
            on_oxygen=bool(self.on_oxygen),
            spo2_scale_2=self.spo2_scale_2,
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; absent readings are left out. `from_dict` is its inverse."""
        out: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None or value == NOT_TAKEN or (field.name in _EMPTY_LEFT_OUT and not value):
                continue
            out[field.name] = _plain(value)
        return out

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CaseFacts:
        """Raises ValueError naming the field on an unknown name or a bad value."""
        if not isinstance(data, Mapping):
            raise ValueError("facts: must be an object")
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(data) - known)
        if unknown:
            raise ValueError(f"{unknown[0]}: unknown field")
        if not isinstance(data.get("text"), str):
            raise ValueError("text: required")
        return cls(**{name: _parse(name, value) for name, value in data.items()})


_EMPTY_LEFT_OUT: Final = frozenset({"spo2_scale_2", "words_before"})
_MOST: Final = 10**9  # of any number; VITAL_RANGES are narrower
_ENUMS: Final[Mapping[str, type[StrEnum]]] = {
    "sex": Sex,
    "arrival_mode": ArrivalMode,
    "consciousness": Consciousness,
}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [list(pair) for pair in value]
    return str(value) if isinstance(value, StrEnum) else value


def _parse(name: str, value: Any) -> Any:
    if name == "words_before":
        return _parse_pairs(name, value)
    if name in _ENUMS:
        try:
            return _ENUMS[name](value)
        except ValueError:
            choices = ", ".join(_ENUMS[name])
            raise ValueError(f"{name}: must be one of {choices}") from None
    if name in VITAL_RANGES:
        return _parse_reading(name, value)
    if name in ("injury", "on_oxygen"):
        return _parse_flag(name, value, optional=True)
    if name == "spo2_scale_2":
        return _parse_flag(name, value, optional=False)
    if name == "age_years" and value is not None:
        return _parse_number(name, value)
    return value


def _parse_pairs(name: str, value: Any) -> tuple[tuple[str, int], ...]:
    try:
        return tuple((str(vital), int(length)) for vital, length in value)
    except (TypeError, ValueError):
        raise ValueError(f"{name}: must be pairs of a vital sign and a length") from None


def _parse_reading(name: str, value: Any) -> Reading:
    if value is None or value == NOT_TAKEN:
        return NOT_TAKEN
    if value == UNMEASURABLE:
        return UNMEASURABLE
    return _parse_number(name, value)


def _parse_number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise ValueError(f"{name}: must be a number")
    if abs(value) > _MOST:
        raise ValueError(f"{name}: must be at most {_MOST}")
    return value


def _parse_flag(name: str, value: Any, *, optional: bool) -> bool | None:
    if value is None and optional:
        return None
    if not isinstance(value, bool):
        raise ValueError(f"{name}: must be true or false")
    return value
