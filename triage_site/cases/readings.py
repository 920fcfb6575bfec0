"""Vital signs taken again: what is new, and what stands beside it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from triage_site.cases.told_facts import measured_told
from triage_site.triage.facts import NOT_TAKEN, CaseFacts
from triage_site.triage.news2 import news2
from triage_site.triage.types import News2
from triage_site.triage.vitals import VITAL_RANGES

VITAL_FIELDS: Final = (*VITAL_RANGES, "on_oxygen", "consciousness", "spo2_scale_2")
SYSTOLIC: Final = "sbp_mmhg"
DIASTOLIC: Final = "dbp_mmhg"
NEEDS_SYSTOLIC: Final = "Enter the systolic that was measured with this diastolic"


def readings_of(facts: CaseFacts) -> dict[str, Any]:
    """The vital signs among the facts that were taken, as `CaseFacts.to_dict()` has them."""
    return {name: value for name, value in facts.to_dict().items() if name in VITAL_FIELDS}


def paired(readings: Mapping[str, Any]) -> dict[str, Any]:
    """New readings; of a systolic alone the diastolic was not taken. A pulse that is felt has none,
    and the last diastolic beside it would be a pair that nobody measured."""
    is_alone = readings.get(SYSTOLIC, NOT_TAKEN) != NOT_TAKEN and DIASTOLIC not in readings
    return {**readings, **({DIASTOLIC: NOT_TAKEN} if is_alone else {})}


def merged(facts: CaseFacts, readings: Mapping[str, Any]) -> CaseFacts:
    """The facts with new readings; what was not taken now keeps its last value. Raises ValueError
    naming the field."""
    return CaseFacts.from_dict({**facts.to_dict(), **paired(readings)})


def lacks_systolic(facts: CaseFacts, readings: Mapping[str, Any]) -> bool:
    """Whether a diastolic comes without the systolic that was measured with it, and would stand
    beside the last systolic."""
    return (
        DIASTOLIC in readings and SYSTOLIC not in readings and getattr(facts, SYSTOLIC) != NOT_TAKEN
    )


def news2_of(facts: CaseFacts) -> News2 | None:
    """NEWS2 as the classifier reckons it: with the vital signs that the words name."""
    return news2(measured_told(facts).facts)
