"""All reads of the scheduler. They use SQL, so the order is known during an outage of Redis."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import redis

from scheduling import connection, forecast_store
from scheduling.core.policies import POLICIES, Policy, rank
from scheduling.core.status import OPEN, JobStatus
from scheduling.forecast_store import ForecastHits
from scheduling.models import DEFAULT_POLICY, Job, PolicyChange
from scheduling.queue.events import worker_states
from scheduling.simulator.forecast import Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePlace:
    """Position of a waiting job (0 is next), and the seconds to its start and end.

    `estimate` is None where they cannot be known.
    """

    position: int
    estimate: Estimate | None = None

    @property
    def starts_in_seconds(self) -> float | None:
        return None if self.estimate is None else self.estimate.starts.median

    @property
    def ends_in_seconds(self) -> float | None:
        return None if self.estimate is None else self.estimate.ends.median


def active_policy_name() -> str:
    newest = PolicyChange.objects.values_list("new", flat=True).first()
    return newest if newest is not None and newest in POLICIES else DEFAULT_POLICY


def active_policy() -> Policy:
    return POLICIES[active_policy_name()]


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

    The estimates are those of the newest forecast, moved on to `now`. Without a fresh one, or
    without a worker, the times are not known.
    """
    policy = active_policy()
    waiting = [job.to_request() for job in open_jobs() if job.status == JobStatus.WAITING]
    order = [request.id for request in rank(waiting, policy, now.timestamp())]
    known = estimates(now, policy)
    return {
        job_id: QueuePlace(position=at, estimate=known.get(job_id))
        for at, job_id in enumerate(order)
    }


def estimates(now: datetime, policy: Policy) -> dict[str, Estimate]:
    """Returns the estimates of all open jobs, in seconds from `now`, by id."""
    seconds = now.timestamp()
    stored = forecast_store.read_forecast(seconds, policy.name)
    if stored is None or not stored.estimates:
        return {}
    age = max(0.0, seconds - stored.made_at)
    return {job_id: estimate.later(age) for job_id, estimate in stored.estimates.items()}


def forecast_hits(now: datetime) -> ForecastHits | None:
    """Returns how often the last forecasts held what then happened; None if too few are known."""
    stored = forecast_store.read_forecast(now.timestamp(), active_policy_name())
    return None if stored is None else stored.hits
