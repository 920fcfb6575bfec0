"""What the wiring tells the worker loop. Times in seconds."""

from __future__ import annotations

from dataclasses import dataclass

from llm_worker.guard.text import Check
from llm_worker.guard.whole import fault_of
from scheduling.core.policies import Preemption


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    lease_seconds: float
    preemption: Preemption
    max_new_tokens: int
    model_name: str
    sync_seconds: float = 0.5
    state_seconds: float = 1.0
    claim_seconds: float = 0.1
    probe_seconds: float = 5.0  # between two questions to an engine that cannot work
    retry_seconds: float = 0.5  # until a call is tried again that a store did not answer
    store_limit_seconds: float = 120.0  # then a result that SQL refuses is given up
    check: Check = fault_of  # of a whole answer
