"""All writes of the scheduler. SQL is the truth; Redis has order and leases and may lag behind.

Each change of a job is a compare-and-set on its row, so exactly one caller succeeds. Redis is
updated after the commit. After an outage `reconcile` updates it, so no change is lost.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F

from scheduling import connection
from scheduling.core.policies import POLICIES
from scheduling.core.status import OPEN, JobStatus
from scheduling.models import Forecast, Job, PolicyChange
from scheduling.moves import after_commit, ignore_outage, move, notify
from scheduling.selectors import active_policy_name
from scheduling.simulator.forecast import Estimate

log = structlog.get_logger(__name__)

MAX_FAILURES = 3  # a job fails after this number of engine or worker failures during it


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


def submit_job(
    *,
    case_id: uuid.UUID,
    prompt: str,
    priority: int,
    prompt_tokens: int,
    predicted_tokens: int,
    arrival_at: datetime,
    now: datetime,
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
    from celery import current_app

    current_app.send_task(
        "llm_worker.doorbell", queue="gpu", expires=30, ignore_result=True, retry=False
    )


def reprioritise_job(job_id: uuid.UUID, priority: int, *, now: datetime) -> bool:
    """Changes the level of a waiting or running job. Returns False if the job has ended."""
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(id=job_id, status__in=OPEN).first()
        if job is None:
            return False
        job.priority = priority
        job.due_at = due_at(job.arrival_at, priority)
        job.save(update_fields=["priority", "due_at"])
    due_seconds = job.due_at.timestamp()
    after_commit(lambda: connection.queue().reprioritise(str(job_id), priority, due_seconds))
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
    """Claims up to `num` of the best waiting jobs for `worker`, best first, with a lease."""
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
        job_id = uuid.UUID(claim.request.id)
        values: dict[str, Any] = {
            "worker": worker,
            "claim_token": claim.token,
            "attempt": F("attempt") + 1,
            "model_name": model_name,
        }
        # A claim from Redis makes the older claim of an expired lease void.
        if move(
            job_id,
            JobStatus.RUNNING,
            now=now,
            sources=OPEN,
            detail={"policy": policy.name},
            **values,
        ):
            Job.objects.filter(id=job_id, started_at=None).update(started_at=now)
            claimed.append(ClaimedJob(job=Job.objects.get(id=job_id), token=claim.token))
        else:  # the job has ended in SQL, and Redis is not up to date
            connection.queue().finish(claim.request.id, claim.token)
    return claimed


def renew_leases(tokens: Mapping[str, str], *, worker: str, now: datetime) -> set[str]:
    """Renews leases (id to token). Returns the ids that this worker no longer holds."""
    return connection.queue().renew(
        worker, tokens, now=now.timestamp(), lease_seconds=settings.TRIAGE_LEASE_SECONDS
    )


def record_first_token(job_id: uuid.UUID, *, token: str, now: datetime) -> None:
    Job.objects.filter(id=job_id, claim_token=token, first_token_at=None).update(first_token_at=now)


def release_job(
    job_id: uuid.UUID,
    *,
    token: str,
    token_ids: Sequence[int],
    text: str,
    now: datetime,
    why: str,
) -> bool:
    """Returns a running job to waiting, with its progress. Returns False if the claim is void."""
    moved = move(
        job_id,
        JobStatus.WAITING,
        now=now,
        token=token,
        detail={"why": why},
        worker="",
        claim_token="",
        progress_token_ids=list(token_ids),
        progress_text=text,
        generated_tokens=len(token_ids),
        num_preemptions=F("num_preemptions") + (1 if why == "preempted" else 0),
    )
    if moved:
        ignore_outage(
            lambda: connection.queue().release(
                str(job_id), token, len(token_ids), now=now.timestamp()
            )
        )
    return moved


def finish_job(
    job_id: uuid.UUID,
    *,
    token: str,
    output: str,
    num_tokens: int,
    finish_reason: str,
    now: datetime,
) -> bool:
    """Stores the result once. A second call, or one with an old claim, returns False."""
    moved = move(
        job_id,
        JobStatus.DONE,
        now=now,
        token=token,
        output=output,
        generated_tokens=num_tokens,
        finish_reason=finish_reason,
        finished_at=now,
        progress_token_ids=[],
        progress_text="",
        claim_token="",
    )
    ignore_outage(lambda: connection.queue().finish(str(job_id), token))
    return moved


def fail_job(job_id: uuid.UUID, *, token: str, error: str, now: datetime) -> bool:
    """Records that the generation failed. The case and its priority stay."""
    moved = move(
        job_id,
        JobStatus.FAILED,
        now=now,
        token=token,
        error=error,
        finished_at=now,
        claim_token="",
    )
    ignore_outage(lambda: connection.queue().finish(str(job_id), token))
    return moved


def return_job(job_id: uuid.UUID, *, token: str, now: datetime, why: str) -> bool:
    """Returns a job to waiting after an engine failure, or fails it after MAX_FAILURES."""
    Job.objects.filter(id=job_id, claim_token=token).update(num_failures=F("num_failures") + 1)
    job = Job.objects.filter(id=job_id, claim_token=token).first()
    if job is None:
        return False
    if job.num_failures >= MAX_FAILURES:
        error = f"the engine failed {job.num_failures} times during this answer: {why}"
        return fail_job(job_id, token=token, error=error, now=now)
    return release_job(
        job_id,
        token=token,
        token_ids=job.progress_token_ids,
        text=job.progress_text,
        now=now,
        why="engine stopped",
    )


def reap_expired(*, now: datetime) -> list[str]:
    """Returns jobs with an expired lease to waiting and makes their claims void.

    Returns their ids.
    """
    expired = connection.queue().reap(now=now.timestamp())
    for job_id in expired:
        _return_expired(uuid.UUID(job_id), now)
    return expired


def _return_expired(job_id: uuid.UUID, now: datetime, token: str | None = None) -> bool:
    rows = Job.objects.filter(id=job_id, status=JobStatus.RUNNING)
    if token is not None:
        rows = rows.filter(claim_token=token)
    rows.update(num_failures=F("num_failures") + 1)
    job = rows.first()
    if job is None:
        return False
    void: dict[str, Any] = {"now": now, "token": job.claim_token, "worker": "", "claim_token": ""}
    if job.num_failures < MAX_FAILURES:
        return move(job_id, JobStatus.WAITING, detail={"why": "worker lost"}, **void)
    error = f"the worker failed {job.num_failures} times during this answer"
    moved = move(job_id, JobStatus.FAILED, error=error, finished_at=now, **void)
    ignore_outage(lambda: connection.queue().cancel(str(job_id)))
    return moved


def reconcile(*, now: datetime) -> Reconciliation:
    """Rebuilds the queue in Redis from SQL. Idempotent.

    Valid claims stay, and so do changes in Redis after SQL was read. A job that runs in SQL
    but has no lease in Redis waits again, with its priority and original arrival.
    """
    queue = connection.queue()
    mark = queue.mark()
    running = Job.objects.filter(status=JobStatus.RUNNING)
    claims = list(running.values_list("id", "claim_token"))  # read before the leases
    tokens = queue.lease_tokens()
    returned = sum(
        _return_expired(job_id, now, token)
        for job_id, token in claims
        if tokens.get(str(job_id)) != token
    )
    waiting = [job.to_request() for job in Job.objects.filter(status=JobStatus.WAITING)]
    change = queue.replace_all(waiting, active_policy_name(), mark=mark)
    result = Reconciliation(
        added=change.added, removed=change.removed, updated=change.updated, returned=returned
    )
    if any((result.added, result.removed, result.updated, result.returned)):
        log.info("reconciled", added=result.added, removed=result.removed, returned=returned)
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
    """Makes `name` the active policy and records actor, reason and preview. Raises ValueError."""
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
    after_commit(lambda: connection.queue().switch_policy(name))
    after_commit(ring_doorbell)
    return change


def requeue_failed(job: Job, *, now: datetime) -> bool:
    """Returns a failed job to waiting, at the request of a person."""
    moved = move(job.id, JobStatus.WAITING, now=now, num_failures=0, error="", finished_at=None)
    if moved:
        job.refresh_from_db()
        after_commit(lambda: connection.queue().enqueue(job.to_request()))
        after_commit(ring_doorbell)
    return moved


def record_forecasts(estimates: Mapping[str, Estimate], *, policy: str, now: datetime) -> int:
    """Keeps the first forecast of each job, by job id. Returns how many were new."""
    rows = [
        Forecast(
            job_id=uuid.UUID(job_id),
            made_at=now,
            policy=policy,
            starts_low=estimate.starts.low,
            starts_median=estimate.starts.median,
            starts_high=estimate.starts.high,
            ends_low=estimate.ends.low,
            ends_median=estimate.ends.median,
            ends_high=estimate.ends.high,
        )
        for job_id, estimate in estimates.items()
    ]
    known = Forecast.objects.filter(job_id__in=[row.job_id for row in rows])
    have = set(known.values_list("job_id", flat=True))
    return len(Forecast.objects.bulk_create([row for row in rows if row.job_id not in have]))
