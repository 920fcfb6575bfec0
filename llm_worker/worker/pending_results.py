"""What leaves the worker: words to the pages as they come, and each end of a job once."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import redis

from llm_worker.guard.text import GuardedText
from scheduling import services
from scheduling.core.request import Request
from scheduling.queue import events

PIECE_WORDS: Final = 8
_WORD: Final = re.compile(r"\S+\s*|\s+")


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


class PendingResults:
    """Ended jobs stay here, and their leases are renewed, until their end is on record."""

    def __init__(self, client: Callable[[], redis.Redis], clock: Callable[[], float]) -> None:
        self._client, self._clock = client, clock
        self._ends: dict[str, tuple[Held, str, Callable[[], object]]] = {}

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._ends

    def ended(self) -> tuple[str, ...]:
        return tuple(self._ends)

    def done(self, held: Held, text: str, num_tokens: int, reason: str) -> None:
        """`reason` is why the answer ended: eos or length."""
        self._ends[held.request.id] = (
            held,
            "done",
            lambda: self._finish(held, text, num_tokens, reason),
        )

    def withheld(self, held: Held, num_tokens: int) -> None:
        """What the guard stopped is on record for staff, and shown to nobody as guidance."""
        text, fault = held.guard.text, held.guard.fault
        self._ends[held.request.id] = (
            held,
            "withheld",
            lambda: self._finish(held, text, num_tokens, fault),
        )

    def failed(self, held: Held, reason: str) -> None:
        self._ends[held.request.id] = (
            held,
            "failed",
            lambda: services.fail_job(held.job_id, token=held.token, error=reason, now=self._now()),
        )

    def forget(self, job_id: str) -> None:
        """Its claim is void: there is nothing to put on record. Unknown ids are fine."""
        self._ends.pop(job_id, None)

    def store(self, job_id: str) -> None:
        """Raises what the stores raise when they are away; then call it again."""
        held, status, store = self._ends[job_id]
        self.send(held)
        store()
        events.finish_stream(self._client(), job_id, status, attempt=held.attempt)
        del self._ends[job_id]

    def send(self, held: Held) -> None:
        """The new words of a job, a few at a time: a page shows them as they are read, also when
        the model writes faster than this process comes round. What was sent is not sent again.
        """
        held.unsent = _in_pieces("".join(held.unsent))
        while held.unsent:
            events.append_tokens(
                self._client(), held.request.id, held.attempt, held.unsent[0], held.num_generated
            )
            del held.unsent[0]

    def _finish(self, held: Held, text: str, num_tokens: int, reason: str) -> None:
        services.finish_job(
            held.job_id,
            token=held.token,
            output=text,
            num_tokens=num_tokens,
            finish_reason=reason,
            now=self._now(),
        )

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def _in_pieces(text: str) -> list[str]:
    words = _WORD.findall(text)
    return ["".join(words[at : at + PIECE_WORDS]) for at in range(0, len(words), PIECE_WORDS)]
