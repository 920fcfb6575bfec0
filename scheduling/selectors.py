"""All reads of the scheduler. They use SQL, so the order is known during an outage of Redis."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from heapq import heapreplace

import redis

from scheduling import connection
from scheduling.core.policies import POLICIES, Policy, rank
from scheduling.core.status import OPEN, JobStatus
from scheduling.models import DEFAULT_POLICY, Job, PolicyChange
from scheduling.queue.events import worker_states


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


def waiting_order(now: datetime) -> list[str]:
    """Returns the ids of all waiting jobs in the order of service."""
    waiting = [job.to_request() for job in Job.objects.filter(status=JobStatus.WAITING)]
    return [request.id for request in rank(waiting, active_policy(), now.timestamp())]


def open_jobs() -> Iterable[Job]:
    return Job.objects.filter(status__in=OPEN).defer("prompt", "output")


def workers() -> dict[str, dict[str, float]]:
    """Returns the latest figures of each GPU worker, by name; empty during an outage of Redis."""
    try:
        return worker_states(connection.client())
    except redis.RedisError:
        return {}


def places(now: datetime) -> dict[str, QueuePlace]:
    """Returns the position and the estimated start and end of every waiting job, by id.

    The estimate gives each waiting job, in order, to the slot that is free first. Each slot
    has an equal share of the measured tokens/s. Without a worker there is no estimate.
    """
    # Read the jobs once: a job may arrive or end between two reads.
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
    """Returns slots and tokens/s of all workers together, within the limit of the policy."""
    states = workers().values()
    slots = int(sum(state.get("slots", 0) for state in states))
    rate = sum(state.get("tokens_per_second_full", 0.0) for state in states)
    cap = active_policy().max_running
    if cap is not None and slots:
        return min(cap, slots), rate * min(cap, slots) / slots
    return slots, rate
