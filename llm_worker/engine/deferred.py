"""An engine that is built beside the work, and built again as long as it cannot work.

A model takes seconds to minutes to load, and its files may be wrong. The process of the worker
lives on meanwhile, says what is missing, and tries again.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Final

from llm_worker.engine.protocol import (
    STATS,
    Engine,
    EngineJob,
    EngineNotRunning,
    EngineUnavailable,
    Event,
    Released,
)
from scheduling.core.guidance import LOADING
from scheduling.core.policies import Policy, Preemption
from scheduling.core.request import Request

RETRY_SECONDS: Final = 30.0


class DeferredEngine:
    """Not ready until `build` has returned an engine and that engine has started.

    `build` runs in a thread of its own. After an error of it or of the start it is called again
    `RETRY_SECONDS` later. `ready` moves all this on, so a caller asks it every few seconds.
    """

    def __init__(
        self, build: Callable[[], Engine], *, num_slots: int, clock: Callable[[], float]
    ) -> None:
        self._build, self._clock = build, clock
        self._num_slots = num_slots
        self._engine: Engine | None = None
        self._builder: Thread | None = None
        self._built: Engine | None = None
        self._problem = LOADING
        self._retry_at = 0.0
        self._is_started = False
        self._policy: tuple[Policy, Preemption] | None = None

    @property
    def num_slots(self) -> int:
        return self._num_slots

    @property
    def num_ahead(self) -> int:
        return 0 if self._engine is None else self._engine.num_ahead

    def start(self) -> None:
        """Returns at once; `ready` says when the engine works."""
        self._is_started = True
        if self._engine is not None:
            self._start_engine(self._engine)
        else:
            self._begin_building()

    def stop(self) -> None:
        self._is_started = False
        if self._engine is not None:
            self._engine.stop()

    def alive(self) -> bool:
        """True while it is built: there is nothing that a new start could mend."""
        if self._engine is None:
            return self._is_started
        return self._engine.alive()

    def ready(self) -> str:
        if self._engine is not None:
            return self._engine.ready()
        if self._builder is not None and self._builder.is_alive():
            return self._problem
        if self._built is not None:
            built, self._built = self._built, None
            self._start_engine(built)
        elif self._clock() >= self._retry_at:
            self._begin_building()
        return self._engine.ready() if self._engine is not None else self._problem

    def holds(self, request_id: str) -> bool:
        return self._engine is not None and self._engine.holds(request_id)

    def waiting(self) -> frozenset[str]:
        return frozenset() if self._engine is None else self._engine.waiting()

    def add(self, job: EngineJob) -> None:
        if self._engine is None:
            raise EngineNotRunning(self._problem)
        self._engine.add(job)

    def release(self, request_id: str) -> Released | None:
        return None if self._engine is None else self._engine.release(request_id)

    def cancel(self, request_id: str) -> None:
        if self._engine is not None:
            self._engine.cancel(request_id)

    def update(self, request: Request) -> None:
        if self._engine is not None:
            self._engine.update(request)

    def set_policy(self, policy: Policy, preemption: Preemption) -> None:
        self._policy = (policy, preemption)
        if self._engine is not None:
            self._engine.set_policy(policy, preemption)

    def events(self, timeout_seconds: float) -> list[Event]:
        return [] if self._engine is None else self._engine.events(timeout_seconds)

    def count_prompt_tokens(self, prompt: str) -> int:
        if self._engine is None:
            raise EngineNotRunning(self._problem)
        return self._engine.count_prompt_tokens(prompt)

    def stats(self) -> dict[str, float]:
        if self._engine is not None:
            return self._engine.stats()
        return {**dict.fromkeys(STATS, 0.0), "slots_total": float(self._num_slots)}

    # Internal.

    def _begin_building(self) -> None:
        if self._builder is None or not self._builder.is_alive():
            self._builder = Thread(target=self._try_build, name="engine-build", daemon=True)
            self._builder.start()

    def _try_build(self) -> None:
        try:
            self._built = self._build()
        except EngineUnavailable as error:
            self._give_up(str(error))
        except Exception as error:
            self._give_up(_unexpected("cannot be made", error))

    def _start_engine(self, engine: Engine) -> None:
        """Keeps the engine only if it starts; else it is built again later."""
        self._engine = None
        try:
            engine.start()
        except Exception as error:
            self._give_up(_unexpected("does not start", error))
            return
        self._engine = engine
        if self._policy is not None:
            engine.set_policy(*self._policy)

    def _give_up(self, problem: str) -> None:
        self._problem = problem
        self._retry_at = self._clock() + RETRY_SECONDS


def _unexpected(what: str, error: Exception) -> str:
    reason = " ".join(str(error).split())[:200]
    said = f"{type(error).__name__}: {reason}".removesuffix(": ")
    return (
        f"TRIAGE_LLM: the engine {what} ({said}); correct the model, or lower TRIAGE_SLOTS "
        "if memory is short"
    )
