"""All reads of the scheduler. They use SQL, so the order is known during an outage of Redis."""

from __future__ import annotations

import uuid
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import redis
import structlog
from django.db.models import Count, QuerySet

from scheduling import connection, forecast_store
from scheduling.core.guidance import Withheld
from scheduling.core.policies import POLICIES, Policy, order, rank
from scheduling.core.request import PRIORITIES, Request
from scheduling.core.status import OPEN, JobStatus
from scheduling.forecast_store import ForecastHits
from scheduling.job_rows import SORT_FIELDS, request_of_row
from scheduling.models import Job
from scheduling.queue.events import worker_problems, worker_states
from scheduling.simulator.forecast import Estimate
from scheduling.standing_orders import active_policy_name as active_policy_name
from scheduling.standing_orders import is_paused as is_paused
from scheduling.standing_orders import pause as pause

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePlace:
    """Position of a waiting job (0 is next), and the seconds to its start and end.

    `estimate` is None where they cannot be known, and while admission is paused.
    """

    position: int
    ahead: tuple[int, ...] = ()  # waiting jobs before it, by level
    manual_steps: int | None = None  # by which a person moved it up; None if nobody did
    manual_by: str = ""  # name of the account
    estimate: Estimate | None = None

    @property
    def starts_in_seconds(self) -> float | None:
        return None if self.estimate is None else self.estimate.starts.median

    @property
    def ends_in_seconds(self) -> float | None:
        return None if self.estimate is None else self.estimate.ends.median


def withheld_counts(since: datetime) -> tuple[int, dict[str, int]]:
    """The number of answers of real cases that ended since then, and how many of them each
    reason withheld."""
    ended = Job.objects.filter(status=JobStatus.DONE, finished_at__gte=since, replayed=False)
    rows = ended.values_list("finish_reason").annotate(num=Count("id"))
    counts: dict[str, int] = dict(rows.order_by())
    reasons = {reason.value: counts[reason] for reason in Withheld if counts.get(reason)}
    return sum(counts.values()), reasons


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


def waiting_requests() -> list[Request]:
    """Returns the requests of the waiting jobs that this release can read. In a long queue this
    takes less than half the time of `open_jobs`, which makes whole rows."""
    rows = Job.objects.filter(status=JobStatus.WAITING)
    try:
        return [request_of_row(*row) for row in rows.values_list(*SORT_FIELDS)]
    except (ValueError, TypeError, AttributeError):
        return [job.to_request() for job in readable(rows)]


def open_jobs() -> Iterable[Job]:
    return readable(Job.objects.filter(status__in=OPEN))


def running_jobs() -> Iterable[Job]:
    return readable(Job.objects.filter(status=JobStatus.RUNNING))


def open_job_of(case_id: uuid.UUID) -> Job | None:
    """Returns the waiting or running job of a case."""
    return next(iter(readable(Job.objects.filter(case_id=case_id, status__in=OPEN))), None)


def num_waiting(priority: int) -> int:
    return Job.objects.filter(status=JobStatus.WAITING, priority=priority).count()


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

    The estimates are those of the newest forecast, moved on to `now`. Without a fresh one, or
    without a worker, the times are not known. `jobs` are the open jobs, if the caller has read
    them: they are then not read again.
    """
    policy = active_policy()
    jobs = list(open_jobs()) if jobs is None else jobs
    waiting = [job.to_request() for job in jobs if job.status == JobStatus.WAITING]
    by_id = {str(job.id): job for job in jobs}
    known = {} if is_paused() else estimates(now, policy)
    found: dict[str, QueuePlace] = {}
    ahead = [0] * len(PRIORITIES)
    for request in rank(waiting, policy, now.timestamp()):
        found[request.id] = _place(by_id[request.id], request, ahead, known)
        ahead[request.priority] += 1
    return found


def place_of(job: Job, now: datetime) -> QueuePlace | None:
    """Returns what `places` says of one job; None where it does not wait.

    In a long queue this takes a fraction of the time: nothing but sort keys is read of the others.
    """
    if job.status != JobStatus.WAITING:
        return None
    policy, seconds, mine = active_policy(), now.timestamp(), job.to_request()
    own = order(mine, policy, seconds)
    ahead = [0] * len(PRIORITIES)
    for other in waiting_requests():
        ahead[other.priority] += order(other, policy, seconds) < own
    known = {} if is_paused() else estimates(now, policy, only=(mine.id,))
    return _place(job, mine, ahead, known)


def _place(
    job: Job, request: Request, ahead: Sequence[int], known: Mapping[str, Estimate]
) -> QueuePlace:
    return QueuePlace(
        position=sum(ahead),
        ahead=tuple(ahead),
        manual_steps=None if request.manual is None else job.manual_steps,
        manual_by=job.manual_by,
        estimate=known.get(request.id),
    )


def estimates(
    now: datetime, policy: Policy, only: Container[str] | None = None
) -> dict[str, Estimate]:
    """Returns the estimates of all open jobs, or of those in `only`, in seconds from `now`, by
    id."""
    seconds = now.timestamp()
    stored = forecast_store.read_forecast(seconds, policy.name, only)
    if stored is None or not stored.estimates:
        return {}
    age = max(0.0, seconds - stored.made_at)
    return {job_id: estimate.later(age) for job_id, estimate in stored.estimates.items()}


def forecast_hits(now: datetime) -> ForecastHits | None:
    """Returns how often the last forecasts held what then happened; None if too few are known."""
    stored = forecast_store.read_forecast(now.timestamp(), active_policy_name(), only=())
    return None if stored is None else stored.hits
