"""Keeps the forecast of the queue up to date, and records what each case was told.

The forecast is made in one process. Pages read it from Redis; where it is not fresh, or no
worker reports, they say that the time is not known.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import fsum
from statistics import fmean, median
from threading import Event as Flag
from typing import Final

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections

from scheduling import forecast_store, recorded, selectors, services
from scheduling.core.policies import Preemption
from scheduling.core.status import JobStatus
from scheduling.forecast_store import ForecastHits, StoredForecast
from scheduling.models import Job
from scheduling.simulator.forecast import Arrival, Estimate, Outlook, Present, forecast
from scheduling.simulator.judgement import judge
from scheduling.simulator.measured import JobRecord, MeasuredModel, TooFewRecords, fit

log = structlog.get_logger(__name__)

POLL_SECONDS: Final = 0.25
REFRESH_SECONDS: Final = 1.0
RATES_SECONDS: Final = 10.0
WORKER_SILENT_SECONDS: Final = 2.5  # a worker reports each second
NUM_RECENT: Final = 20  # arrivals that the traffic of the near future is taken from
# The traffic of those arrivals goes on for about this multiple of the time they took.
GOES_ON: Final = 1.7
# Step times of an hour over those of the hour before, where nothing is recorded.
DEFAULT_SPEEDS: Final = (0.8, 0.9, 0.95, 1.0, 1.0, 1.05, 1.12, 1.25)
DEFAULT_RATIOS: Final = (0.8, 0.9, 1.0, 1.0, 1.1, 1.25)
_BUDGET: Final = 1_000  # requests x courses of one forecast
_MIN_COURSES, _MAX_COURSES = 3, 30
NUM_JUDGED: Final = 100
MIN_JUDGED: Final = 10
SLOWDOWN_SECONDS: Final = 15.0  # how long the present speed lasts, about
METER_SECONDS: Final = 4.0
METER_LEAST_TOKENS: Final = 8
_CHUNK: Final = 8  # jobs whose mean speed counts as one observation


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What the records say about service."""

    model: MeasuredModel | None
    length_ratios: Sequence[float]
    speeds: Sequence[float]


def rates_of(records: Sequence[JobRecord], ratios: Sequence[float], num_slots: int) -> Rates:
    """Without enough records the model is None, and the spreads are wide."""
    try:
        model = fit(records, num_slots)
    except TooFewRecords:
        return Rates(model=None, length_ratios=DEFAULT_RATIOS, speeds=DEFAULT_SPEEDS)
    return Rates(
        model=model,
        length_ratios=ratios or DEFAULT_RATIOS,
        speeds=_speeds(records) or DEFAULT_SPEEDS,
    )


def _speeds(records: Sequence[JobRecord]) -> list[float]:
    """Mean step time of some jobs over that of the same number of jobs before."""
    steps = [(r.finished - r.first_token) / max(1, r.output_tokens - 1) for r in records]
    chunks = [steps[at : at + _CHUNK] for at in range(0, len(steps) - _CHUNK + 1, _CHUNK)]
    means = [fsum(chunk) / _CHUNK for chunk in chunks]
    pairs = zip(means[1:], means, strict=False)
    return [min(2.0, max(0.5, new / old)) for new, old in pairs if old > 0]


@dataclass(slots=True)
class SpeedMeter:
    """How long a step takes now, from the progress of running requests within some seconds."""

    _seen: deque[tuple[float, dict[str, int]]] = field(default_factory=deque)

    def note(self, now: float, written: Mapping[str, int]) -> None:
        """`written` holds the tokens so far of each running request."""
        self._seen.append((now, dict(written)))
        while len(self._seen) > 2 and self._seen[1][0] <= now - METER_SECONDS:
            self._seen.popleft()

    def step(self) -> tuple[float, float] | None:
        """Median seconds of a step, and the mean number of running requests; None if unknown."""
        if len(self._seen) < 2 or self._seen[-1][0] - self._seen[0][0] < METER_SECONDS / 2:
            return None
        steps = []
        for request_id, tokens in self._seen[-1][1].items():
            before = next(((at, w[request_id]) for at, w in self._seen if w.get(request_id)), None)
            if before is not None and tokens >= before[1] + METER_LEAST_TOKENS:
                steps.append((self._seen[-1][0] - before[0]) / (tokens - before[1]))
        if not steps:
            return None
        return median(steps), fmean(len(written) for _, written in self._seen)


def model_of(
    rates: Rates, step: tuple[float, float] | None, num_slots: int
) -> tuple[MeasuredModel, float] | None:
    """The recorded model, and the present step time over the model's; None if unknown."""
    if num_slots < 1:
        return None
    if rates.model is None:
        return None if step is None else (_flat_model(num_slots, step[0]), 1.0)
    model = replace(rates.model, num_slots=num_slots)
    if step is None:
        return model, 1.0
    slowdown = step[0] / model.one_step_seconds(max(1, round(step[1])))
    return model, min(20.0, max(0.05, slowdown))


def _flat_model(num_slots: int, step_seconds: float) -> MeasuredModel:
    return MeasuredModel(
        prefill_base_seconds=0.1,
        prefill_seconds_per_token=0.0,
        step_base_seconds=step_seconds,
        step_seconds_per_request=0.0,
        num_slots=num_slots,
    )


@dataclass(slots=True)
class Forecaster:
    """Makes one forecast after the other. `turn` is called a few times a second."""

    _rates: Rates | None = None
    _rates_at: float = 0.0
    _hits: ForecastHits | None = None
    _seen: tuple[object, ...] = ()
    _made_at: float = 0.0
    _told: set[str] = field(default_factory=set)
    _meter: SpeedMeter = field(default_factory=SpeedMeter)
    _step: tuple[float, float] | None = None  # the last that was measured

    def turn(self, now: datetime) -> bool:
        """Makes a new forecast where something changed or the last one is old."""
        seconds = now.timestamp()
        states = live_states(seconds)
        jobs = list(selectors.open_jobs())
        policy = selectors.active_policy()
        queue = frozenset((str(job.id), job.status, job.priority) for job in jobs)
        seen = (policy.name, len(states), queue)
        if seen == self._seen and seconds - self._made_at < REFRESH_SECONDS:
            return False
        self._seen, self._made_at = seen, seconds
        estimates = self._estimates(jobs, states, now)
        forecast_store.write_forecast(
            StoredForecast(
                made_at=seconds, policy=policy.name, estimates=estimates, hits=self._hits
            )
        )
        if not selectors.is_paused():  # nobody is told a time while admission is paused
            self._record(jobs, estimates, policy.name, now)
        return True

    def _estimates(
        self, jobs: Sequence[Job], states: Sequence[Mapping[str, float]], now: datetime
    ) -> dict[str, Estimate]:
        present = present_of(jobs, states, now)
        written = {request.id: request.generated_tokens for request in present.running}
        self._meter.note(now.timestamp(), written)
        self._step = self._meter.step() or self._step
        rates = self._current_rates(now, present.num_slots)
        found = model_of(rates, self._step, present.num_slots if states else 0)
        num_requests = len(present.running) + len(present.waiting)
        if found is None or not num_requests:
            return {}
        courses = min(_MAX_COURSES, max(_MIN_COURSES, _BUDGET // num_requests))
        outlook = outlook_of(found, rates, recorded.recent_arrivals(now, NUM_RECENT), now)
        return forecast(present, outlook, num_courses=courses, seed=int(now.timestamp()))

    def _current_rates(self, now: datetime, num_slots: int) -> Rates:
        seconds = now.timestamp()
        if self._rates is None or seconds - self._rates_at > RATES_SECONDS:
            records = recorded.recent_records(now)
            self._rates = rates_of(records, recorded.length_ratios(now), num_slots)
            self._rates_at = seconds
            self._hits = _hits(now)
        return self._rates

    def _record(
        self, jobs: Sequence[Job], estimates: Mapping[str, Estimate], policy: str, now: datetime
    ) -> None:
        waiting = {str(job.id) for job in jobs if job.status == JobStatus.WAITING}
        new = {name: estimates[name] for name in waiting - self._told if name in estimates}
        self._told = (self._told | set(new)) & waiting
        if new:
            services.record_forecasts(new, policy=policy, now=now)


def _hits(now: datetime) -> ForecastHits | None:
    """Of the newest forecasts of the end of guidance; None where there are only a few."""
    newest = recorded.judged_forecasts(now - timedelta(days=1), None)[-NUM_JUDGED:]
    figures = judge(recorded.judged_ends(newest))
    if figures["cases"] < MIN_JUDGED:
        return None
    return ForecastHits(num=figures["cases"], share=figures["coverage"])


def live_states(now: float) -> list[Mapping[str, float]]:
    """Figures of the workers that have reported within the last seconds."""
    states = selectors.workers().values()
    return [state for state in states if now - state.get("at", 0.0) <= WORKER_SILENT_SECONDS]


def present_without_progress(jobs: Sequence[Job], now: datetime) -> Present:
    """The order of the queue alone."""
    return Present(
        now=now.timestamp(),
        policy=selectors.active_policy(),
        preemption=Preemption(settings.TRIAGE_PREEMPTION),
        num_slots=1,
        running=[],
        waiting=[job.to_request() for job in jobs if job.status == JobStatus.WAITING],
    )


def present_of(
    jobs: Sequence[Job], states: Sequence[Mapping[str, float]], now: datetime
) -> Present:
    """Queue and slots. Raises redis.RedisError where the progress cannot be read."""
    running = [job for job in jobs if job.status == JobStatus.RUNNING]
    written = forecast_store.num_tokens_of([str(job.id) for job in running])
    requests = [
        job.to_request().with_progress(max(job.generated_tokens, written.get(str(job.id), 0)))
        for job in running
    ]
    return Present(
        now=now.timestamp(),
        policy=selectors.active_policy(),
        preemption=Preemption(settings.TRIAGE_PREEMPTION),
        num_slots=max(1, int(sum(state.get("slots", 0) for state in states))),
        running=requests,
        waiting=[job.to_request() for job in jobs if job.status == JobStatus.WAITING],
    )


def outlook_of(
    found: tuple[MeasuredModel, float], rates: Rates, arrived: Sequence[Job], now: datetime
) -> Outlook:
    """The traffic of the last arrivals goes on for a while; nobody knows for how long."""
    kinds = [
        Arrival(
            priority=job.priority,
            prompt_tokens=job.prompt_tokens,
            predicted_tokens=job.predicted_tokens,
            deadline_seconds=settings.TRIAGE_DEADLINE_SECONDS[job.priority],
        )
        for job in arrived
    ]
    span = (now - arrived[0].arrival_at).total_seconds() if arrived else 0.0
    return Outlook(
        model=found[0],
        slowdown=found[1],
        slowdown_seconds=SLOWDOWN_SECONDS,
        length_ratios=rates.length_ratios,
        speeds=rates.speeds,
        arrivals=kinds,
        arrivals_per_second=(len(kinds) - 1) / span if span > 0 else 0.0,
        arrivals_go_on_for=GOES_ON * span,
    )


def run_forecasts(stop: Flag) -> None:
    """Until `stop`. A store that is away leaves the last forecast to grow old."""
    forecaster = Forecaster()
    while not stop.is_set():
        began = time.monotonic()
        try:
            forecaster.turn(datetime.now(UTC))
        except (redis.RedisError, DatabaseError, OSError) as error:
            log.warning("forecast_without_store", error=type(error).__name__)
        close_old_connections()
        # At most a third of one processor, however long the queue is.
        took = time.monotonic() - began
        stop.wait(max(POLL_SECONDS, min(10.0, 2 * took)))
