"""What is on record about the classifier's answers in a span of time, read once per page.

Nothing a patient said leaves this module but the length of it.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from triage_site.cases.models import Case, CaseEvent, OverrideReason
from triage_site.triage.facts import CaseFacts

MAX_CASES: Final = 10_000
# The patient changed, which says nothing about the classifier's answer.
PATIENT_CHANGED: Final = frozenset({OverrideReason.WORSE, OverrideReason.BETTER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    since: datetime
    until: datetime

    def before(self) -> Span:
        """The span of the same length that ends where this one begins."""
        return Span(since=self.since - (self.until - self.since), until=self.since)

    @property
    def length(self) -> timedelta:
        return self.until - self.since


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    number: int  # of the case
    to: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseLine:
    """One case with an answer: `given` by the classifier, or the safe level where it failed."""

    number: int
    id: uuid.UUID
    arrived_at: datetime
    given: int
    needs_person: bool
    failed: bool
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Newest first; `cut` says that there were more than MAX_CASES."""

    cases: Sequence[CaseLine]
    overrides: Sequence[Override]  # oldest first
    failures: Counter[str]  # by why
    cut: bool

    def final_levels(self) -> dict[int, int]:
        """Case number -> what people made of it in the end, for whatever reason."""
        return {one.number: one.to for one in self.overrides}

    def judged_levels(self) -> dict[int, int]:
        """Case number -> the level that a person would have given instead, as last said."""
        return {one.number: one.to for one in self.overrides if one.reason not in PATIENT_CHANGED}

    def case_facts(self) -> list[CaseFacts]:
        return [CaseFacts.from_dict(case.facts) for case in self.cases]


def read(span: Span) -> Records:
    """All cases that arrived in the span and have an answer."""
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
        arrived_at__gte=span.since, arrived_at__lt=span.until, suggested_priority__gte=0
    ).values_list(
        *("number", "id", "arrived_at", "suggested_priority", "facts"),
        "classification__needs_person",
    )
    return [
        CaseLine(
            number=number,
            id=case_id,
            arrived_at=arrived_at,
            given=given,
            needs_person=bool(needs_person) or number in failed,
            failed=number in failed,
            facts=facts,
        )
        for number, case_id, arrived_at, given, facts, needs_person in rows[: MAX_CASES + 1]
    ]


def _events(span: Span) -> list[tuple[int, str, dict[str, Any]]]:
    kinds = (CaseEvent.Kind.OVERRIDDEN, CaseEvent.Kind.CLASSIFIER_FAILED)
    rows = CaseEvent.objects.filter(
        kind__in=kinds, case__arrived_at__gte=span.since, case__arrived_at__lt=span.until
    ).order_by("at", "id")
    return list(rows.values_list("case_id", "kind", "data"))
