"""What leaves the worker: words to the pages as they come, and each end of a job once."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

import redis

from llm_worker.streaming import GuardedText
from scheduling.core.request import Request
from scheduling.queue import events as live


@dataclass(slots=True)
class Held:
    """A job that this worker generates now."""

    request: Request
    token: str
    attempt: int
    guard: GuardedText
    num_generated: int = 0
    first_token_seen: bool = False
    unsent: list[str] = field(default_factory=list)

    @property
    def job_id(self) -> uuid.UUID:
        return uuid.UUID(self.request.id)


class Outbox:
    """Ended jobs stay here, and their leases are renewed, until their end is on record."""

    def __init__(self, client: Callable[[], redis.Redis]) -> None:
        self._client = client
        self._ends: dict[str, tuple[Held, str, Callable[[], object]]] = {}

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._ends

    def ended(self) -> tuple[str, ...]:
        return tuple(self._ends)

    def end(self, held: Held, status: str, store: Callable[[], object]) -> None:
        """`store` writes the end to SQL; it may be called more than once."""
        self._ends[held.request.id] = (held, status, store)

    def store(self, job_id: str) -> None:
        """Raises what the stores raise when they are away; then call it again."""
        held, status, store = self._ends[job_id]
        self.send(held)
        store()
        live.finish_stream(self._client(), job_id, status, attempt=held.attempt)
        del self._ends[job_id]

    def send(self, held: Held) -> None:
        """The new words of a job, in one piece."""
        if not held.unsent:
            return
        live.append_tokens(
            self._client(), held.request.id, held.attempt, "".join(held.unsent), held.num_generated
        )
        held.unsent.clear()
