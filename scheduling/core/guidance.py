"""The text format that prompts and answers share. Pure functions and constants."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

# The SBAR headings of an answer, in order.
HEADINGS: Final = ("Situation", "Background", "Assessment", "Recommendation")
# The label of the line in a prompt that quotes the caller.
WORDS_LABEL: Final = "Caller's words"
# What a worker says while its model is on the way. Everything else that it says is a fault.
LOADING: Final = "The language model is being loaded."


class Withheld(StrEnum):
    """Why an answer is withheld. The value is the finish reason of its job.

    An answer with several faults has the reason that stands first here.
    """

    LOOPING = "looping"
    NUMBER = "withheld"  # the name that stored jobs have
    GARBLED = "garbled"
    NOT_READ = "not read"
    INSTRUCTION = "instruction"
    HEADINGS = "headings"
    LANGUAGE = "language"
    QUOTATION = "quotation"
    URGENCY = "urgency"
    DIRECTION = "direction"
    DANGER_SIGN = "danger sign"
    PATIENT = "patient"
    HISTORY = "history"


WITHHELD_WORDS: Final[Mapping[str, str]] = {
    Withheld.LOOPING: "The model repeated itself.",
    Withheld.NUMBER: "The text contained a number that is not in the facts of this case.",
    Withheld.GARBLED: "The text contained damaged characters.",
    Withheld.NOT_READ: "No AI text: language not supported.",
    Withheld.INSTRUCTION: "The text repeated the model's instructions.",
    Withheld.HEADINGS: "The text was incomplete or not in the order of SBAR.",
    Withheld.LANGUAGE: "The text was not in English.",
    Withheld.QUOTATION: "The text quoted words that are not in the note.",
    Withheld.URGENCY: "The text contradicted the level.",
    Withheld.DIRECTION: "The text contradicted a vital sign.",
    Withheld.DANGER_SIGN: "The text did not name every danger sign.",
    Withheld.PATIENT: "The text contradicted the sex of the patient.",
    Withheld.HISTORY: "The text contradicted the medicines or allergies in the note.",
}
WITHHELD_REASONS: Final = tuple(reason.value for reason in Withheld)


def cut_between_words(text: str, max_characters: int) -> str:
    """Cuts `text` at a space and marks the cut. Half a number would be another number."""
    if len(text) <= max_characters:
        return text
    return text[: max_characters + 1].rpartition(" ")[0] + " ..."
