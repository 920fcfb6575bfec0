"""Changes of the level by people: overrides and decisions about proposals."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from scheduling import services as scheduling
from scheduling.core.request import PRIORITIES
from scheduling.core.status import OPEN
from scheduling.models import Job
from triage_site.cases.models import UNCLASSIFIED, Case, CaseEvent, OverrideReason
from triage_site.cases.services.guidance import refresh_guidance
from triage_site.cases.services.records import Conflict, change, locked
from triage_site.cases.typed import written

LEVEL_CHANGED = "new level"


def override_priority(
    case_id: uuid.UUID,
    *,
    priority: int,
    reason: str,
    note: str,
    actor: User,
    now: datetime,
    version: int | None = None,
) -> Case:
    """Sets the priority that a person chose and keeps the suggested one. Raises ValueError.

    The new priority applies at once, and guidance for the old one becomes stale.
    """
    _check_override(priority, reason, note)
    with transaction.atomic():
        case, job = locked(case_id, version)
        if case.is_closed:
            raise Conflict("priority: The case is closed; reopen it first")
        if case.status in UNCLASSIFIED:
            raise Conflict("priority: The case is being classified; try again in a moment")
        data = {"from": case.priority, "to": priority, "reason": reason, "note": written(note)}
        change(
            case, CaseEvent.Kind.OVERRIDDEN, now, actor=actor, data=data, priority=priority,
            needs_person=False, proposed_priority=None, assessed_at=now,
        )  # fmt: skip
        move_in_queue(case, job, now)
        refresh_guidance(case, job, now, why=LEVEL_CHANGED)
    return case


def _check_override(priority: int, reason: str, note: str) -> None:
    if priority not in PRIORITIES:
        raise ValueError(f"priority: must be {PRIORITIES[0]} to {PRIORITIES[-1]}")
    if reason not in OverrideReason.values:
        raise ValueError(f"reason: must be one of {', '.join(OverrideReason.values)}")
    if reason == OverrideReason.OTHER and not written(note):
        raise ValueError("note: Enter the reason as a note")


def decide_proposal(
    case_id: uuid.UUID, *, accept: bool, actor: User, now: datetime, version: int | None = None
) -> Case:
    """Accepts or dismisses the less urgent level that the classifier proposes. Raises Conflict."""
    with transaction.atomic():
        case, job = locked(case_id, version)
        if case.is_closed:
            raise Conflict("status: The case is closed; reopen it first")
        proposed = case.proposed_priority
        if proposed is None:
            raise Conflict("proposal: There is no proposal any more")
        data = {"from": case.priority, "to": proposed}
        if not accept:
            change(
                case, CaseEvent.Kind.DISMISSED, now, actor=actor, data=data,
                proposed_priority=None, assessed_at=now,
            )  # fmt: skip
            return case
        change(
            case, CaseEvent.Kind.ACCEPTED, now, actor=actor, data=data, priority=proposed,
            suggested_priority=proposed, proposed_priority=None, assessed_at=now,
        )  # fmt: skip
        move_in_queue(case, job, now)
        refresh_guidance(case, job, now, why=LEVEL_CHANGED)
    return case


def move_in_queue(case: Case, job: Job | None, now: datetime) -> None:
    if job is not None and job.status in OPEN and case.priority is not None:
        scheduling.reprioritise_job(
            job.id, case.priority, now=now, first_in_level=case.is_not_understood
        )
