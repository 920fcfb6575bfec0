"""All writes of the scheduler. SQL is the truth; Redis holds order and leases and may lag.

Each move of a job is a compare-and-set on its row: exactly one caller wins. Redis is told
after the commit; if it cannot be reached, `reconcile` tells it later, so nothing is lost.
"""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from scheduling import connection
from scheduling.claimed import MAX_FAILURES as MAX_FAILURES
from scheduling.claimed import fail_job as fail_job
from scheduling.claimed import finish_job as finish_job
from scheduling.claimed import release_job as release_job
from scheduling.claimed import return_job as return_job
from scheduling.claimed import start_job
from scheduling.core.policies import POLICIES
from scheduling.core.status import OPEN, JobStatus
from scheduling.models import Job, PolicyChange
from scheduling.moves import after_commit, ignore_outage, move, notify
from scheduling.selectors import active_policy_name, readable

log = structlog.get_logger(__name__)


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
    damaged: int = 0  # entries of Redis that could not be read, or did not fit the others


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
        else:  # ended in SQL before Redis heard of it
            connection.queue().finish(claim.request.id, claim.token)
    return claimed


def reap_expired(*, now: datetime) -> list[str]:
    """Puts jobs back whose worker stopped renewing; their old claims are void.

    Redis has put them back already. A row that has a newer claim by now is left alone.
    """
    expired = connection.queue().reap(now=now.timestamp())
    for job_id, token in expired:
        _return_lost(uuid.UUID(job_id), token, now)
    return [job_id for job_id, _ in expired]


def _return_lost(job_id: uuid.UUID, token: str, now: datetime) -> bool:
    failure = "its worker stopped again and again while writing this"
    standing = return_job(job_id, token=token, now=now, why="worker lost", failure=failure)
    if standing.done and standing.status == JobStatus.FAILED:
        ignore_outage(lambda: connection.queue().cancel(str(job_id)))
    return standing.done


def check_queue(*, now: datetime) -> bool:
    """Whether the queue in Redis was whole. If not, it is rebuilt at once. Cheap where it was."""
    fault = connection.queue().audit()
    if fault:
        log.warning("queue_damaged", fault=fault)
        reconcile(now=now)
    return not fault


def reconcile(*, now: datetime) -> Reconciliation:
    """Makes Redis say what SQL says. Idempotent; live claims are left alone, and so is
    whatever changed in Redis after SQL was read.

    Jobs that run in SQL but that nobody holds in Redis (it was flushed, or their worker
    and its lease are gone) wait again, with their priority and first arrival.
    """
    queue = connection.queue()
    num_damaged = queue.mend(now.timestamp(), settings.TRIAGE_LEASE_SECONDS)
    mark = queue.mark()
    running = Job.objects.filter(status=JobStatus.RUNNING)
    claims = list(running.values_list("id", "claim_token"))  # before the leases are read
    held = queue.held()
    returned = sum(
        release_job(job_id, token=token, token_ids=None, text="", now=now, why="claim lost").done
        for job_id, token in claims
        if held.get(str(job_id)) != token
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
