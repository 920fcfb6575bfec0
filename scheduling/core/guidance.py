"""The text format that prompts and answers share. Pure functions and constants."""

from __future__ import annotations

from typing import Final

# The SBAR headings of an answer, in order.
HEADINGS: Final = ("Situation", "Background", "Assessment", "Recommendation")
# The label of the line in a prompt that quotes the caller.
WORDS_LABEL: Final = "Caller's words"
# Reasons of the guard to withhold an answer: an unsupported number; a loop.
WITHHELD_REASONS: Final = ("withheld", "looping")
# What a worker says while its model is on the way. Everything else that it says is a fault.
LOADING: Final = "The language model is being loaded."


def cut_between_words(text: str, max_characters: int) -> str:
    """Cuts `text` at a space and marks the cut. Half a number would be another number."""
    if len(text) <= max_characters:
        return text
    return text[: max_characters + 1].rpartition(" ")[0] + " ..."
