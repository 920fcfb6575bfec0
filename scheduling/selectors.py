"""All reads of the scheduler. They use SQL, so the order is known during an outage of Redis."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from heapq import heapreplace

import redis
import structlog
from django.db.models import QuerySet

from scheduling import connection
from scheduling.core.policies import POLICIES, Policy, rank
from scheduling.core.status import OPEN, JobStatus
from scheduling.models import DEFAULT_POLICY, Job, PolicyChange
from scheduling.queue.events import worker_problems, worker_states

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePlace:
    """Position of a waiting job (0 is next), and the estimated seconds to its start and end."""

    position: int
    starts_in_seconds: float | None
    ends_in_seconds: float | None


def active_policy_name() -> str:
    newest = PolicyChange.objects.values_list("new", flat=True).first()
    return newest if newest is not None and newest in POLICIES else DEFAULT_POLICY


def active_policy() -> Policy:
    return POLICIES[active_policy_name()]


def readable(rows: QuerySet[Job]) -> list[Job]:
    """Returns the jobs of `rows` that this release can read, without their long fields.

    A row that it cannot read (after a roll-back, for example) is logged once and left out, so
    that it does not stop the others.
    """
    rows = rows.defer("prompt", "output", "progress_token_ids", "progress_text")
    try:
        jobs = list(rows)
    except (ValueError, TypeError):
        ids = rows.values_list("id", flat=True)
        jobs = [job for job_id in ids if (job := _one(rows, job_id)) is not None]
    return [job for job in jobs if _is_readable(job)]


def _one(rows: QuerySet[Job], job_id: uuid.UUID) -> Job | None:
    try:
        return rows.filter(id=job_id).first()
    except (ValueError, TypeError):
        _log_unreadable(job_id)
        return None


def _is_readable(job: Job) -> bool:
    try:
        job.to_request()
    except (ValueError, TypeError, AttributeError):
        _log_unreadable(job.id)
        return False
    return True


@lru_cache(maxsize=1000)
def _log_unreadable(job_id: uuid.UUID) -> None:
    """Once for each row and process."""
    log.error("job_unreadable", job=str(job_id))


def open_jobs() -> Iterable[Job]:
    return readable(Job.objects.filter(status__in=OPEN))


def workers() -> dict[str, dict[str, float]]:
    """Returns the latest figures of each GPU worker that can work, by name.

    Empty during an outage of Redis.
    """
    try:
        client = connection.client()
        idle = worker_problems(client)
        return {name: state for name, state in worker_states(client).items() if name not in idle}
    except redis.RedisError:
        return {}


def problems_of_workers() -> dict[str, str]:
    """Returns one sentence for each GPU worker that runs but cannot work, by name."""
    try:
        return worker_problems(connection.client())
    except redis.RedisError:
        return {}


def places(now: datetime, jobs: Sequence[Job] | None = None) -> dict[str, QueuePlace]:
    """Returns the position and the estimated start and end of every waiting job, by id.

    The estimate gives each waiting job, in order, to the slot that is free first. Each slot
    has an equal share of the measured tokens/s. Without a worker there is no estimate.
    `jobs` are the open jobs, if the caller has read them: they are then not read again.
    """
    # Read the jobs once: a job may arrive or end between two reads.
    jobs = list(open_jobs()) if jobs is None else jobs
    requests = {str(job.id): job.to_request() for job in jobs}
    waiting = [requests[str(job.id)] for job in jobs if job.status == JobStatus.WAITING]
    order = [request.id for request in rank(waiting, active_policy(), now.timestamp())]
    running = [requests[job_id] for job_id in requests.keys() - set(order)]
    slots, rate = _capacity()
    if not slots or not rate:
        return {
            job_id: QueuePlace(position=at, starts_in_seconds=None, ends_in_seconds=None)
            for at, job_id in enumerate(order)
        }
    seconds_per_token = slots / rate
    free_at = sorted(request.remaining_tokens * seconds_per_token for request in running)
    free_at = [0.0] * max(0, slots - len(free_at)) + free_at
    result: dict[str, QueuePlace] = {}
    for at, job_id in enumerate(order):
        starts = heapreplace(free_at, free_at[0])
        ends = starts + requests[job_id].remaining_tokens * seconds_per_token
        heapreplace(free_at, ends)
        result[job_id] = QueuePlace(position=at, starts_in_seconds=starts, ends_in_seconds=ends)
    return result


def _capacity() -> tuple[int, float]:
    """Returns slots and tokens/s of all workers together, within the limit of the policy."""
    states = workers().values()
    slots = int(sum(state.get("slots", 0) for state in states))
    rate = sum(state.get("tokens_per_second_full", 0.0) for state in states)
    cap = active_policy().max_running
    if cap is not None and slots:
        return min(cap, slots), rate * min(cap, slots) / slots
    return slots, rate
