"""The brief as values: reads the labelled lines of a prompt. Pure.

The brief is written by one function, and the words of the caller are one quoted line of it, so
its lines can be read without doubt. A line that is absent gives an empty value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from scheduling.core.guidance import WORDS_LABEL
from scheduling.core.request import LEVEL_NAMES

NONE_FOUND: Final = "none found"  # in the line of the danger signs
UNDER_ONE_YEAR: Final = "under one year"  # an age that was entered as 0
BY_THE_NOTE: Final = "by the note"  # of a vital sign that only the words of a case have
IN_THE_NOTE: Final = " in the note"  # behind a value that the note tells and nobody entered
STATE_LABEL: Final = "Consciousness"
CHECK_LABEL: Final = "Check again"  # what form and note say differently beside the vital signs
LANGUAGE_LABEL: Final = "Language"  # only of words that were not read: "not English"
THINNER_LABEL: Final = "Blood thinners"  # those that are taken, or `NO_THINNER`
NO_THINNER: Final = "none taken"
OVER_LABEL: Final = "Said to be over"  # the words of the note that say it of the complaint
VITAL_LABELS: Final = (
    "Respiratory rate",
    "Oxygen saturation",
    "Blood pressure",
    "Systolic blood pressure",
    "Diastolic blood pressure",
    "Heart rate",
    "Temperature",
    "Pain",
)
_ABSENT: Final = {"Heart rate": "no pulse", "Respiratory rate": "not breathing"}
_BAND: Final = re.compile(r" \((very low|low|high|very high)\)(?=,|$)")
_VALUE: Final = re.compile(r"\d[\d./]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A vital sign as the brief gives it: `140/80 mmHg (high)` with value `140/80`. Where the note
    tells another value, that one follows with its mark: `138 /min (high), 38 in the note (low)`."""

    label: str
    text: str
    value: str
    bands: tuple[str, ...]  # very low, low, high, very high; none for usual

    @property
    def band(self) -> str:
        """The one farthest from usual, empty for usual."""
        return max(self.bands, key=lambda one: one.startswith("very"), default="")

    @property
    def is_of_the_note(self) -> bool:
        return BY_THE_NOTE in self.text

    @property
    def absent(self) -> str:
        """How a rate of 0 is told, which is not a slow one; empty for all else."""
        return _ABSENT.get(self.label, "") if self.value == "0" else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What a brief says. `priority` is None where it names no level."""

    text: str
    priority: int | None = None
    words: str = ""
    lines: Mapping[str, str] = field(default_factory=dict)
    readings: tuple[Reading, ...] = ()
    danger_signs: tuple[str, ...] = ()

    def line(self, label: str) -> str:
        """The content of a line, or empty."""
        return self.lines.get(label, "")

    @property
    def states(self) -> tuple[str, ...]:
        """What form and note say of the consciousness: one phrase, or two that differ."""
        parts = self.line(STATE_LABEL).partition(" (")[0].split(", ")  # words of the note follow
        return tuple(filter(None, (part.partition(IN_THE_NOTE)[0] for part in parts)))

    @property
    def has_two_states(self) -> bool:
        return IN_THE_NOTE in self.line(STATE_LABEL)

    @property
    def is_read(self) -> bool:
        """Whether the words are in a language and script that were read: if not, that no danger
        sign was found says nothing."""
        return is_latin(self.words) and not self.line(LANGUAGE_LABEL)

    @property
    def unmeasurable(self) -> tuple[str, ...]:
        return tuple(filter(None, self.line("Could not be measured").split(", ")))


def read_brief(text: str) -> Brief:
    """Reads the lines of a brief. Lines without a label are ignored."""
    lines = {
        label: content
        for label, colon, content in (line.partition(": ") for line in text.splitlines())
        if colon
    }
    return Brief(
        text=text,
        priority=_priority(lines.get("Priority", "")),
        words=_unquoted(lines.get(WORDS_LABEL, "")),
        lines=lines,
        readings=tuple(_reading(label, lines[label]) for label in VITAL_LABELS if label in lines),
        danger_signs=_signs(lines.get("Danger signs", NONE_FOUND)),
    )


def _priority(name: str) -> int | None:
    names = [level.lower() for level in LEVEL_NAMES]
    return names.index(name) if name in names else None


def _unquoted(words: str) -> str:
    return words[1:-1] if words.startswith('"') and words.endswith('"') else ""


def _signs(listed: str) -> tuple[str, ...]:
    return () if listed == NONE_FOUND else tuple(filter(None, listed.split("; ")))


def _reading(label: str, content: str) -> Reading:
    value = _VALUE.match(content)
    return Reading(
        label=label,
        text=content,
        value=value.group().rstrip(".") if value else "",
        bands=tuple(_BAND.findall(content)),
    )


def is_latin(text: str) -> bool:
    """Whether at least half of the letters of `text` are Latin. True without letters."""
    letters = [character for character in text if character.isalpha()]
    num_latin = sum(unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
    return 2 * num_latin >= len(letters)
