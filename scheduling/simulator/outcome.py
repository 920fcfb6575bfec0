"""The results of one simulated run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """One finished request, in seconds of virtual time. `priority` is the true priority.

    `response_seconds` and `ttft_seconds` (time to first token) are durations from the sending
    of the request, predictors included. `queued_seconds`, `started_seconds` (first service)
    and `finished_seconds` are times.
    """

    id: str
    priority: int
    output_tokens: int
    queued_seconds: float
    started_seconds: float
    finished_seconds: float
    response_seconds: float
    ttft_seconds: float


@dataclass(frozen=True, slots=True)
class Hold:
    """A stretch of virtual time (seconds) in which a request of `priority` held a slot."""

    priority: int
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One simulated run. `outcomes` are in order of completion, `holds` in order of their end.

    `holds` is empty unless the run was asked to record them.
    """

    outcomes: tuple[Outcome, ...]
    num_requests: int
    makespan_seconds: float
    busy_seconds: float
    decode_tokens: int
    decode_steps: int
    prefill_passes: int
    kv_utilisation: float
    preemptions: int
    evictions: int
    recomputed_tokens: int
    holds: tuple[Hold, ...] = ()


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counters of a simulated GPU during a run."""

    busy_seconds: float = 0.0
    used_block_seconds: float = 0.0
    decode_tokens: int = 0
    decode_steps: int = 0
    prefill_passes: int = 0
    preemptions: int = 0
    evictions: int = 0
    recomputed_tokens: int = 0

    def run(
        self,
        outcomes: Sequence[Outcome],
        *,
        num_requests: int,
        makespan_seconds: float,
        num_kv_blocks: int | None,
        holds: Sequence[Hold] = (),
    ) -> Run:
        """Returns the result of a finished run. KV use is 0 without a limit of KV blocks."""
        available = (num_kv_blocks or 0) * self.busy_seconds
        return Run(
            outcomes=tuple(outcomes),
            num_requests=num_requests,
            makespan_seconds=makespan_seconds,
            busy_seconds=self.busy_seconds,
            decode_tokens=self.decode_tokens,
            decode_steps=self.decode_steps,
            prefill_passes=self.prefill_passes,
            kv_utilisation=self.used_block_seconds / available if available else 0.0,
            preemptions=self.preemptions,
            evictions=self.evictions,
            recomputed_tokens=self.recomputed_tokens,
            holds=tuple(holds),
        )
