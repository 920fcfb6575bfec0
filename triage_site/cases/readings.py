"""Vital signs taken again: what is new, and what stands beside it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from triage_site.cases.told_facts import measured_told
from triage_site.triage.facts import CaseFacts
from triage_site.triage.news2 import news2
from triage_site.triage.types import News2
from triage_site.triage.vitals import VITAL_RANGES

VITAL_FIELDS: Final = (*VITAL_RANGES, "on_oxygen", "consciousness", "spo2_scale_2")
_OTHER_HALF: Final = {"sbp_mmhg": "dbp_mmhg", "dbp_mmhg": "sbp_mmhg"}
BOTH_HALVES: Final = "Enter both values of the blood pressure"


def readings_of(facts: CaseFacts) -> dict[str, Any]:
    """The vital signs among the facts that were taken, as `CaseFacts.to_dict()` has them."""
    return {name: value for name, value in facts.to_dict().items() if name in VITAL_FIELDS}


def merged(facts: CaseFacts, readings: Mapping[str, Any]) -> CaseFacts:
    """The facts with new readings; what was not taken now keeps its last value. Raises ValueError
    naming the field."""
    return CaseFacts.from_dict({**facts.to_dict(), **readings})


def missing_half(facts: CaseFacts, readings: Mapping[str, Any]) -> str:
    """The half of a blood pressure that must be entered with the other one; "" where none is.

    A new half beside the last value of the other would be a pair that nobody measured, and without
    it a measured value would be lost. So both are asked for where the other is on record.
    """
    known = facts.to_dict()
    for half, other in _OTHER_HALF.items():
        if half in readings and other not in readings and other in known:
            return other
    return ""


def news2_of(facts: CaseFacts) -> News2 | None:
    """NEWS2 as the classifier reckons it: with the vital signs that the words name."""
    return news2(measured_told(facts).facts)
