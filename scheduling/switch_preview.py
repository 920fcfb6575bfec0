"""What another policy would do to the present queue, before anything is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import fmean, median
from typing import Any, Final

import redis

from scheduling import forecasting, recorded, selectors
from scheduling.core.policies import POLICIES, rank
from scheduling.core.request import PRIORITIES, Request
from scheduling.core.status import JobStatus
from scheduling.models import Job
from scheduling.service_rates import model_of
from scheduling.simulator.forecast import Estimate, Outlook, Present, forecast

_BUDGET: Final = 3_000  # requests x courses for each of the two policies
_MAX_COURSES: Final = 15
_MAX_HURRIED: Final = 300  # requests that are simulated while a switch waits
_LEAST_TOKENS: Final = 8  # of a running request, before it tells the present speed
_MAX_WITH_ARRIVALS: Final = 500  # requests; with more of them, new arrivals are left out


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelChange:
    """Waiting cases of one level. Means of expected seconds to the start of those that have not
    been served yet; None if unknown."""

    priority: int
    waiting: int
    up: int
    down: int
    starts_before: float | None
    starts_after: float | None
    starts_low: float | None  # range of `starts_after`
    starts_high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchPreview:
    old: str
    new: str
    levels: Sequence[LevelChange]

    @property
    def num_waiting(self) -> int:
        return sum(level.waiting for level in self.levels)

    @property
    def num_up(self) -> int:
        return sum(level.up for level in self.levels)

    @property
    def num_down(self) -> int:
        return sum(level.down for level in self.levels)

    @property
    def times_known(self) -> bool:
        return any(level.starts_after is not None for level in self.levels)

    def to_dict(self) -> dict[str, Any]:
        """For the record of the switch: plain numbers, by level."""
        return {
            str(level.priority): {
                "waiting": level.waiting,
                "up": level.up,
                "down": level.down,
                "starts_before": level.starts_before,
                "starts_after": level.starts_after,
                "starts_low": level.starts_low,
                "starts_high": level.starts_high,
            }
            for level in self.levels
        }


def preview_switch(name: str, now: datetime, *, is_hurried: bool = False) -> SwitchPreview:
    """Hurried: a switch waits for it, so of a long queue it tells the order alone, without times.
    Raises ValueError for a policy that does not exist."""
    if name not in POLICIES:
        raise ValueError(f"policy: must be one of {', '.join(POLICIES)}")
    were_waiting = selectors.waiting_requests()
    running = selectors.readable(Job.objects.filter(status=JobStatus.RUNNING))
    started = {str(job.id) for job in running}  # some of them between the two queries
    waiting = [request for request in were_waiting if request.id not in started]
    states = forecasting.live_states(now.timestamp())
    try:
        present = forecasting.present_of(running, states, now)
    except (redis.RedisError, OSError):  # the order is known, the times are not
        present, states = forecasting.present_without_progress(running, now), []
    present = replace(present, waiting=waiting)
    old = selectors.active_policy_name()
    if is_hurried and len(waiting) + len(running) > _MAX_HURRIED:
        states = []
    step = _present_step(running, present)
    outlook = _outlook(present, step, now) if states and present.waiting else None
    before, after = (_starts(present, policy, outlook) for policy in (old, name))
    return SwitchPreview(
        old=old, new=name, levels=_levels(present.waiting, old, name, now, before, after)
    )


def _present_step(jobs: Sequence[Job], present: Present) -> float | None:
    """Median seconds for a token of the running requests; None while none has written much."""
    written = {request.id: request.generated_tokens for request in present.running}
    steps = [
        (present.now - job.first_token_at.timestamp()) / written[str(job.id)]
        for job in jobs
        if job.first_token_at and job.attempt == 1 and written.get(str(job.id), 0) >= _LEAST_TOKENS
    ]
    return median(steps) if steps else None


def _outlook(present: Present, step: float | None, now: datetime) -> Outlook | None:
    """From recorded rates or, where too few cases are recorded, from the present `step` in
    seconds; None where neither is known."""
    rates = recorded.rates(now, present.num_slots)
    model = rates.model
    if model is None and step is not None:
        found = model_of(rates, (step, float(len(present.running))), present.num_slots)
        model = found[0] if found else None
    if model is None:
        return None
    if len(present.waiting) + len(present.running) <= _MAX_WITH_ARRIVALS:
        traffic = forecasting.Traffic.recorded(now)
        return forecasting.outlook_of((model, 1.0), rates, traffic, now)
    return Outlook(model=model, length_ratios=rates.length_ratios, speeds=rates.speeds)


def _starts(present: Present, policy: str, outlook: Outlook | None) -> Mapping[str, Estimate]:
    """Estimates under a policy; empty without an outlook."""
    if outlook is None:
        return {}
    num = len(present.waiting) + len(present.running)
    courses = max(1, min(_MAX_COURSES, _BUDGET // num))
    return forecast(replace(present, policy=POLICIES[policy]), outlook, num_courses=courses, seed=1)


def _levels(
    waiting: Sequence[Request],
    old: str,
    new: str,
    now: datetime,
    before: Mapping[str, Estimate],
    after: Mapping[str, Estimate],
) -> list[LevelChange]:
    places = [
        {
            request.id: at
            for at, request in enumerate(rank(waiting, POLICIES[name], now.timestamp()))
        }
        for name in (old, new)
    ]
    found = []
    for priority in PRIORITIES:
        names = [request.id for request in waiting if request.priority == priority]
        fresh = [r.id for r in waiting if r.priority == priority and not r.generated_tokens]
        moves = [places[1][name] - places[0][name] for name in names]
        found.append(
            LevelChange(
                priority=priority,
                waiting=len(names),
                up=sum(move < 0 for move in moves),
                down=sum(move > 0 for move in moves),
                starts_before=_mean_start(fresh, before),
                starts_after=_mean_start(fresh, after),
                starts_low=_mean_start(fresh, after, "low"),
                starts_high=_mean_start(fresh, after, "high"),
            )
        )
    return found


def _mean_start(
    names: Sequence[str], estimates: Mapping[str, Estimate], which: str = "median"
) -> float | None:
    known = [getattr(estimates[name].starts, which) for name in names if name in estimates]
    return round(fmean(known), 2) if known else None
