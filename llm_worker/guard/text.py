"""The guard of a growing answer.

While the text grows, it passes whole words whose numbers appear in the brief. They are not
checked further until the answer has ended: only then is the text judged as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from llm_worker.guard.numbers import unsupported_numbers
from llm_worker.guard.whole import fault_of
from scheduling.core.guidance import Withheld

Check = Callable[[str, str], Withheld | None]  # of an answer and its brief

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
    brief, a damaged character or a loop it returns no more text, and `fault` says why. `check`
    judges the whole answer at its end.
    """

    brief: str
    text: str = ""
    shown: int = 0
    check: Check = fault_of
    fault: Withheld | None = None

    def feed(self, delta: str) -> str:
        """Adds `delta` and returns the text that may be shown now, without the last open word."""
        self.text += delta
        end = max(self.text.rfind(" "), self.text.rfind("\n")) + 1
        return self._show_up_to(end)

    def finish(self) -> str:
        """Returns the rest of a finished answer, unless the answer as a whole has a fault."""
        self.fault = self.fault or self.check(self.text, self.brief)
        return self._show_up_to(len(self.text))

    def _show_up_to(self, end: int) -> str:
        fresh = self.text[self.shown : end]
        if self.fault or not fresh:
            return ""
        self.fault = self._early_fault(self.text[:end], fresh)
        if self.fault:
            return ""
        self.shown = end
        return fresh

    def _early_fault(self, text: str, fresh: str) -> Withheld | None:
        """What can be known before the end. No text without this fault has a prefix with it."""
        if is_looping(text.rsplit(maxsplit=MAX_PHRASE_WORDS * MIN_LOOP_ROUNDS)):
            return Withheld.LOOPING
        has_digit = any(character.isdigit() for character in fresh)
        # Check from the start: a number can span the shown and the new text.
        if has_digit and unsupported_numbers(text, self.brief):
            return Withheld.NUMBER
        return Withheld.GARBLED if "\ufffd" in fresh and "\ufffd" not in self.brief else None
