"""A service model fitted to recorded jobs: what this site's worker and model really need.

prefill(p) = prefill_base + prefill_per_token x p; a decode step of n requests takes
step_base + step_per_request x n (seconds), without the prefills of others in between.
Both are fitted by least squares, and no coefficient is negative.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import fsum
from typing import Final

MIN_RECORDS: Final = 10
_LEAST_SECONDS: Final = 1e-6


class TooFewRecords(ValueError):
    """Not enough recorded jobs to fit anything; the message says how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """One finished generation that was never interrupted. Moments in seconds."""

    prompt_tokens: int
    output_tokens: int
    started: float
    first_token: float
    finished: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredModel:
    """A `ServiceModel`. A prefill holds up those that decode; memory has no end."""

    prefill_base_seconds: float
    prefill_seconds_per_token: float
    step_base_seconds: float
    step_seconds_per_request: float
    num_slots: int
    name: str = "measured"

    @property
    def num_kv_blocks(self) -> int | None:
        return None

    @property
    def kv_block_tokens(self) -> int:
        return 32

    @property
    def mixed_steps(self) -> bool:
        return False

    @property
    def max_step_tokens(self) -> int:
        return 1_000_000

    def prefill_seconds(self, num_tokens: int) -> float:
        return self.prefill_base_seconds + self.prefill_seconds_per_token * num_tokens

    def restore_seconds(self, num_tokens: int) -> float:
        return self.prefill_seconds(num_tokens)

    def one_step_seconds(self, num_running: int) -> float:
        return self.step_base_seconds + self.step_seconds_per_request * num_running

    def step_seconds(self, num_new_tokens: int, num_kv_tokens: int) -> float:
        raise NotImplementedError("the measured setting has no mixed steps")

    def decode_seconds(
        self, num_running: int, longest_tokens: int, total_tokens: int, num_steps: int
    ) -> float:
        return self.one_step_seconds(num_running) * num_steps

    def solo_seconds(self, prompt_tokens: int, output_tokens: int) -> float:
        return self.prefill_seconds(prompt_tokens) + self.one_step_seconds(1) * output_tokens

    def least_gpu_seconds(self, prompt_tokens: int, output_tokens: int, num_slots: int) -> float:
        each = self.step_base_seconds / num_slots + self.step_seconds_per_request
        return self.prefill_seconds(prompt_tokens) / num_slots + each * output_tokens


def fit(
    records: Sequence[JobRecord], num_slots: int, held: Sequence[tuple[float, float]] = ()
) -> MeasuredModel:
    """`held` are (start, end) in seconds of all generations of that time, the interrupted ones
    among them; without any, those of `records` count. Raises TooFewRecords.
    """
    usable = [r for r in records if r.output_tokens > 1 and r.finished > r.first_token > r.started]
    if len(usable) < MIN_RECORDS:
        raise TooFewRecords(
            f"{len(usable)} recorded jobs; at least {MIN_RECORDS} are needed for measured rates"
        )
    running = _Concurrency(held or [(r.started, r.finished) for r in records], num_slots)
    stalls = _Prefills(records)
    steps = [
        (
            running.mean(record.first_token, record.finished),
            (record.finished - record.first_token - stalls.within(record))
            / (record.output_tokens - 1),
        )
        for record in usable
    ]
    base, per_request = line(steps)
    prefills = [(float(r.prompt_tokens), r.first_token - r.started) for r in usable]
    prefill_base, per_token = line(prefills)
    return MeasuredModel(
        prefill_base_seconds=prefill_base,
        prefill_seconds_per_token=per_token,
        step_base_seconds=max(base, 0.0 if per_request else _LEAST_SECONDS),
        step_seconds_per_request=per_request,
        num_slots=max(1, num_slots),
    )


def line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Intercept and slope of least squares with neither below zero."""
    num = len(points)
    mean_x = fsum(x for x, _ in points) / num
    mean_y = fsum(y for _, y in points) / num
    spread = fsum((x - mean_x) ** 2 for x, _ in points)
    shared = fsum((x - mean_x) * (y - mean_y) for x, y in points)
    slope = max(0.0, shared / spread) if spread > 1e-9 else 0.0
    if mean_y - slope * mean_x < 0:
        squares = fsum(x * x for x, _ in points)
        return 0.0, max(0.0, fsum(x * y for x, y in points) / squares) if squares else 0.0
    return mean_y - slope * mean_x, slope


class _Prefills:
    """When any record was in its prefill, which holds up all that decode: O(n) for a stretch."""

    def __init__(self, records: Sequence[JobRecord]) -> None:
        self._spans: list[tuple[float, float]] = []
        for begin, end in sorted((r.started, r.first_token) for r in records):
            if self._spans and begin <= self._spans[-1][1]:
                self._spans[-1] = (self._spans[-1][0], max(end, self._spans[-1][1]))
            else:
                self._spans.append((begin, end))

    def within(self, record: JobRecord) -> float:
        """Seconds of the record's decoding in which others were in their prefill, at most half
        of it: a first token can also be late for another reason."""
        begin, end = record.first_token, record.finished
        held = fsum(max(0.0, min(e, end) - max(b, begin)) for b, e in self._spans)
        return min(held, (end - begin) / 2)


class _Concurrency:
    """How many generations held a slot at a time, as a mean over any stretch: O(log n) each.

    One that was interrupted waits only while all slots are held. So at each moment the number is
    that of all between start and end, and at most that of the slots.
    """

    def __init__(self, held: Sequence[tuple[float, float]], num_slots: int) -> None:
        changes = sorted([(begin, 1) for begin, _ in held] + [(end, -1) for _, end in held])
        self._moments = [moment for moment, _ in changes]
        self._most = max(1, num_slots)
        self._counts = list(accumulate((change for _, change in changes), initial=0))
        widths = (after - before for before, after in pairwise(self._moments))
        areas = (
            width * min(count, self._most)
            for width, count in zip(widths, self._counts[1:], strict=False)
        )
        self._areas = list(accumulate(areas, initial=0.0))

    def mean(self, begin: float, end: float) -> float:
        return max(1.0, (self._slot_seconds(end) - self._slot_seconds(begin)) / (end - begin))

    def _slot_seconds(self, moment: float) -> float:
        """Seconds of service in all slots before `moment`."""
        at = bisect_right(self._moments, moment)
        if not at:
            return 0.0
        since = moment - self._moments[at - 1]
        return self._areas[at - 1] + since * min(self._counts[at], self._most)
