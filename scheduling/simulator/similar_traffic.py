"""What arrived after moments like the present, in the record. Pure.

Traffic comes in bursts, and a case that arrives is most often part of one. So the arrivals of the
next minutes are not those of an average minute, and the newest ones alone tell little at the
beginning of a burst. Each earlier burst holds moments that looked as the present looks; what came
after them is what may come now.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log
from typing import Final

BURST_GAP_SECONDS: Final = 30.0  # so long without an arrival ends a burst
NUM_LOOKED_BACK: Final = 20  # arrivals of a burst whose pace is compared
LIKE: Final = 0.3  # distance (in natural logarithms) at which a moment counts e^-1/2
NUM_FUTURES: Final = 30
# A moment of the record that is just like the present tells as much as 1 / DOUBT arrivals of the
# present burst.
DOUBT: Final = 0.1
LEAST_DOUBT: Final = 0.2
_HORIZON_SECONDS: Final = 1_800.0
_LEAST_PACE_SECONDS: Final = 0.01


@dataclass(frozen=True, slots=True)
class Futures:
    """`offsets[i]` are the seconds from now of the arrivals after the i-th similar moment, and
    `likeness[i]` is its weight, above 0 and at most 1.

    `share` says how far they are to be believed, against the arrivals of this burst alone.
    """

    offsets: tuple[tuple[float, ...], ...] = ()
    likeness: tuple[float, ...] = ()
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class _State:
    """How many arrivals the burst has so far, and the mean seconds between the last of them."""

    num: int
    pace: float

    def likeness(self, other: _State) -> float:
        distance = log(self.num / other.num) ** 2
        if self.num > 1 and other.num > 1:
            distance += log(self.pace / other.pace) ** 2
        return exp(-distance / (2 * LIKE**2))


def similar_futures(moments: Sequence[float], now: float) -> Futures:
    """Of earlier bursts, the futures of those moments that were most like `now`.

    `moments` are the recorded arrivals (seconds), ascending. A moment is like the present where
    the last arrival was as long ago, and its burst had about as many arrivals at about that pace.
    """
    starts = _burst_starts(moments)
    if not starts or now - moments[-1] > BURST_GAP_SECONDS:
        return Futures()
    present = _state(moments, starts[-1], len(moments))
    silence = max(0.0, now - moments[-1])
    found: list[tuple[float, float]] = []
    for end, start in _ends(starts[:-1], starts[-1]):
        moment = moments[end - 1] + silence
        if moment < moments[end]:  # nothing had arrived since
            found.append((present.likeness(_state(moments, start, end)), moment))
    best = sorted(found, reverse=True)[:NUM_FUTURES]
    weight = sum(likeness for likeness, _ in best)
    return Futures(
        offsets=tuple(_after(moments[: starts[-1]], moment) for _, moment in best),
        likeness=tuple(likeness for likeness, _ in best),
        share=weight / (weight + LEAST_DOUBT + min(present.num, NUM_LOOKED_BACK) * DOUBT),
    )


def _burst_starts(moments: Sequence[float]) -> list[int]:
    return [
        at
        for at in range(len(moments))
        if not at or moments[at] - moments[at - 1] > BURST_GAP_SECONDS
    ]


def _ends(starts: Sequence[int], end: int) -> Iterator[tuple[int, int]]:
    """(number of arrivals so far, first arrival of its burst) for each arrival before `end`."""
    for start, after in pairwise([*starts, end]):
        yield from ((at + 1, start) for at in range(start, after))


def _state(moments: Sequence[float], start: int, end: int) -> _State:
    num = end - start
    first = max(start, end - NUM_LOOKED_BACK)
    span = moments[end - 1] - moments[first]
    return _State(num, max(_LEAST_PACE_SECONDS, span / max(1, end - 1 - first)))


def _after(moments: Sequence[float], moment: float) -> tuple[float, ...]:
    first, last = bisect_right(moments, moment), bisect_right(moments, moment + _HORIZON_SECONDS)
    return tuple(at - moment for at in moments[first:last])
