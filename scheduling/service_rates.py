"""How fast guidance is written and how much traffic there is, from records and from the present.

Pure: records and moments in, rates out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import exp, fsum
from statistics import fmean, median
from typing import Final

from scheduling.simulator.measured import JobRecord, MeasuredModel, TooFewRecords, fit

# The traffic of the last arrivals goes on for about this multiple of the time they took: of 0.7
# to 1.0 the one with the least bias at three speeds of the worker (bench/eta_bench.py).
GOES_ON: Final = 0.9
# Step times of an hour over those of the hour before, where nothing is recorded.
DEFAULT_SPEEDS: Final = (0.8, 0.9, 0.95, 1.0, 1.0, 1.05, 1.12, 1.25)
DEFAULT_RATIOS: Final = (0.8, 0.9, 1.0, 1.0, 1.1, 1.25)
METER_SECONDS: Final = 4.0
METER_LEAST_TOKENS: Final = 8
_CHUNK: Final = 8  # jobs whose mean speed counts as one observation


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What the records say about service."""

    model: MeasuredModel | None
    length_ratios: Sequence[float]
    speeds: Sequence[float]
    # Seconds by which the prefills of a busy queue hold up each step, per running request.
    stall_per_request: float = 0.0


def rates_of(
    records: Sequence[JobRecord],
    ratios: Sequence[float],
    num_slots: int,
    held: Sequence[tuple[float, float]] = (),
) -> Rates:
    """Without enough records the model is None, and the spreads are wide. `held`: see `fit`."""
    try:
        model = fit(records, num_slots, held)
    except TooFewRecords:
        return Rates(model=None, length_ratios=DEFAULT_RATIOS, speeds=DEFAULT_SPEEDS)
    return Rates(
        model=model,
        length_ratios=ratios or DEFAULT_RATIOS,
        speeds=speeds_of(records) or DEFAULT_SPEEDS,
        stall_per_request=stall_of(records),
    )


def stall_of(records: Sequence[JobRecord]) -> float:
    """While the queue is not empty, n running requests admit n / (mean tokens) new ones a step."""
    return fmean(r.first_token - r.started for r in records) / fmean(
        r.output_tokens for r in records
    )


def speeds_of(records: Sequence[JobRecord]) -> list[float]:
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
    num = max(1.0, step[1])
    expected = model.one_step_seconds(max(1, round(num))) + num * rates.stall_per_request
    slowdown = step[0] / expected
    return model, min(20.0, max(0.05, slowdown))


def _flat_model(num_slots: int, step_seconds: float) -> MeasuredModel:
    return MeasuredModel(
        prefill_base_seconds=0.1,
        prefill_seconds_per_token=0.0,
        step_base_seconds=step_seconds,
        step_seconds_per_request=0.0,
        num_slots=num_slots,
    )


def traffic_of(moments: Sequence[float], now: float) -> tuple[float, float, float]:
    """Arrivals per second, how many seconds they go on for in the mean, and the probability that
    they have not ended, given that nothing has arrived since the last of `moments`.

    Arrivals are taken as a Poisson process that ends at a constant hazard.
    """
    span = moments[-1] - moments[0] if moments else 0.0
    if span <= 0:
        return 0.0, 0.0, 1.0
    rate, hazard = (len(moments) - 1) / span, 1 / (GOES_ON * span)
    silence = max(0.0, now - moments[-1])
    goes_on = exp(-(rate + hazard) * silence)
    has_ended = hazard / (rate + hazard) * (1 - goes_on)
    return rate, 1 / hazard, goes_on / (goes_on + has_ended)
