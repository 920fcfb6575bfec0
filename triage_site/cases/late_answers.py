"""Levels that are provisional, and the classifier's late answers that replace them.

A case whose classifier does not answer in time gets a provisional level, so that it can wait in
the queue. The classifier is asked again; its answer replaces the provisional level, unless a
person or a later classification has set one. The history says all of this.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from scheduling import connection
from triage_site.cases import services
from triage_site.cases.clinical import ClinicalStatus
from triage_site.cases.models import UNCLASSIFIED, Case, CaseEvent
from triage_site.triage import Classification

# Kinds of events after which a level is no longer provisional.
_DECIDED: Final = (
    "classified", "overridden", "reclassified", "raised", "proposed", "accepted", "dismissed",
)  # fmt: skip
_NOT_CLOSED: Final = (ClinicalStatus.WAITING, ClinicalStatus.BEING_SEEN)
ASK_AGAIN: Final = ("no answer in time", "too slow")  # not after an error, which would repeat
_MOST_AT_ONCE: Final = 50


def _provisional() -> QuerySet[Case]:
    """Cases with a provisional level that are not closed."""
    events = CaseEvent.objects.filter(case=OuterRef("pk"))
    return (
        # Not `exclude`: the index finds the few that are open among all that are closed.
        Case.objects.filter(clinical_status__in=_NOT_CLOSED, needs_person=True)
        .exclude(status__in=UNCLASSIFIED)
        .filter(Exists(events.filter(kind=CaseEvent.Kind.CLASSIFIER_FAILED)))
        .exclude(Exists(events.filter(kind__in=_DECIDED)))
    )


def provisional_case(case_id: uuid.UUID) -> Case | None:
    """Returns the case if its level is provisional."""
    return _provisional().filter(id=case_id).first()


def record_late_classification(
    case_id: uuid.UUID, classification: Classification, *, now: datetime
) -> bool:
    """Replaces a provisional level by the classifier's. Returns whether it was replaced."""
    with transaction.atomic():
        case, job = services.locked(case_id)
        if provisional_case(case_id) is None:
            return False
        data = {**services.classified_data(classification), "late": True, "from": case.priority}
        services.change(
            case, CaseEvent.Kind.CLASSIFIED, now, actor=None, data=data,
            priority=classification.priority, suggested_priority=classification.priority,
            needs_person=classification.needs_person, classified_at=now,
            **services.kept_of(classification),
        )  # fmt: skip
        services.move_in_queue(case, job, now)
        services.refresh_guidance(case, job, now, why=services.LEVEL_CHANGED)
    return True


@dataclass(slots=True)
class Reminder:
    """When to ask the classifier again about each case with a provisional level."""

    first_seconds: float = 3.0
    most_times: int = 6
    _plans: dict[uuid.UUID, tuple[float, int]] = field(default_factory=dict)

    def due(self, case_ids: Sequence[uuid.UUID], now: float) -> list[uuid.UUID]:
        """Returns the cases to ask about at `now` (seconds), each at growing intervals."""
        self._plans = {one: self._plans[one] for one in case_ids if one in self._plans}
        due = []
        for case_id in case_ids:
            # The first message is often still waiting for a worker.
            at, times = self._plans.setdefault(case_id, (now + self.first_seconds, 0))
            if now < at or times >= self.most_times:
                continue
            self._plans[case_id] = (now + self.first_seconds * 2**times, times + 1)
            due.append(case_id)
        return due


def ask_again(reminder: Reminder, now: float) -> int:
    """Asks the classifier about cases with a provisional level. Returns their number."""
    if connection.is_silent():
        return 0
    rows = _provisional().filter(events__kind=CaseEvent.Kind.CLASSIFIER_FAILED)
    rows = rows.filter(events__data__why__in=ASK_AGAIN).order_by("arrived_at").distinct()
    due = reminder.due(list(rows.values_list("id", flat=True)[:_MOST_AT_ONCE]), now)
    return sum(services.ask_classifier(case_id) for case_id in due)
