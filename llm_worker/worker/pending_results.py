"""The output of the worker: new words for the pages, and each result once."""

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
class HeldJob:
    """A job that this worker has claimed, with the state of its answer."""

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
    """The results that are not stored yet. Their leases are renewed until they are stored."""

    def __init__(self, client: Callable[[], redis.Redis], clock: Callable[[], float]) -> None:
        self._client, self._clock = client, clock
        self._ends: dict[str, tuple[HeldJob, str, Callable[[], object]]] = {}

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._ends

    def job_ids(self) -> tuple[str, ...]:
        return tuple(self._ends)

    def done(self, held: HeldJob, text: str, num_tokens: int, reason: str) -> None:
        """Adds a complete answer. `reason` is why it ended: eos or length."""
        self._ends[held.request.id] = (
            held,
            "done",
            lambda: self._finish(held, text, num_tokens, reason),
        )

    def withheld(self, held: HeldJob, num_tokens: int) -> None:
        """Adds an answer that the guard stopped. It is stored, but never shown as guidance."""
        text, fault = held.guard.text, held.guard.fault
        self._ends[held.request.id] = (
            held,
            "withheld",
            lambda: self._finish(held, text, num_tokens, fault),
        )

    def failed(self, held: HeldJob, reason: str) -> None:
        self._ends[held.request.id] = (
            held,
            "failed",
            lambda: services.fail_job(held.job_id, token=held.token, error=reason, now=self._now()),
        )

    def discard(self, job_id: str) -> None:
        """Removes a result whose claim is no longer valid. Ignores unknown ids."""
        self._ends.pop(job_id, None)

    def store(self, job_id: str) -> None:
        """Stores a result and removes it. Raises the error of an unreachable store; then retry."""
        held, status, store = self._ends[job_id]
        self.send(held)
        store()
        events.finish_stream(self._client(), job_id, status, attempt=held.attempt)
        del self._ends[job_id]

    def send(self, held: HeldJob) -> None:
        """Sends the new words of a job in pieces of a few words, so that pages show them steadily.

        After an error, the next call sends only the pieces that were not sent.
        """
        held.unsent = _in_pieces("".join(held.unsent))
        while held.unsent:
            events.append_tokens(
                self._client(), held.request.id, held.attempt, held.unsent[0], held.num_generated
            )
            del held.unsent[0]

    def _finish(self, held: HeldJob, text: str, num_tokens: int, reason: str) -> None:
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
