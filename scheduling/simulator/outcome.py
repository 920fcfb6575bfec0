"""What one simulated run leaves behind."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """One finished request. Seconds of virtual time; `priority` is the true one.

    Response and time to first token count from the moment its user sent it, predictors
    included. `queued_seconds` and `started_seconds` are moments: in the queue, first served.
    """

    id: str
    priority: int
    output_tokens: int
    queued_seconds: float
    started_seconds: float
    finished_seconds: float
    response_seconds: float
    ttft_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One simulated run. `outcomes` are in order of completion."""

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
