"""What the charts of a comparison are drawn from: distributions, and who held the slots when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from scheduling.core.metrics import percentile
from scheduling.core.request import NUM_PRIORITIES, PRIORITIES
from scheduling.simulator.outcome import Hold, Outcome, Run

NUM_QUANTILES: Final = 51  # 0, 2, ... 100 percent
NUM_BINS: Final = 120
_DECIMALS: Final = 4


def series_of(run: Run) -> dict[str, Any]:
    """`distribution`: seconds of response by level and share; `timeline`: slots held by level."""
    return {
        "distribution": {
            **{
                str(level): quantiles(o.response_seconds for o in _of(run.outcomes, level))
                for level in PRIORITIES
            },
            "overall": quantiles(outcome.response_seconds for outcome in run.outcomes),
        },
        "timeline": timeline(run.holds, run.makespan_seconds),
    }


def quantiles(seconds: Iterable[float]) -> list[float]:
    """The values below which 0, 2, ... 100 percent lie; empty where there are none."""
    ordered = sorted(seconds)
    if not ordered:
        return []
    shares = [index / (NUM_QUANTILES - 1) for index in range(NUM_QUANTILES)]
    return [round(percentile(ordered, share), _DECIMALS) for share in shares]


def timeline(holds: Sequence[Hold], end_seconds: float) -> dict[str, Any]:
    """Mean number of slots held by each level in equal parts of the time from 0 to the end."""
    slots = [[0.0] * NUM_BINS for _ in range(NUM_PRIORITIES)]
    width = end_seconds / NUM_BINS
    if width > 0:
        for hold in holds:
            _spread(hold, width, slots[hold.priority])
    return {
        "bin_seconds": width,
        "slots": [[round(value, _DECIMALS) for value in level] for level in slots],
    }


def _spread(hold: Hold, width: float, bins: list[float]) -> None:
    """Adds the hold to the bins that it touches, by the share of each that it fills."""
    first = min(NUM_BINS - 1, int(hold.start_seconds / width))
    last = min(NUM_BINS - 1, int(hold.end_seconds / width))
    for index in range(first, last + 1):
        start = max(hold.start_seconds, index * width)
        end = min(hold.end_seconds, (index + 1) * width)
        bins[index] += max(0.0, end - start) / width


def _of(outcomes: Iterable[Outcome], level: int) -> list[Outcome]:
    return [outcome for outcome in outcomes if outcome.priority == level]
