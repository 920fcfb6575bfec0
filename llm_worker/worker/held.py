"""The claims of one worker, each with its prompt, its guard and its new words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from llm_worker.engine.protocol import EngineJob, Finished, TokensOut
from llm_worker.guard.text import Check, GuardedText
from llm_worker.worker import claims
from llm_worker.worker.claims import Claim, State
from llm_worker.worker.endings import Ending, Progress
from scheduling.core.request import Request
from scheduling.core.status import JobStatus

PIECE_WORDS: Final = 8  # a page shows words a few at a time, also when many come at once
_WORD: Final = re.compile(r"\S+\s*|\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobToWrite:
    """What SQL says of a job that starts here."""

    request: Request
    attempt: int
    stream_epoch: int
    prompt: str
    prefix_token_ids: tuple[int, ...] = ()
    prefix_text: str = ""


@dataclass(slots=True)
class Held:
    """One claim. Everything but the claim is there from its start on."""

    claim: Claim
    job: EngineJob | None = None
    guard: GuardedText | None = None
    unsaid: str = ""  # checked words that are not cut into stream entries yet
    token_ids: tuple[int, ...] = ()  # of the answer so far, and its text, as the engine gave them
    text: str = ""

    @property
    def id(self) -> str:
        return self.claim.request.id

    def begin(self, job: JobToWrite, max_new_tokens: int, check: Check) -> None:
        """SQL runs it here. What was written before is said again: a new attempt begins."""
        self.claim = claims.begun(
            self.claim, job.request, attempt=job.attempt, stream_epoch=job.stream_epoch
        )
        self.token_ids, self.text = job.prefix_token_ids, job.prefix_text
        self.guard = GuardedText(job.prompt, check=check)
        self.unsaid = self.guard.feed(job.prefix_text)
        self.job = EngineJob(
            request=job.request,
            prompt=job.prompt,
            max_new_tokens=max_new_tokens,
            prefix_token_ids=job.prefix_token_ids,
            prefix_text=job.prefix_text,
        )

    def take_tokens(self, event: TokensOut, now: float) -> str:
        """The guard's objection, or empty."""
        if self.claim.state is not State.IN_ENGINE or self.guard is None:
            return ""
        self.claim = claims.with_tokens(self.claim, event.num_generated, now)
        self.token_ids += event.token_ids
        self.text += event.text_delta
        self.unsaid += self.guard.feed(event.text_delta)
        if self.guard.fault:
            self._end(_withheld(self.guard, event.num_generated))
        return self.guard.fault or ""

    def take_end(self, event: Finished) -> None:
        """The engine's final text is the record; the stream may lack its last characters."""
        if self.claim.state is not State.IN_ENGINE or self.guard is None:
            return
        num_tokens = len(event.token_ids)
        self.guard.text = event.text
        self.unsaid += self.guard.finish()
        if self.guard.fault:
            self._end(_withheld(self.guard, num_tokens))
            return
        self._end(
            Ending(
                status=JobStatus.DONE,
                shown="done",
                reason=event.reason,
                text=event.text,
                num_tokens=num_tokens,
            )
        )

    def progress(self, why: str, failure: str = "", by: str = "") -> Progress:
        """What can go back with the job, as far as the engine told it."""
        return Progress(why=why, failure=failure, by=by, token_ids=self.token_ids, text=self.text)

    def _end(self, ending: Ending) -> None:
        self.cut()
        self.claim = claims.ended(self.claim, ending)

    def cut(self) -> None:
        """Makes stream entries of the new words."""
        if self.unsaid:
            words = _WORD.findall(self.unsaid)
            pieces = [
                "".join(words[at : at + PIECE_WORDS]) for at in range(0, len(words), PIECE_WORDS)
            ]
            num_tokens = self.claim.request.generated_tokens
            self.claim = claims.with_words(self.claim, pieces, num_tokens)
            self.unsaid = ""


def _withheld(guard: GuardedText, num_tokens: int) -> Ending:
    """What the guard stopped is on record for staff, and shown to nobody as guidance."""
    return Ending(
        status=JobStatus.DONE,
        shown="withheld",
        reason=guard.fault or "",
        text=guard.text,
        num_tokens=num_tokens,
    )


class HeldClaims:
    """All claims of a worker, by job and token. A job may have an old and a new claim."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], Held] = {}

    def __iter__(self) -> Iterator[Held]:
        """Safe against what happens on the way."""
        return iter(list(self._held.values()))

    def __len__(self) -> int:
        return len(self._held)

    def add(self, claim: Claim) -> Held:
        return self._held.setdefault(claim.key, Held(claim))

    def sweep(self) -> None:
        """Forgets what is gone."""
        self._held = {key: h for key, h in self._held.items() if h.claim.state is not State.GONE}

    def in_engine(self, request_id: str) -> Held | None:
        return next((held for held in self.running() if held.id == request_id), None)

    def running(self) -> list[Held]:
        return [held for held in self._held.values() if held.claim.state is State.IN_ENGINE]

    def num_slots_taken(self) -> int:
        return claims.num_slots_taken(held.claim for held in self._held.values())

    def open(self) -> list[Held]:
        return [held for held in self._held.values() if held.claim.state is not State.GONE]
