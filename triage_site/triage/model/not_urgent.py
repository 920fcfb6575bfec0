"""Words of a note that say nothing of urgency: its reader is told the age apart, and names of
medicines that somebody takes every day frighten a network that has seen few of them. Pure.

A name is read where it may matter by itself: a blood thinner, insulin, an opioid, what suppresses
the immune system; and wherever it is not simply taken: too much of it, missed, given, run out.
A brand of a blood thinner, or one that is misspelt, is read as the medicine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final

from triage_site.triage.history.medicines import find_mentions
from triage_site.triage.history.names import BRANDS, TABLE, THINNER, whole_words
from triage_site.triage.history.plain_words import Mention, PlainWords
from triage_site.triage.history.roles import REGULAR
from triage_site.triage.reading.note import Note, Word

_URGENT: Final = whole_words("|".join(f"{one}\\w*" for one in TABLE["names"]["urgent"].split()))
# "Takes", "on his", "Meds:", with the medicines right behind it.
_TAKES: Final = re.compile(
    r"\b(?:on|takes?|taking|uses?|using|meds?|tablets|dhx?|rx|drugs|medications?|medicines?)"
    r"(?: ?[:=-])?(?:\s+(?!for\b|the\b)\w+)?\s*$",
    re.IGNORECASE,
)
_AHEAD: Final = 60  # characters
_YEARS: Final = frozenset({"y", "yo", "yr", "yrs", "year", "years"})
_NO_AGE_BEFORE: Final = frozenset(
    ("for", "since", "past", "last", "over", "x", "about", "of", "every", "within", "in", "than",
     "until", "after", "next", "smokes", "smoked")
)  # fmt: skip
_NO_AGE_BEHIND: Final = frozenset({"ago", "of", "back", "history", "since", "now"})
_OLDEST: Final = 110
_SEX: Final = frozenset({"M", "F"})


@lru_cache(maxsize=64)
def plain_words(note: Note) -> dict[int, str]:
    """What is read in place of words of a note; of most of them nothing."""
    return {**dict.fromkeys(_ages(note.words, note.text), ""), **_medicines(note)}


def _medicines(note: Note) -> dict[int, str]:
    found: dict[int, str] = {}
    for one in find_mentions(PlainWords(note)):
        places = range(one.first, one.last)
        if THINNER.search(one.name):
            read = BRANDS.get(one.name, one.name)
            found.update({at: read if at == one.first else "" for at in places})
        elif one.is_medicine and _is_simply_taken(note, one) and not _URGENT.search(one.name):
            found.update(dict.fromkeys(places, ""))
    return found


def _is_simply_taken(note: Note, one: Mention) -> bool:
    start = one.listed[0]
    return one.role == REGULAR and bool(_TAKES.search(note.text[max(0, start - _AHEAD) : start]))


def _ages(words: tuple[Word, ...], text: str) -> Iterator[int]:
    """ "44 y", "45 years old", "45M" at the beginning of a statement."""
    for at, (number, unit) in enumerate(pairwise(words)):
        if not number.form.isdigit() or not 0 < int(number.form[:4]) <= _OLDEST:
            continue
        begins = at == 0 or words[at - 1].is_mark or words[at - 1].form in ("patient", "a", "an")
        behind = [word.form for word in words[at + 2 : at + 3]]
        if unit.form in _YEARS and _NO_AGE_BEHIND.isdisjoint(behind):
            is_old = behind == ["old"]
            if (begins or is_old) and not (at and words[at - 1].form in _NO_AGE_BEFORE):
                yield from range(at, at + 2 + is_old)
        elif begins and text[unit.start : unit.end] in _SEX and unit.start == number.end:
            yield from (at, at + 1)
