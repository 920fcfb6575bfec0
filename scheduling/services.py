"""All writes of the scheduler. SQL is the truth; Redis has order and leases and may lag behind.

Each change of a job is a compare-and-set on its row, so exactly one caller succeeds. Redis is
updated after the commit. After an outage `reconcile` updates it, so no change is lost.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from scheduling import connection, messages, receipts
from scheduling.claimed import MAX_FAILURES as MAX_FAILURES
from scheduling.claimed import fail_job as fail_job
from scheduling.claimed import finish_job as finish_job
from scheduling.claimed import release_job as release_job
from scheduling.claimed import return_job as return_job
from scheduling.claimed import start_job
from scheduling.core.policies import POLICIES
from scheduling.core.status import OPEN, JobStatus
from scheduling.forecast_record import record_forecasts as record_forecasts
from scheduling.job_rows import NO_MANUAL_PLACE
from scheduling.models import Job, PolicyChange, QueueMove
from scheduling.moves import after_commit, ignore_outage, move, notify
from scheduling.selectors import active_policy_name, is_paused, readable

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedJob:
    """A job that a worker holds, and the token that proves the claim."""

    job: Job
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """Numbers of jobs that `reconcile` corrected."""

    added: int
    removed: int
    updated: int
    returned: int  # running in SQL, but without a lease in Redis
    damaged: int = 0  # entries in Redis that could not be read or were inconsistent


def submit_job(
    *,
    case_id: uuid.UUID,
    prompt: str,
    priority: int,
    prompt_tokens: int,
    predicted_tokens: int,
    arrival_at: datetime,
    now: datetime,
    first_in_level: bool = False,
    replayed: bool = False,
) -> Job:
    """Creates a waiting job. Raises IntegrityError if the case has an open job."""
    with transaction.atomic():
        job = Job.objects.create(
            case_id=case_id,
            prompt=prompt,
            priority=priority,
            prompt_tokens=prompt_tokens,
            predicted_tokens=predicted_tokens,
            arrival_at=arrival_at,
            due_at=due_at(arrival_at, priority),
            first_in_level=first_in_level,
            replayed=replayed,
        )
        notify(job, None, now)
        after_commit(lambda: connection.queue().enqueue(job.to_request()))
        after_commit(ring_doorbell)
    return job


def lock_newest_job(case_id: uuid.UUID) -> Job | None:
    """Returns the latest job of the case and locks it; None if there is none.

    Lock order: first the job, then its case.
    """
    return Job.objects.select_for_update().filter(case_id=case_id).order_by("created_at").last()


def due_at(arrival_at: datetime, priority: int) -> datetime:
    """Returns the deadline: arrival plus the seconds that the site sets for the level."""
    return arrival_at + timedelta(seconds=settings.TRIAGE_DEADLINE_SECONDS[priority])


def ring_doorbell() -> None:
    """Wakes the GPU workers. They also check the queue regularly without it."""
    messages.send(messages.Message(task="llm_worker.doorbell", queue="gpu", expires_seconds=30))


def reprioritise_job(
    job_id: uuid.UUID, priority: int, *, now: datetime, first_in_level: bool = False
) -> bool:
    """Changes the level of a waiting or running job. Returns False if the job has ended."""
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(id=job_id, status__in=OPEN).first()
        if job is None:
            return False
        if priority != job.priority:
            Job.objects.filter(id=job_id).update(**NO_MANUAL_PLACE)
        job.priority = priority
        job.due_at, job.first_in_level = due_at(job.arrival_at, priority), first_in_level
        job.save(update_fields=["priority", "due_at", "first_in_level"])
        receipts.record(job_id, QueueMove.Kind.LEVEL, JobStatus(job.status), now)
    due_seconds = job.due_at.timestamp()
    after_commit(
        lambda: connection.queue().reprioritise(
            str(job_id), priority, due_seconds, first_in_level=first_in_level
        )
    )
    after_commit(ring_doorbell)
    return True


def rewrite_job(
    job_id: uuid.UUID,
    *,
    prompt: str,
    priority: int,
    prompt_tokens: int,
    predicted_tokens: int,
    now: datetime,
    first_in_level: bool = False,
) -> bool:
    """Gives a waiting job another prompt; it starts again. Returns False if it does not wait."""
    with transaction.atomic():
        rows = Job.objects.select_for_update().filter(id=job_id, status=JobStatus.WAITING)
        job = rows.first()
        if job is None:
            return False
        values: dict[str, Any] = {
            "prompt": prompt,
            "priority": priority,
            "prompt_tokens": prompt_tokens,
            "predicted_tokens": predicted_tokens,
            "due_at": due_at(job.arrival_at, priority),
            "first_in_level": first_in_level,
            "generated_tokens": 0,
            "progress_token_ids": [],
            "progress_text": "",
            **({} if priority == job.priority else NO_MANUAL_PLACE),
        }
        Job.objects.filter(id=job_id).update(**values)
        job.refresh_from_db()
        receipts.record(job_id, QueueMove.Kind.REWRITTEN, JobStatus.WAITING, now)
    after_commit(lambda: connection.queue().revise(job.to_request()))
    after_commit(ring_doorbell)
    return True


def cancel_job(job_id: uuid.UUID, *, now: datetime) -> bool:
    """Cancels a waiting or running job. Returns False if the job has ended."""
    moved = move(job_id, JobStatus.CANCELLED, now=now, claim_token="", finished_at=now)
    if moved:
        after_commit(lambda: connection.queue().cancel(str(job_id)))
        after_commit(ring_doorbell)
    return moved


def claim_jobs(worker: str, num: int, *, now: datetime, model_name: str) -> list[ClaimedJob]:
    """Claims up to `num` of the best waiting jobs for `worker`, best first, with a lease.

    None while admission is paused.
    """
    if is_paused():
        return []
    policy = POLICIES[active_policy_name()]
    claims = connection.queue().claim(
        worker,
        num,
        now=now.timestamp(),
        lease_seconds=settings.TRIAGE_LEASE_SECONDS,
        max_running=policy.max_running,
    )
    claimed = []
    for claim in claims:
        started = start_job(
            uuid.UUID(claim.request.id),
            token=claim.token,
            worker=worker,
            model_name=model_name,
            policy=policy.name,
            now=now,
        )
        if started.job is not None:
            claimed.append(ClaimedJob(job=started.job, token=claim.token))
        else:  # the job has ended in SQL, and Redis is not up to date
            connection.queue().finish(claim.request.id, claim.token)
    return claimed


def reap_expired(*, now: datetime) -> list[str]:
    """Returns jobs with an expired lease to waiting and makes their claims void.

    A job with a newer claim stays as it is. Returns the ids of the expired leases.
    """
    expired = connection.queue().reap(now=now.timestamp())
    for job_id, token in expired:
        _return_lost(uuid.UUID(job_id), token, now)
    return [job_id for job_id, _ in expired]


def _return_lost(job_id: uuid.UUID, token: str, now: datetime) -> bool:
    failure = "the worker failed again and again during this answer"
    standing = return_job(
        job_id, token=token, now=now, why="worker lost", failure=failure, is_lost=True
    )
    if standing.done and standing.status == JobStatus.FAILED:
        ignore_outage(lambda: connection.queue().cancel(str(job_id)))
    return standing.done


def check_queue(*, now: datetime) -> bool:
    """Rebuilds the queue in Redis if a cheap check finds damage. Returns False in that case."""
    fault = connection.queue().audit()
    if fault:
        log.warning("queue_damaged", fault=fault)
        reconcile(now=now)
    return not fault


def reconcile(*, now: datetime) -> Reconciliation:
    """Rebuilds the queue in Redis from SQL. Idempotent.

    Valid claims stay, and so do changes in Redis after SQL was read. A job that runs in SQL
    but has no lease in Redis waits again, with its priority and original arrival.
    """
    queue = connection.patient_queue()
    num_damaged = queue.mend(now.timestamp(), settings.TRIAGE_LEASE_SECONDS)
    mark = queue.mark()
    running = Job.objects.filter(status=JobStatus.RUNNING)
    claims = list(running.values_list("id", "claim_token"))  # read before the leases
    tokens = queue.lease_tokens()
    returned = sum(
        release_job(job_id, token=token, token_ids=None, text="", now=now, why="claim lost").done
        for job_id, token in claims
        if tokens.get(str(job_id)) != token
    )
    waiting = [job.to_request() for job in readable(Job.objects.filter(status=JobStatus.WAITING))]
    change = queue.replace_all(waiting, active_policy_name(), mark=mark)
    result = Reconciliation(
        added=change.added,
        removed=change.removed,
        updated=change.updated,
        returned=returned,
        damaged=num_damaged,
    )
    if any(asdict(result).values()):
        log.info("reconciled", **asdict(result))
        ignore_outage(ring_doorbell)
    return result


def switch_policy(
    name: str,
    *,
    actor: User | None,
    reason: str,
    now: datetime,
    preview: Mapping[str, Any] | None = None,
) -> PolicyChange:
    """Makes `name` the active policy and records actor, reason and preview. Raises ValueError.

    The row is the receipt of every waiting job: what it did to one follows from it.
    """
    if name not in POLICIES:
        raise ValueError(f"policy: must be one of {', '.join(POLICIES)}")
    if not reason.strip():
        raise ValueError("reason: required")
    change = PolicyChange.objects.create(
        changed_at=now,
        actor=actor,
        old=active_policy_name(),
        new=name,
        reason=reason.strip(),
        preview=dict(preview or {}),
    )
    after_commit(lambda: connection.patient_queue().switch_policy(name))
    after_commit(ring_doorbell)
    return change


def requeue_failed(job: Job, *, now: datetime) -> bool:
    """Returns a failed job to waiting, at the request of a person."""
    fresh: dict[str, Any] = {"num_failures": 0, "failed_at": None, "error": "", "finished_at": None}
    moved = move(job.id, JobStatus.WAITING, now=now, **fresh)
    if moved:
        job.refresh_from_db()
        after_commit(lambda: connection.queue().enqueue(job.to_request()))
        after_commit(ring_doorbell)
    return moved
