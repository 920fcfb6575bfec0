"""What people do to the queue: move a job within its level, pause admission, resume it.

A part of the services. SQL has all of it, so it outlives Redis, workers and the web process.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from scheduling import connection, receipts, services, standing_orders
from scheduling.core.manual_move import NoSuchMove, move_up
from scheduling.core.request import ManualPlace
from scheduling.core.status import JobStatus
from scheduling.job_rows import NO_MANUAL_PLACE
from scheduling.models import AdmissionChange, Job, QueueMove
from scheduling.moves import after_commit
from scheduling.selectors import active_policy, readable

MAX_STEPS = 1000


def move_job(job_id: uuid.UUID, *, steps_up: int, actor: User, now: datetime) -> int:
    """Moves a waiting job up by a number of jobs of its level; down if the number is below 0.

    0 gives it the place of the policy again. Returns by how many it moved. Raises ValueError
    with words for people if it cannot move so.
    """
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(id=job_id, status=JobStatus.WAITING).first()
        if job is None:
            raise NoSuchMove("steps: The case does not wait in the queue")
        moved = _move(job, steps_up, now)
        _set_place(job, *moved, actor)
        receipts.record(
            job.id, QueueMove.Kind.MOVED, JobStatus.WAITING, now, why=f"{moved[1]:+d}", actor=actor
        )
    after_commit(lambda: connection.queue().revise(job.to_request()))
    after_commit(services.ring_doorbell)
    return moved[1]


def _move(job: Job, steps_up: int, now: datetime) -> tuple[ManualPlace | None, int]:
    if steps_up == 0:
        if job.manual_arrival is None:
            raise NoSuchMove("steps: The case stands where the policy puts it already")
        return None, 0
    rows = readable(Job.objects.filter(status=JobStatus.WAITING))
    waiting = [each.to_request() for each in rows]
    try:
        moved = move_up(waiting, str(job.id), steps_up, active_policy(), now.timestamp())
    except NoSuchMove as error:
        raise NoSuchMove(f"steps: {error}") from None
    return moved.request.manual, moved.steps_up


def _set_place(job: Job, place: ManualPlace | None, steps_up: int, actor: User) -> None:
    if place is None:
        values = dict(NO_MANUAL_PLACE)
    else:
        due = receipts.finite(place.due_seconds)
        values = {
            "manual_arrival": place.arrival_seconds,
            "manual_tokens": place.tokens,
            "manual_due": due,
            "manual_nudge": place.nudge,
            "manual_first": place.first_in_level,
            "manual_steps": job.manual_steps + steps_up,
            "manual_by": actor.get_username()[:150],
        }
    Job.objects.filter(id=job.id).update(**values)
    job.refresh_from_db()


def pause_admission(*, actor: User | None, reason: str, now: datetime) -> AdmissionChange:
    """Stops the start of waiting jobs; running ones end. Raises ValueError."""
    if not reason.strip():
        raise ValueError("reason: Enter a reason (kept in the audit log)")
    return _change(True, actor, reason, now)


def resume_admission(*, actor: User | None, reason: str = "", now: datetime) -> AdmissionChange:
    """Lets waiting jobs start again. Raises ValueError."""
    return _change(False, actor, reason, now)


def _change(paused: bool, actor: User | None, reason: str, now: datetime) -> AdmissionChange:
    with transaction.atomic():
        if standing_orders.is_paused() == paused:
            raise ValueError(f"paused: Guidance {'is paused' if paused else 'runs'} already")
        change = AdmissionChange.objects.create(
            changed_at=now, actor=actor, paused=paused, reason=reason.strip()
        )
    after_commit(services.ring_doorbell)
    return change
