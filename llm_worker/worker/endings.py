"""What a claim carries: entries of the token stream, how an answer ended, what goes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from scheduling.core.status import JobStatus

BEGIN_SEQ: Final = 1  # of the stream entry that says that an attempt begins
END_SEQ: Final = 2**40  # of the one that says how the answer ended; after all words


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the token stream, with its place in it. It never changes once it is cut."""

    seq: int
    text: str = ""
    num_tokens: int = 0
    status: str | None = None  # at the end: done, withheld or failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How the generation ended. `reason` is the finish reason, or the sentence of a failure."""

    status: JobStatus  # done or failed
    shown: str  # what the stream says of it: done, withheld or failed
    reason: str
    text: str = ""
    num_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What goes back with a job, and why (a few words of ours, for the history).

    `failure` is a sentence where the attempt counts as a failed one, and empty else.
    """

    why: str
    token_ids: tuple[int, ...] | None = None  # None: as SQL knows it from before
    text: str = ""
    failure: str = ""
    by: str = ""  # id of the request that takes the slot


def failure(sentence: str) -> Ending:
    return Ending(status=JobStatus.FAILED, shown="failed", reason=sentence)
