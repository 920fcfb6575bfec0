"""The stored answers of the classifier in a period, read once per page.

The page shows counts of these records, no clinical text.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from triage_site.cases.models import Case, CaseEvent, OverrideReason
from triage_site.triage.facts import CaseFacts

MAX_CASES: Final = 10_000
# Reasons of overrides that are no disagreement with the classifier.
PATIENT_CHANGED: Final = frozenset({OverrideReason.WORSE, OverrideReason.BETTER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    since: datetime
    until: datetime

    def before(self) -> Span:
        """Returns the span of the same length that ends where this one begins."""
        return Span(since=self.since - (self.until - self.since), until=self.since)


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    number: int  # of the case
    to: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseLine:
    """One case with a level: `given` by the classifier, or the safe level after its failure."""

    number: int
    id: uuid.UUID
    arrived_at: datetime
    given: int
    needs_person: bool
    failed: bool
    facts: dict[str, Any] | None  # None for an anonymised case


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Real cases, newest first. `cut` means that there were more than MAX_CASES."""

    cases: Sequence[CaseLine]
    overrides: Sequence[Override]  # oldest first
    failures: Counter[str]  # by reason
    cut: bool

    def final_levels(self) -> dict[int, int]:
        """Returns the last level that people set, by case number, for any reason."""
        return {one.number: one.to for one in self.overrides}

    def judged_levels(self) -> dict[int, int]:
        """Returns the last level that people set instead of the classifier's, by case number."""
        return {one.number: one.to for one in self.overrides if one.reason not in PATIENT_CHANGED}

    def num_patient_changed(self) -> int:
        """Returns the number of overrides because the patient changed."""
        return sum(one.reason in PATIENT_CHANGED for one in self.overrides)

    def case_facts(self) -> list[CaseFacts]:
        return [CaseFacts.from_dict(case.facts) for case in self.cases if case.facts is not None]


def read(span: Span) -> Records:
    """Reads all cases that arrived in the span and have a level."""
    lines = _cases(span)
    cases = lines[:MAX_CASES]
    numbers = {case.number for case in cases}
    events = _events(span)
    return Records(
        cases=cases,
        overrides=[
            Override(number=number, to=data["to"], reason=data["reason"])
            for number, kind, data in events
            if kind == CaseEvent.Kind.OVERRIDDEN and number in numbers
        ],
        failures=Counter(
            str(data.get("why", ""))
            for number, kind, data in events
            if kind == CaseEvent.Kind.CLASSIFIER_FAILED and number in numbers
        ),
        cut=len(lines) > MAX_CASES,
    )


def _cases(span: Span) -> list[CaseLine]:
    failed = set(
        CaseEvent.objects.filter(
            kind=CaseEvent.Kind.CLASSIFIER_FAILED, case__arrived_at__gte=span.since
        ).values_list("case_id", flat=True)
    )
    rows = Case.objects.filter(
        arrived_at__gte=span.since,
        arrived_at__lt=span.until,
        suggested_priority__gte=0,
        replay__isnull=True,
    ).values_list(
        *("number", "id", "arrived_at", "suggested_priority", "facts"),
        *("classification__needs_person", "anonymised_at"),
    )
    return [
        CaseLine(
            number=number,
            id=case_id,
            arrived_at=arrived_at,
            given=given,
            needs_person=bool(needs_person) or number in failed,
            failed=number in failed,
            facts=facts if anonymised_at is None else None,
        )
        for (*(number, case_id, arrived_at, given, facts, needs_person, anonymised_at),) in rows[
            : MAX_CASES + 1
        ]
    ]


def _events(span: Span) -> list[tuple[int, str, dict[str, Any]]]:
    kinds = (CaseEvent.Kind.OVERRIDDEN, CaseEvent.Kind.CLASSIFIER_FAILED)
    rows = CaseEvent.objects.filter(
        kind__in=kinds,
        case__arrived_at__gte=span.since,
        case__arrived_at__lt=span.until,
        case__replay__isnull=True,
    ).order_by("at", "id")
    return list(rows.values_list("case_id", "kind", "data"))
