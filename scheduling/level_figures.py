"""Waits for guidance by level: of one stretch of time, and of stretches one after the other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
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
    """One level in one stretch. `waits` are of those that started; `waiting` is at its end.

    `longest` is how long the case that waits at the end has waited that has waited longest: 0
    where none waits, None where it is not known.
    """

    arrived: int = 0
    in_time: int = 0
    waits: list[float] = field(default_factory=list)
    waiting: int = 0
    longest: float | None = 0.0

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
        """Goes on with the stretch that follows. `longest` is then the longest of both."""
        self.arrived += later.arrived
        self.in_time += later.in_time
        self.waits += later.waits
        self.waiting = later.waiting
        known = [one for one in (self.longest, later.longest) if one is not None]
        self.longest = max(known) if len(known) == 2 else None


Stretch = tuple[LevelFigures, ...]  # one for each level


def empty_stretch() -> Stretch:
    return tuple(LevelFigures() for _ in PRIORITIES)


def stretches(
    jobs: Sequence[JobTimes], begin: float, step: float, num: int, now: float = inf
) -> list[Stretch]:
    """The figures of `num` stretches of `step` seconds from `begin`. Each starts inclusive.

    Nobody has waited longer than until `now`, also where a stretch ends later.
    """
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
        own = [job for job in jobs if job.priority == priority]
        lines = [stretch[priority] for stretch in found]
        ends = [begin + (at + 1) * step for at in range(num)]
        _count_waiting(lines, own, ends)
        _note_longest(lines, own, [min(end, now) for end in ends])
    return found


def _count_waiting(
    lines: Sequence[LevelFigures], jobs: Sequence[JobTimes], ends: Sequence[float]
) -> None:
    arrivals = sorted(job.arrived for job in jobs)
    leaves = sorted(job.left for job in jobs)
    for line, end in zip(lines, ends, strict=True):
        line.waiting = bisect_right(arrivals, end) - bisect_right(leaves, end)


def _note_longest(
    lines: Sequence[LevelFigures], jobs: Sequence[JobTimes], ends: Sequence[float]
) -> None:
    """`ends` never fall. The heap holds those who have arrived, the earliest first."""
    coming = sorted(((job.arrived, job.left) for job in jobs), reverse=True)
    present: list[tuple[float, float]] = []
    for line, end in zip(lines, ends, strict=True):
        while coming and coming[-1][0] <= end:
            heappush(present, coming.pop())
        while present and present[0][1] <= end:
            heappop(present)
        line.longest = round(end - present[0][0], 2) if present else 0.0


def merged(stretch_list: Iterable[Stretch]) -> Stretch:
    """All stretches as one."""
    whole = empty_stretch()
    for stretch in stretch_list:
        for line, later in zip(whole, stretch, strict=True):
            line.add(later)
    return whole
