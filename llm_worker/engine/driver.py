"""Runs an engine in tests, keeps its events, and fails after a timeout."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from llm_worker.engine.protocol import (
    Engine,
    EngineFailed,
    EngineJob,
    Event,
    Failed,
    Finished,
    Released,
    TokensOut,
)
from scheduling.core.request import Request


def make_job(
    job_id: str,
    *,
    priority: int = 2,
    arrival: float = 0.0,
    prompt: str | None = None,
    predicted: int = 20,
    max_new_tokens: int = 12,
    resumed: Released | None = None,
) -> EngineJob:
    request = Request(
        id=job_id,
        arrival_seconds=arrival,
        priority=priority,
        prompt_tokens=0,
        predicted_tokens=predicted,
    )
    return EngineJob(
        request=request,
        prompt=prompt or f"case {job_id}",
        max_new_tokens=max_new_tokens,
        prefix_token_ids=resumed.token_ids if resumed else (),
        prefix_text=resumed.text if resumed else "",
    )


class Driver:
    """One engine and all events that it returned."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.events: list[Event] = []
        self._added: list[str] = []

    def add(self, job_id: str, **options: object) -> EngineJob:
        """Adds a job that arrives one second after the previous one."""
        self._added.append(job_id)
        arrival = float(len(self._added))
        job = make_job(job_id, arrival=arrival, **options)  # type: ignore[arg-type]
        self.engine.add(job)
        return job

    def clear(self) -> None:
        for job_id in self._added:
            self.engine.cancel(job_id)

    def wait_until(self, condition: Callable[[], bool], timeout_seconds: float = 30.0) -> None:
        deadline = time.monotonic() + timeout_seconds
        while not condition():
            assert time.monotonic() < deadline, f"timeout; the last events: {self.events[-3:]}"
            self.events.extend(self.engine.events(0.05))

    def wait_for_tokens(self, job_id: str, num_tokens: int) -> None:
        self.wait_until(lambda: self.num_tokens(job_id) >= num_tokens)

    def wait_for_end(self, *job_ids: str) -> None:
        self.wait_until(lambda: set(job_ids) <= self.ended())

    def poll(self, num_rounds: int = 5) -> None:
        for _ in range(num_rounds):
            self.events.extend(self.engine.events(0.01))

    def answer(self, job_id: str, **options: object) -> Finished:
        """The whole answer of a job that runs alone."""
        self.add(job_id, **options)
        self.wait_for_end(job_id)
        return self.finished(job_id)

    def events_of(self, job_id: str) -> list[Event]:
        return [e for e in self.events if not isinstance(e, EngineFailed) and e.id == job_id]

    def token_events(self, job_id: str) -> list[TokensOut]:
        return [e for e in self.events_of(job_id) if isinstance(e, TokensOut)]

    def num_tokens(self, job_id: str) -> int:
        tokens = self.token_events(job_id)
        return tokens[-1].num_generated if tokens else 0

    def finished(self, job_id: str) -> Finished:
        (only,) = [e for e in self.events_of(job_id) if isinstance(e, Finished)]
        return only

    def ended(self) -> set[str]:
        return {e.id for e in self.events if isinstance(e, Finished | Failed)}

    def order_of(self, kind: type[Event], job_ids: Iterable[str]) -> list[str]:
        """The ids in the order of their first event of that kind."""
        wanted = set(job_ids)
        seen = [
            e.id
            for e in self.events
            if isinstance(e, kind) and not isinstance(e, EngineFailed) and e.id in wanted
        ]
        return list(dict.fromkeys(seen))
