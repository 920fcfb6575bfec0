"""Metrics of a schedule: summaries of times, percentiles, priority inversions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import fsum
from operator import itemgetter

from scheduling.core.request import NUM_PRIORITIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Mean, percentiles and maximum of a set of times, in seconds."""

    count: int
    mean: float
    p50: float
    p90: float
    p95: float
    p99: float
    max: float


def percentile(ordered: Sequence[float], share: float) -> float:
    """Returns the quantile `share`, in [0, 1], of `ordered`, which is ascending and not empty.

    Linear interpolation between neighbours: type 7 of Hyndman and Fan (1996), as in numpy.
    """
    position = share * (len(ordered) - 1)
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def summarise(seconds: Iterable[float]) -> Summary | None:
    """Returns None if there are no values."""
    ordered = sorted(seconds)
    if not ordered:
        return None
    p50, p90, p95, p99 = (percentile(ordered, share) for share in (0.5, 0.9, 0.95, 0.99))
    return Summary(
        count=len(ordered),
        mean=fsum(ordered) / len(ordered),
        p50=p50,
        p90=p90,
        p95=p95,
        p99=p99,
        max=ordered[-1],
    )


def priority_inversions(waits: Iterable[tuple[int, float, float]]) -> int:
    """Counts requests that were first served while a more urgent one waited for its first
    service.

    `waits` holds (priority, queued, first served) of each request, in seconds. Requests that
    are first served at the same moment do not wait for each other.
    """
    moments: list[tuple[float, int, int]] = []  # (time, 0 for queued or 1 for served, priority)
    for priority, queued, served in waits:
        moments.append((queued, 0, priority))
        moments.append((max(served, queued), 1, priority))
    waiting = [0] * NUM_PRIORITIES
    inversions = 0
    for _, events in groupby(sorted(moments), key=itemgetter(0)):
        served_now = []
        for _, is_served, priority in events:
            waiting[priority] += -1 if is_served else 1
            if is_served:
                served_now.append(priority)
        inversions += sum(any(waiting[:priority]) for priority in served_now)
    return inversions
