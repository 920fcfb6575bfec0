"""An engine whose errors never reach the loop: each one counts as a failure of the engine."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import structlog

from llm_worker.engine.protocol import (
    Engine,
    EngineFailed,
    EngineJob,
    EngineNotRunning,
    Event,
    Released,
)
from llm_worker.worker.claims import Outcome, Reply
from llm_worker.worker.endings import failure
from scheduling.core.policies import Policy, Preemption
from scheduling.core.request import Request
from scheduling.core.scheduler import NeverFits

log = structlog.get_logger(__name__)

T = TypeVar("T")


class GuardedEngine:
    """After an error the engine is stopped, `alive` is false, and `events` returns EngineFailed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._broken = ""  # why, until the next start
        self._unreported_failure = ""

    @property
    def num_slots(self) -> int:
        return self._engine.num_slots

    @property
    def num_ahead(self) -> int:
        return self._engine.num_ahead

    def start(self) -> bool:
        self._broken = self._unreported_failure = ""
        self._guarded(self._engine.start, None)
        return not self._broken

    def stop(self) -> None:
        with suppress(Exception):
            self._engine.stop()

    def alive(self) -> bool:
        return not self._broken and self._guarded(self._engine.alive, False)

    @property
    def is_broken(self) -> bool:
        """True after an error of a call, until the next start."""
        return bool(self._broken)

    def ready(self) -> str:
        """See Engine; an engine that cannot even be asked is not ready."""
        if self._broken:
            return self._broken
        try:
            return self._engine.ready()
        except Exception as error:
            return f"The engine cannot be asked whether it works ({type(error).__name__})."

    def holds(self, request_id: str) -> bool:
        return self._guarded(lambda: self._engine.holds(request_id), False)

    def waiting(self) -> frozenset[str]:
        return self._guarded(self._engine.waiting, frozenset())

    def add(self, job: EngineJob) -> Reply:
        """REFUSED if the request can never fit; AWAY if the engine does not run."""
        try:
            self._engine.cancel(job.id)  # an older claim of the same job is void
            self._engine.add(job)
        except NeverFits as error:
            return Reply(outcome=Outcome.REFUSED, ending=failure(str(error)))
        except EngineNotRunning:
            return Reply(outcome=Outcome.AWAY)
        except Exception as error:
            self._break(error)
            return Reply(outcome=Outcome.AWAY)
        return Reply(outcome=Outcome.OK)

    def release(self, request_id: str) -> Released | None:
        return self._guarded(lambda: self._engine.release(request_id), None)

    def cancel(self, request_id: str) -> None:
        self._guarded(lambda: self._engine.cancel(request_id), None)

    def update(self, request: Request) -> None:
        self._guarded(lambda: self._engine.update(request), None)

    def set_policy(self, policy: Policy, preemption: Preemption) -> None:
        self._guarded(lambda: self._engine.set_policy(policy, preemption), None)

    def events(self, timeout_seconds: float) -> list[Event]:
        read: list[Event] = []
        if not self._broken:
            read = self._guarded(lambda: self._engine.events(timeout_seconds), read)
        if self._unreported_failure:
            read = [*read, EngineFailed(reason=self._unreported_failure)]
            self._unreported_failure = ""
        return read

    def stats(self) -> dict[str, float]:
        try:
            return self._engine.stats()
        except Exception as error:
            log.warning("engine_stats_failed", error=type(error).__name__)
            return {}

    def _guarded(self, call: Callable[[], T], otherwise: T) -> T:
        try:
            return call()
        except Exception as error:
            self._break(error)
            return otherwise

    def _break(self, error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}"[:300]
        self._broken = self._unreported_failure = reason
        self.stop()
