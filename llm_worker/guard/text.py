"""The guard of a growing answer: it passes whole words whose numbers appear in the brief."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from llm_worker.guard.numbers import unsupported_numbers

MAX_PHRASE_WORDS: Final = 16
MIN_LOOP_WORDS: Final = 20
MIN_LOOP_ROUNDS: Final = 4


def is_looping(words: Sequence[str]) -> bool:
    """Whether `words` end in a repeated phrase, as from a model that does not stop.

    The phrase has at most MAX_PHRASE_WORDS words. It is repeated at least MIN_LOOP_ROUNDS
    times and over at least MIN_LOOP_WORDS words: a caller's own repetitions may be quoted.
    """
    return any(_repeats(words, length) for length in range(1, MAX_PHRASE_WORDS + 1))


def _repeats(words: Sequence[str], length: int) -> bool:
    num_loop = max(MIN_LOOP_WORDS, MIN_LOOP_ROUNDS * length)
    end = words[-num_loop:]
    return len(end) == num_loop and end[length:] == end[:-length]


@dataclass(slots=True)
class GuardedText:
    """Receives the text in pieces and returns only text that passed the checks.

    It holds back the last word, which may be incomplete. After a number that is not in the
    brief (listed in `invented`) or a loop (`looping`) it returns no more text.
    """

    brief: str
    text: str = ""
    shown: int = 0
    invented: list[str] = field(default_factory=list)
    looping: bool = False

    @property
    def fault(self) -> str:
        """Why no more text may be shown, as a `finish_reason` of the job; or empty."""
        return "looping" if self.looping else "withheld" if self.invented else ""

    def feed(self, delta: str) -> str:
        """Adds `delta` and returns the text that may be shown now, without the last open word."""
        self.text += delta
        end = max(self.text.rfind(" "), self.text.rfind("\n")) + 1
        return self._show_up_to(end)

    def finish(self) -> str:
        """Returns the rest of a finished answer."""
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
            # Check from the start: a number can span the shown and the new text.
            self.invented = unsupported_numbers(self.text[:end], self.brief)
            if self.invented:
                return ""
        self.shown = end
        return fresh
