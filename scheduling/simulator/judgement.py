"""How good forecasts were: error, bias and coverage against what then happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, fsum
from statistics import median
from typing import Any, Final

# Shorter waits are left out: a share of almost nothing says nothing.
LEAST_SECONDS: Final = 1.0
COVERAGE_WANTED: Final = 0.8
_LEAST_WIDTH: Final = 0.02  # of a side of a range, as a share of the wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A forecast and what came of it, all in seconds from when it was made."""

    low: float
    median: float
    high: float
    actual: float


def stretch_wanted(forecasts: Sequence[Judged], stretches: Sequence[float]) -> float | None:
    """The factor by which unstretched ranges would have held `COVERAGE_WANTED` of these waits,
    where each range was stretched by its own of `stretches`. None without cases.

    The score of split conformal prediction: the distance from the median in unstretched halves.
    """
    scores = sorted(
        abs(one.median - one.actual) / max(side / stretch, _LEAST_WIDTH * one.actual)
        for one, stretch in zip(forecasts, stretches, strict=True)
        if one.actual >= LEAST_SECONDS
        for side in [one.median - one.low if one.actual < one.median else one.high - one.median]
    )
    return scores[ceil(COVERAGE_WANTED * len(scores)) - 1] if scores else None


def judge(forecasts: Sequence[Judged]) -> dict[str, Any]:
    """`cases`; `median_error` as a share of the wait; `bias`: forecast over actual waits, minus
    1, summed over all; `coverage`: share of the actual waits within the range. Null without cases.
    """
    judged = [one for one in forecasts if one.actual >= LEAST_SECONDS]
    if not judged:
        return {"cases": 0, "median_error": None, "bias": None, "coverage": None}
    errors = [abs(one.median - one.actual) / one.actual for one in judged]
    bias = fsum(one.median for one in judged) / fsum(one.actual for one in judged) - 1
    inside = sum(one.low <= one.actual <= one.high for one in judged)
    return {
        "cases": len(judged),
        "median_error": round(median(errors), 4),
        "bias": round(bias, 4),
        "coverage": round(inside / len(judged), 4),
    }
