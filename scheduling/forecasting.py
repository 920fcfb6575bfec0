"""Keeps the forecast of the queue up to date, and records what each case was told.

The forecast is made in one process. Pages read it from Redis; where it is not fresh, or no
worker reports, they say that the time is not known.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event as Flag
from typing import Final

import redis
from django.conf import settings
from django.db import DatabaseError, close_old_connections

from scheduling import forecast_store, recorded, selectors, services
from scheduling.core.policies import Preemption
from scheduling.core.status import JobStatus
from scheduling.forecast_store import ForecastHits, StoredForecast
from scheduling.models import Forecast, Job
from scheduling.outage_log import OutageLog
from scheduling.service_rates import Rates, SpeedMeter, model_of, traffic_of
from scheduling.simulator.forecast import Arrival, Estimate, Outlook, Present, forecast
from scheduling.simulator.judgement import judge, stretch_wanted
from scheduling.simulator.measured import MeasuredModel
from scheduling.simulator.similar_traffic import similar_futures

POLL_SECONDS: Final = 0.25
REFRESH_SECONDS: Final = 1.0
RATES_SECONDS: Final = 3.0
JUDGED_SECONDS: Final = 60.0  # while no job ends, only the day that is judged moves on
WORKER_SILENT_SECONDS: Final = 2.5  # a worker reports each second
NUM_RECENT: Final = 20  # arrivals that the traffic of the near future is taken from
NUM_RECORDED: Final = 500  # arrivals among which similar moments are looked for
_BUDGET: Final = 1_000  # requests x courses of one forecast
_MIN_COURSES, _MAX_COURSES = 3, 30
NUM_JUDGED: Final = 1_000
SAMPLE_SECONDS: Final = 1.0  # between two records of what the pages show
NUM_SAMPLED: Final = 5  # cases of one such record, evenly from the next to end to the last
# Courses draw each unknown on its own and know nothing of what they do not model, so the range
# must be wider by a factor. The newest judged forecasts tell it, and DEFAULT_STRETCH counts like
# PRIOR_JUDGED of them: those of one burst are wrong together, and the next burst differs.
DEFAULT_STRETCH: Final = 1.45
PRIOR_JUDGED: Final = 300
_STRETCHES: Final = (0.7, 4.0)  # at least and at most
MIN_JUDGED: Final = 10
SLOWDOWN_SECONDS: Final = 6.0  # how long the present speed lasts, about


@dataclass(slots=True)
class Forecaster:
    """Makes one forecast after the other. `turn` is called a few times a second."""

    _rates: Rates | None = None
    _rates_at: float = 0.0
    _judged_at: float = 0.0
    _judged_beside: frozenset[str] = frozenset()  # jobs that were open then
    _hits: ForecastHits | None = None
    _stretch: float = DEFAULT_STRETCH
    _seen: tuple[object, ...] = ()
    _made_at: float = 0.0
    _told: set[str] = field(default_factory=set)
    _meter: SpeedMeter = field(default_factory=SpeedMeter)
    _step: tuple[float, float] | None = None  # the last that was measured
    _sampled_at: float = 0.0

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
        open_ids = frozenset(str(job.id) for job in jobs)
        rates = self._current_rates(now, present.num_slots, open_ids)
        found = model_of(rates, self._step, present.num_slots if states else 0)
        num_requests = len(present.running) + len(present.waiting)
        if found is None or not num_requests:
            return {}
        courses = num_courses(num_requests)
        outlook = outlook_of(found, rates, Traffic.recorded(now), now)
        found_times = forecast(present, outlook, num_courses=courses, seed=int(now.timestamp()))
        return {name: estimate.stretched(self._stretch) for name, estimate in found_times.items()}

    def _current_rates(self, now: datetime, num_slots: int, open_ids: frozenset[str]) -> Rates:
        seconds = now.timestamp()
        if self._rates is None or seconds - self._rates_at > RATES_SECONDS:
            self._rates = recorded.rates(now, num_slots)
            self._rates_at = seconds
            self._judge(now, open_ids)
        return self._rates

    def _judge(self, now: datetime, open_ids: frozenset[str]) -> None:
        """Where a job has ended since, or some time has passed: only then more can be judged."""
        seconds = now.timestamp()
        if self._judged_beside <= open_ids and seconds - self._judged_at < JUDGED_SECONDS:
            self._judged_beside = open_ids
            return
        newest = recorded.judged_forecasts(now - timedelta(days=1), None, newest=NUM_JUDGED)
        self._hits, self._stretch = _hits(newest), stretch_of(newest)
        self._judged_at, self._judged_beside = seconds, open_ids

    def _record(
        self, jobs: Sequence[Job], estimates: Mapping[str, Estimate], policy: str, now: datetime
    ) -> None:
        unfinished = {str(job.id) for job in jobs}  # one that is being written is told its end
        new = {name: estimates[name] for name in unfinished - self._told if name in estimates}
        self._told = (self._told | set(new)) & unfinished
        if new:
            services.record_forecasts(new, policy=policy, now=now, stretch=self._stretch)
        if now.timestamp() - self._sampled_at >= SAMPLE_SECONDS:
            self._sampled_at = now.timestamp()
            shown = sorted(
                unfinished & estimates.keys() - new.keys(),
                key=lambda name: (estimates[name].ends.median, name),
            )
            every = max(1, -(-len(shown) // NUM_SAMPLED))
            sample = {name: estimates[name] for name in shown[::every]}
            services.record_forecasts(
                sample, policy=policy, now=now, stretch=self._stretch, is_first=False
            )


@dataclass(frozen=True, slots=True)
class Traffic:
    """The newest arrivals, and the moments (seconds) of many more; both ascending."""

    newest: Sequence[Job]
    moments: Sequence[float]

    @classmethod
    def recorded(cls, now: datetime) -> Traffic:
        return cls(
            newest=recorded.recent_arrivals(now, NUM_RECENT),
            moments=recorded.arrival_moments(now, NUM_RECORDED),
        )


def num_courses(num_requests: int) -> int:
    """More requests, fewer courses: the time for one forecast has a limit."""
    return min(_MAX_COURSES, max(_MIN_COURSES, _BUDGET // max(1, num_requests)))


def stretch_of(judged: Sequence[Forecast]) -> float:
    """By what factor the ranges of the next forecasts must be wider than their courses say: the
    weighted geometric mean of what `judged` would have needed and of `DEFAULT_STRETCH`."""
    wanted = stretch_wanted(recorded.judged_ends(judged), [one.stretch for one in judged])
    if wanted is None:
        return DEFAULT_STRETCH
    learned = min(max(wanted, _STRETCHES[0]), _STRETCHES[1])
    share = len(judged) / (len(judged) + PRIOR_JUDGED)
    return DEFAULT_STRETCH ** (1 - share) * learned**share


def _hits(newest: Sequence[Forecast]) -> ForecastHits | None:
    """Of forecasts of the end of guidance; None where there are only a few."""
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
    found: tuple[MeasuredModel, float], rates: Rates, traffic: Traffic, now: datetime
) -> Outlook:
    """Arrivals come as after similar moments, or those of the last ones go on for a while."""
    kinds = [
        Arrival(
            priority=job.priority,
            prompt_tokens=job.prompt_tokens,
            predicted_tokens=job.predicted_tokens,
            deadline_seconds=settings.TRIAGE_DEADLINE_SECONDS[job.priority],
        )
        for job in traffic.newest
    ]
    rate, going_on, share = traffic_of(traffic.moments[-NUM_RECENT:], now.timestamp())
    futures = similar_futures(traffic.moments, now.timestamp())
    return Outlook(
        model=found[0],
        slowdown=found[1],
        slowdown_seconds=SLOWDOWN_SECONDS,
        length_ratios=rates.length_ratios,
        speeds=rates.speeds,
        arrivals=kinds,
        arrivals_per_second=rate,
        arrivals_go_on_for=going_on,
        share_with_arrivals=share,
        recorded=futures.offsets,
        likeness=futures.likeness,
        share_recorded=futures.share,
    )


def run_forecasts(stop: Flag) -> None:
    """Until `stop`. A store that is away leaves the last forecast to grow old."""
    forecaster, outage = Forecaster(), OutageLog("forecast")
    while not stop.is_set():
        began = time.monotonic()
        try:
            forecaster.turn(datetime.now(UTC))
            outage.worked()
        except (redis.RedisError, DatabaseError, OSError) as error:
            outage.failed(error)
        close_old_connections()
        # At most a third of one processor, however long the queue is.
        took = time.monotonic() - began
        stop.wait(max(POLL_SECONDS, min(10.0, 2 * took)))
