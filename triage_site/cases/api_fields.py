"""Types of single fields of the HTTP API: what is taken, and how OpenAPI describes it.

Stricter than JSON libraries are by default: `true` is no number, text holds nothing that no
database can store, and a message never repeats a value.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum
from math import isfinite
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field
from pydantic_core import core_schema

from scheduling.core.policies import POLICIES
from scheduling.core.request import PRIORITIES
from triage_site.cases.clinical import ClinicalStatus, Disposition, GuidanceStatus
from triage_site.cases.models import OverrideReason
from triage_site.cases.typed import EARLIEST, LATEST
from triage_site.triage.facts import NOT_TAKEN, UNMEASURABLE, ArrivalMode, Consciousness, Sex
from triage_site.triage.vitals import VITAL_RANGES

_MAX_NUMBER: Final = 1e9

Moment = Annotated[AwareDatetime, Field(ge=EARLIEST, lt=LATEST)]


def storable(value: str) -> str:
    """Raises ValueError for text with NUL or lone surrogates, which no database keeps."""
    if "\x00" in value:
        raise ValueError("must not contain the character NUL")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("must be valid Unicode, without lone surrogates")
    return value


def is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isfinite(value) and abs(value) <= _MAX_NUMBER if isinstance(value, float) else True


def _number(value: Any) -> Any:
    if value is None or (is_number(value) and abs(value) <= _MAX_NUMBER):
        return value
    raise ValueError("must be a number")


def _whole(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError("must be a whole number")


def _flag(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    raise ValueError("must be true or false")


def _whole_in_address(value: Any) -> Any:
    """Digits alone: Python would read "1_0" as ten."""
    if value is None or isinstance(value, int) or re.fullmatch(r"-?\d{1,12}", value, re.ASCII):
        return value
    raise ValueError("must be a whole number")


def _flag_in_address(value: Any) -> Any:
    """An address holds text alone, so the two words stand for the two values."""
    if value in ("true", "false"):
        return value == "true"
    raise ValueError("must be true or false")


def _reading(value: Any) -> Any:
    if value is None or value in (NOT_TAKEN.value, UNMEASURABLE.value):
        return value
    if is_number(value) and abs(value) <= _MAX_NUMBER:
        return value
    raise ValueError(f"must be a number, {UNMEASURABLE.value} or {NOT_TAKEN.value}")


class OneOf:
    """Text that is one of some values, as a mark of `Annotated`."""

    def __init__(self, values: Collection[str] | type[StrEnum], example: str) -> None:
        # Members of a StrEnum are text, and those of another Enum are not meant to come here.
        self.values = [str(value) for value in values]
        self.example = example

    def check(self, value: Any) -> Any:
        if isinstance(value, str) and value in self.values:
            return value
        raise ValueError(f"must be one of {', '.join(self.values)}")

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return core_schema.no_info_before_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {"type": "string", "enum": self.values, "examples": [self.example]}


class ReadingOf:
    """A number within the hard range of a vital sign, or one of the two kinds of absence."""

    def __init__(self, vital: str, example: float) -> None:
        self.limits = VITAL_RANGES[vital]
        self.example = example

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return core_schema.no_info_before_validator_function(_reading, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        low, high = self.limits.hard
        kind = "integer" if self.limits.whole else "number"
        words = {"type": "string", "enum": [UNMEASURABLE.value, NOT_TAKEN.value]}
        return {
            "anyOf": [{"type": kind, "minimum": low, "maximum": high}, words, {"type": "null"}],
            "description": f"{self.limits.label}, {self.limits.unit}",
            "examples": [self.example],
        }


Storable: Final = AfterValidator(storable)
Number = Annotated[float | None, BeforeValidator(_number)]
Whole = Annotated[int, BeforeValidator(_whole)]
Flag = Annotated[bool | None, BeforeValidator(_flag)]
Yes = Annotated[bool, BeforeValidator(_flag)]
WholeInAddress = Annotated[int, BeforeValidator(_whole_in_address)]
YesInAddress = Annotated[bool, BeforeValidator(_flag_in_address)]
Priority = Annotated[
    int,
    Field(ge=PRIORITIES[0], le=PRIORITIES[-1], examples=[2]),
    BeforeValidator(_whole),
]
SexField = Annotated[str, OneOf(Sex, "female")]
ArrivalField = Annotated[str, OneOf(ArrivalMode, "ambulance")]
ConsciousnessField = Annotated[str, OneOf(Consciousness, "alert")]
ReasonField = Annotated[str, OneOf(OverrideReason.values, "worse")]
DispositionField = Annotated[str, OneOf(Disposition, "discharged")]
ClinicalField = Annotated[str, OneOf(ClinicalStatus, "waiting")]
GuidanceField = Annotated[str, OneOf(GuidanceStatus, "ready")]
PolicyField = Annotated[str, OneOf(POLICIES, "semantic")]
DecisionField = Annotated[str, OneOf(("accept", "dismiss"), "accept")]
