"""All reads of the scheduler. Where Redis is away, SQL answers, in the same order."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
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
from scheduling.queue.events import worker_states

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePlace:
    """Where a waiting job stands: 0 is next. Seconds until it probably starts and ends."""

    position: int
    starts_in_seconds: float | None
    ends_in_seconds: float | None


def active_policy_name() -> str:
    newest = PolicyChange.objects.values_list("new", flat=True).first()
    return newest if newest is not None and newest in POLICIES else DEFAULT_POLICY


def active_policy() -> Policy:
    return POLICIES[active_policy_name()]


def readable(rows: QuerySet[Job]) -> list[Job]:
    """The jobs of `rows` that this release understands, with what the queue needs of them.

    A row that it cannot read (of a later release, say) is logged once and left out: it must
    not stop the others.
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


def waiting_order(now: datetime) -> list[str]:
    """Ids of all waiting jobs in the order in which they will be served."""
    waiting = [job.to_request() for job in readable(Job.objects.filter(status=JobStatus.WAITING))]
    return [request.id for request in rank(waiting, active_policy(), now.timestamp())]


def open_jobs() -> Iterable[Job]:
    return readable(Job.objects.filter(status__in=OPEN))


def workers() -> dict[str, dict[str, float]]:
    """Figures that live GPU workers report, by worker name; empty when Redis is away."""
    try:
        return worker_states(connection.client())
    except redis.RedisError:
        return {}


def places(now: datetime) -> dict[str, QueuePlace]:
    """Position, estimated start and finish of every waiting job.

    The estimate deals the waiting jobs, in order, to the slot that is free first, each slot
    writing at its share of the measured tokens/s. Nothing is promised where no worker reports.
    """
    # One look at the jobs: between two, a job may arrive or end.
    jobs = list(open_jobs())
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
    """Slots and tokens/s of all live workers together, as far as the policy lets them be used."""
    states = workers().values()
    slots = int(sum(state.get("slots", 0) for state in states))
    rate = sum(state.get("tokens_per_second_full", 0.0) for state in states)
    cap = active_policy().max_running
    if cap is not None and slots:
        return min(cap, slots), rate * min(cap, slots) / slots
    return slots, rate
