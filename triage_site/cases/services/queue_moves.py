"""People move a case within its level."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from scheduling.core.status import JobStatus
from scheduling.queue_control import move_job
from triage_site.cases.models import Case, CaseEvent
from triage_site.cases.services.records import Conflict, change, locked
from triage_site.cases.typed import written


def move_case(
    case_id: uuid.UUID,
    *,
    steps: int,
    reason: str,
    actor: User,
    now: datetime,
    version: int | None = None,
) -> Case:
    """Moves a waiting case up by `steps` cases of its level; down if `steps` is below 0.

    0 gives it the place of the policy again. Raises ValueError with words for people.
    """
    if not written(reason):
        raise ValueError("reason: Enter a reason (kept in the audit log)")
    with transaction.atomic():
        case, job = locked(case_id, version)
        if job is None or job.status != JobStatus.WAITING:
            raise Conflict("steps: The case does not wait for guidance")
        moved = move_job(job.id, steps_up=steps, actor=actor, now=now)
        data = {"steps": moved, "asked": steps, "reason": written(reason)}
        change(case, CaseEvent.Kind.MOVED, now, actor=actor, data=data)
    return case
