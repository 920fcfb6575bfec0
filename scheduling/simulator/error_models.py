"""Errors in predictions: as in the published program, and corrected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from scheduling.core.request import NUM_PRIORITIES

_BUCKET_TOKENS: Final = 50
_MAX_BUCKET: Final = 10
_PUBLISHED_MAX: Final = 5  # the published program clamps priorities and lengths to this


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorModel:
    """A share `rate` of the predictions is wrong by `distance`, in [0, 1], of the range.

    Published: priorities are clamped to 1..5 although they are 0..4, and lengths to the same
    1..5 although the buckets are 0..10. Corrected: both are clamped to their real ranges.
    """

    rate: float
    distance: float
    corrected: bool = False

    def __post_init__(self) -> None:
        if not (0 <= self.rate <= 1 and 0 <= self.distance <= 1):
            raise ValueError("error rate and distance must lie between 0 and 1")


def apply_errors(
    random: Random,
    *,
    true_tokens: Sequence[int],
    predicted_tokens: Sequence[int],
    true_priorities: Sequence[int],
    length: ErrorModel | None,
    priority: ErrorModel | None,
) -> tuple[list[int], list[int]]:
    """Returns predicted tokens and priorities with errors. Draws no random number at rate 0."""
    tokens, priorities = list(predicted_tokens), list(true_priorities)
    if length is not None:
        for index in _sampled(random, length, len(tokens)):
            tokens[index] = _wrong_tokens(random, true_tokens[index], length)
    if priority is not None:
        for index in _sampled(random, priority, len(priorities)):
            priorities[index] = _wrong_priority(random, true_priorities[index], priority)
    return tokens, priorities


def _sampled(random: Random, model: ErrorModel, count: int) -> list[int]:
    num_wrong = int(model.rate * count)
    return random.sample(range(count), num_wrong) if num_wrong else []


def _wrong_tokens(random: Random, true_tokens: int, model: ErrorModel) -> int:
    shift = int(10 * model.distance)
    if model.corrected:
        bucket = true_tokens // _BUCKET_TOKENS
        wrong = _shifted(random, bucket, shift, 0, _MAX_BUCKET)
    else:
        wrong = _shifted(random, true_tokens, shift * _BUCKET_TOKENS, 1, _PUBLISHED_MAX)
    return max(1, wrong * _BUCKET_TOKENS)


def _wrong_priority(random: Random, true_priority: int, model: ErrorModel) -> int:
    shift = int(5 * model.distance)
    low, high = (0, NUM_PRIORITIES - 1) if model.corrected else (1, _PUBLISHED_MAX)
    return _shifted(random, true_priority, shift, low, high)


def _shifted(random: Random, value: int, shift: int, low: int, high: int) -> int:
    """Returns `value` shifted up or down at random; if one way gives `value`, the other way."""
    up = min(high, max(low, value + shift))
    down = min(high, max(low, value - shift))
    if up == value:
        return down
    if down == value:
        return up
    return up if random.random() < 0.5 else down
