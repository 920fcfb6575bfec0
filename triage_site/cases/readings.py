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
_PAIR: Final = ("sbp_mmhg", "dbp_mmhg")


def readings_of(facts: CaseFacts) -> dict[str, Any]:
    """The vital signs among the facts that were taken, as `CaseFacts.to_dict()` has them."""
    return {name: value for name, value in facts.to_dict().items() if name in VITAL_FIELDS}


def merged(facts: CaseFacts, readings: Mapping[str, Any]) -> CaseFacts:
    """The facts with new readings; what was not taken now keeps its last value.

    The halves of a blood pressure belong together: one taken alone drops the other. Raises
    ValueError naming the field.
    """
    old = facts.to_dict()
    if any(name in readings for name in _PAIR):
        old = {name: value for name, value in old.items() if name not in _PAIR}
    return CaseFacts.from_dict({**old, **readings})


def news2_of(facts: CaseFacts) -> News2 | None:
    """NEWS2 as the classifier reckons it: with the vital signs that the words name."""
    return news2(measured_told(facts).facts)
