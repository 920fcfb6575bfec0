"""The text format that the writer of a prompt and the writer of an answer share. Pure."""

from __future__ import annotations

from typing import Final

# The headings of an answer, in their order (SBAR).
HEADINGS: Final = ("Situation", "Background", "Assessment", "Recommendation")
# The label of the line of a prompt that quotes the caller.
WORDS_LABEL: Final = "Caller's words"
# Reasons for which the worker's guard withholds an answer: an unsupported number, a loop.
WITHHELD_REASONS: Final = ("withheld", "looping")


def cut_between_words(text: str, max_characters: int) -> str:
    """Cuts `text` at a space, because half a number is another number; marks the cut."""
    if len(text) <= max_characters:
        return text
    return text[: max_characters + 1].rpartition(" ")[0] + " ..."
