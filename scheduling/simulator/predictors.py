"""Delay by the predictors: they serve requests in batches, and each batch takes time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_PUBLISHED_SECONDS_PER_MEMBER: Final = 0.003
_PUBLISHED_FACTOR: Final = 0.1


class PredictorMode(StrEnum):
    IMMEDIATE = "immediate"  # serve the present requests, up to a batch, as soon as free
    DELAYED = "delayed"  # serve full batches only; after the last arrival also a partial one


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictorModel:
    """One predictor. It models both the priority and the length predictor, which are equal.

    A published batch takes 0.003 x batch_size x 0.1 s, even if it is not full; `batch_seconds`
    sets another time. With `corrected`, a batch waits at most `max_wait_seconds` for more
    members, and its time is proportional to its members.
    """

    batch_size: int = 5
    mode: PredictorMode = PredictorMode.IMMEDIATE
    batch_seconds: float | None = None
    corrected: bool = False
    max_wait_seconds: float = 0.05

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ValueError("predictor batch size must be at least 1")
        if self.batch_seconds is not None and self.batch_seconds < 0:
            raise ValueError("predictor latency must not be negative")

    def service_seconds(self, num_members: int) -> float:
        full = self.batch_seconds
        if full is None:
            full = _PUBLISHED_SECONDS_PER_MEMBER * self.batch_size * _PUBLISHED_FACTOR
        return full * num_members / self.batch_size if self.corrected else full


def arrivals_of_groups(
    sizes: Sequence[int], gap_seconds: float, model: PredictorModel
) -> list[float]:
    """Returns the time (seconds) at which each request, in group order, leaves the predictors."""
    sent = [group * gap_seconds for group, size in enumerate(sizes) for _ in range(size)]
    return predicted_at(sent, model)


def predicted_at(sent_seconds: Sequence[float], model: PredictorModel) -> list[float]:
    """Returns the time (seconds) at which each request, in order of sending, is predicted.

    Requests are served first in, first out.
    """
    done: list[float] = []
    free_at = 0.0
    while len(done) < len(sent_seconds):
        start, members = _next_batch(sent_seconds, len(done), free_at, model)
        free_at = start + model.service_seconds(members)
        done += [_rounded(free_at)] * members
    return done


def _next_batch(
    sent: Sequence[float], first: int, free_at: float, model: PredictorModel
) -> tuple[float, int]:
    """Returns the start (seconds) and the size of the batch that begins with request `first`."""
    last = min(first + model.batch_size, len(sent)) - 1
    start = max(free_at, sent[first])
    if model.mode is PredictorMode.DELAYED:
        # The last batch may be partial: it starts when the last request has been sent.
        full = max(free_at, sent[last])
        if not model.corrected or full <= sent[first] + model.max_wait_seconds:
            return full, last - first + 1
        start = max(free_at, sent[first] + model.max_wait_seconds)
    members = 1
    while first + members <= last and sent[first + members] <= start:
        members += 1
    return start, members


def _rounded(seconds: float) -> float:
    """Removes binary rounding errors of sums of decimals, so that equal times compare equal."""
    return round(seconds, 12)
