"""Waits for guidance by level: of one stretch of time, and of stretches one after the other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import floor, inf

from scheduling.core.metrics import Summary, summarise
from scheduling.core.request import PRIORITIES


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTimes:
    """When a case arrived, started and left the queue, in seconds; inf for not yet."""

    priority: int
    arrived: float
    due: float = inf
    started: float = inf
    ended: float = inf

    @property
    def left(self) -> float:
        return min(self.started, self.ended)


@dataclass(slots=True)
class LevelFigures:
    """One level in one stretch. `waits` are of those that started; `waiting` is at its end."""

    arrived: int = 0
    in_time: int = 0
    waits: list[float] = field(default_factory=list)
    waiting: int = 0

    @property
    def started(self) -> int:
        return len(self.waits)

    @property
    def summary(self) -> Summary | None:
        return summarise(self.waits)

    @property
    def share_in_time(self) -> float | None:
        return self.in_time / self.started if self.waits else None

    @property
    def is_empty(self) -> bool:
        return not (self.arrived or self.waits or self.waiting)

    def add(self, later: LevelFigures) -> None:
        """Goes on with the stretch that follows."""
        self.arrived += later.arrived
        self.in_time += later.in_time
        self.waits += later.waits
        self.waiting = later.waiting


Stretch = tuple[LevelFigures, ...]  # one for each level


def empty_stretch() -> Stretch:
    return tuple(LevelFigures() for _ in PRIORITIES)


def stretches(jobs: Sequence[JobTimes], begin: float, step: float, num: int) -> list[Stretch]:
    """The figures of `num` stretches of `step` seconds from `begin`. Each starts inclusive."""
    found = [empty_stretch() for _ in range(num)]
    for job in jobs:
        at = floor((job.arrived - begin) / step)
        if 0 <= at < num:
            found[at][job.priority].arrived += 1
        if begin <= job.started < begin + num * step:
            line = found[floor((job.started - begin) / step)][job.priority]
            line.waits.append(round(max(0.0, job.started - job.arrived), 2))
            line.in_time += job.started <= job.due
    for priority in PRIORITIES:
        _count_waiting(found, [job for job in jobs if job.priority == priority], begin, step)
    return found


def _count_waiting(
    found: Sequence[Stretch], jobs: Sequence[JobTimes], begin: float, step: float
) -> None:
    arrivals = sorted(job.arrived for job in jobs)
    leaves = sorted(job.left for job in jobs)
    for at, stretch in enumerate(found) if jobs else ():
        end = begin + (at + 1) * step
        waiting = bisect_right(arrivals, end) - bisect_right(leaves, end)
        stretch[jobs[0].priority].waiting = waiting


def merged(stretch_list: Iterable[Stretch]) -> Stretch:
    """All stretches as one."""
    whole = empty_stretch()
    for stretch in stretch_list:
        for line, later in zip(whole, stretch, strict=True):
            line.add(later)
    return whole
