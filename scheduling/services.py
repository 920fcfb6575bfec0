"""All writes of the scheduler. SQL is the truth; Redis holds order and leases and may lag.

Each move of a job is a compare-and-set on its row: exactly one caller wins. Redis is told
after the commit; if it cannot be reached, `reconcile` tells it later, so nothing is lost.
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
from scheduling.models import Job, PolicyChange
from scheduling.moves import after_commit, ignore_outage, move, notify
from scheduling.selectors import active_policy_name

log = structlog.get_logger(__name__)

MAX_FAILURES = 3  # a job that was in the batch of so many dying engines is not tried again


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedJob:
    """A job that this worker holds, and the token that proves it."""

    job: Job
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What `reconcile` had to mend: counts of jobs."""

    added: int
    removed: int
    updated: int
    returned: int  # running in SQL, held by nobody in Redis


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
    """One new waiting job. Raises IntegrityError when the case has an open one."""
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
    """The case's latest job, locked. Lock it before its case: all writers take that order."""
    return Job.objects.select_for_update().filter(case_id=case_id).order_by("created_at").last()


def due_at(arrival_at: datetime, priority: int) -> datetime:
    """When guidance should have started: arrival plus the site's promise for the level."""
    return arrival_at + timedelta(seconds=settings.TRIAGE_DEADLINE_SECONDS[priority])


def ring_doorbell() -> None:
    """Tells the GPU workers that something waits. They also look by themselves."""
    from celery import current_app

    current_app.send_task(
        "llm_worker.doorbell", queue="gpu", expires=30, ignore_result=True, retry=False
    )


def reprioritise_job(job_id: uuid.UUID, priority: int, *, now: datetime) -> bool:
    """Moves a waiting or running job to another level at once. False when it has ended."""
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


def rewrite_job(
    job_id: uuid.UUID,
    *,
    prompt: str,
    priority: int,
    prompt_tokens: int,
    predicted_tokens: int,
    now: datetime,
) -> bool:
    """A waiting job is told something new, and begins anew. False when it does not wait."""
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
            "generated_tokens": 0,
            "progress_token_ids": [],
            "progress_text": "",
        }
        Job.objects.filter(id=job_id).update(**values)
        job.refresh_from_db()
    after_commit(lambda: connection.queue().revise(job.to_request()))
    after_commit(ring_doorbell)
    return True


def cancel_job(job_id: uuid.UUID, *, now: datetime) -> bool:
    """Takes a waiting or running job out at once. False when it has ended already."""
    moved = move(job_id, JobStatus.CANCELLED, now=now, claim_token="", finished_at=now)
    if moved:
        after_commit(lambda: connection.queue().cancel(str(job_id)))
        after_commit(ring_doorbell)
    return moved


def claim_jobs(worker: str, num: int, *, now: datetime, model_name: str) -> list[ClaimedJob]:
    """The best waiting jobs, best first, held by `worker` until its lease runs out."""
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
        # A claim that Redis grants voids an older one of a worker whose lease ran out.
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
        else:  # ended in SQL before Redis heard of it
            connection.queue().finish(claim.request.id, claim.token)
    return claimed


def renew_leases(tokens: Mapping[str, str], *, worker: str, now: datetime) -> set[str]:
    """Ids, of those given, that this worker no longer holds: cancelled, or expired."""
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
    """Puts a running job back with its progress. False when the claim is no longer good."""
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
    """Stores the result, once: a second call, or one under an old claim, changes nothing."""
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
    """Records that the generation itself failed. The case stays, with its priority."""
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
    """Puts a job back whose engine died, or fails it after MAX_FAILURES such deaths."""
    Job.objects.filter(id=job_id, claim_token=token).update(num_failures=F("num_failures") + 1)
    job = Job.objects.filter(id=job_id, claim_token=token).first()
    if job is None:
        return False
    if job.num_failures >= MAX_FAILURES:
        error = f"the engine stopped {job.num_failures} times while writing this: {why}"
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
    """Puts jobs back whose worker stopped renewing; their old claims are void."""
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
    error = f"its worker stopped {job.num_failures} times while writing this"
    moved = move(job_id, JobStatus.FAILED, error=error, finished_at=now, **void)
    ignore_outage(lambda: connection.queue().cancel(str(job_id)))
    return moved


def reconcile(*, now: datetime) -> Reconciliation:
    """Makes Redis say what SQL says. Idempotent; live claims are left alone, and so is
    whatever changed in Redis after SQL was read.

    Jobs that run in SQL but that nobody holds in Redis (it was flushed, or their worker
    and its lease are gone) wait again, with their priority and first arrival.
    """
    queue = connection.queue()
    mark = queue.mark()
    running = Job.objects.filter(status=JobStatus.RUNNING)
    claims = list(running.values_list("id", "claim_token"))  # before the leases are read
    held = queue.held()
    returned = sum(
        _return_expired(job_id, now, token)
        for job_id, token in claims
        if held.get(str(job_id)) != token
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


def switch_policy(name: str, *, actor: User | None, reason: str, now: datetime) -> PolicyChange:
    """Makes `name` the live policy, with who and why on record. Raises ValueError."""
    if name not in POLICIES:
        raise ValueError(f"policy: unknown, must be one of {', '.join(POLICIES)}")
    if not reason.strip():
        raise ValueError("reason: required")
    change = PolicyChange.objects.create(
        changed_at=now, actor=actor, old=active_policy_name(), new=name, reason=reason.strip()
    )
    after_commit(lambda: connection.queue().switch_policy(name))
    after_commit(ring_doorbell)
    return change


def requeue_failed(job: Job, *, now: datetime) -> bool:
    """Tries a failed job again, by a person's wish."""
    moved = move(job.id, JobStatus.WAITING, now=now, num_failures=0, error="", finished_at=None)
    if moved:
        job.refresh_from_db()
        after_commit(lambda: connection.queue().enqueue(job.to_request()))
        after_commit(ring_doorbell)
    return moved
