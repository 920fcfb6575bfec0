"""What of a growing answer may be shown: whole words whose numbers stand in the brief."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from llm_worker.guard.numbers import unsupported_numbers

MAX_PHRASE_WORDS: Final = 16
MIN_LOOP_WORDS: Final = 20
MIN_LOOP_ROUNDS: Final = 4


def is_looping(words: Sequence[str]) -> bool:
    """Whether `words` end in one phrase over and over: a model that will not find the end.

    The phrase has at most MAX_PHRASE_WORDS words and stands there MIN_LOOP_ROUNDS times or
    more, for MIN_LOOP_WORDS words or more, so that what callers repeat may be quoted.
    """
    return any(_repeats(words, length) for length in range(1, MAX_PHRASE_WORDS + 1))


def _repeats(words: Sequence[str], length: int) -> bool:
    num_loop = max(MIN_LOOP_WORDS, MIN_LOOP_ROUNDS * length)
    end = words[-num_loop:]
    return len(end) == num_loop and end[length:] == end[:-length]


@dataclass(slots=True)
class GuardedText:
    """Takes text as it comes and gives out only what has been checked.

    The last, perhaps unfinished, word is held back. A number that the brief does not hold
    (`invented` names it) or a loop (`looping`) stops everything: nothing more comes out.
    """

    brief: str
    text: str = ""
    shown: int = 0
    invented: list[str] = field(default_factory=list)
    looping: bool = False

    @property
    def fault(self) -> str:
        """Why nothing more may be shown, as the job's `finish_reason` says it; or empty."""
        return "looping" if self.looping else "withheld" if self.invented else ""

    def feed(self, delta: str) -> str:
        """New text that may be shown now; empty while a word is incomplete."""
        self.text += delta
        end = max(self.text.rfind(" "), self.text.rfind("\n")) + 1
        return self._show_up_to(end)

    def finish(self) -> str:
        """The held back rest of a finished answer."""
        return self._show_up_to(len(self.text))

    def _show_up_to(self, end: int) -> str:
        fresh = self.text[self.shown : end]
        if self.fault or not fresh:
            return ""
        self.looping = is_looping(
            self.text[:end].rsplit(maxsplit=MAX_PHRASE_WORDS * MIN_LOOP_ROUNDS)
        )
        if self.looping:
            return ""
        if any(character.isdigit() for character in fresh):
            # Read from the start: a number can span what was shown and what is new.
            self.invented = unsupported_numbers(self.text[:end], self.brief)
            if self.invented:
                return ""
        self.shown = end
        return fresh
