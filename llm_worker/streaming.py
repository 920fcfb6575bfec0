"""What of a growing answer may be shown: whole words whose numbers stand in the brief."""

from __future__ import annotations

from dataclasses import dataclass, field

from llm_worker.prompting import unsupported_numbers


@dataclass(slots=True)
class GuardedText:
    """Takes text as it comes and gives out only what has been checked.

    The last, perhaps unfinished, word is held back; a number that the brief does not hold
    stops everything: `invented` names it, and nothing more comes out.
    """

    brief: str
    text: str = ""
    shown: int = 0
    invented: list[str] = field(default_factory=list)

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
        if self.invented or not fresh:
            return ""
        if any(character.isdigit() for character in fresh):
            # Read from the start: a number can span what was shown and what is new.
            self.invented = unsupported_numbers(self.text[:end], self.brief)
            if self.invented:
                return ""
        self.shown = end
        return fresh
