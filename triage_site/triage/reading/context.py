"""Which words of a note are of relatives, and not of the patient. Pure.

Cues of assertion (`statements`) decide whether a danger counts, so they let go of little. What is
read here only decides whose medicines are listed, and which words are quoted.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from itertools import takewhile
from typing import Final

from triage_site.triage.reading.note import Note, Statement
from triage_site.triage.reading.people import ADULTS, ANIMALS, CHILDREN, COMPANIONS, one_of

_RELATIVE: Final = rf"(?P<who>{one_of((*ADULTS, *CHILDREN, *COMPANIONS))})"
_WHOSE: Final = r"(?:(?:his|her|their|my|our|the|late|older|younger|elder|big|little) ){0,3}"
# "Dad had", "her late husband lost", "gran takes", "mum herself is"
_BEGINS: Final = re.compile(
    rf"{_WHOSE}{_RELATIVE} (?P<self>(?:her|him)self )?(?:who )?"
    r"(?:has|had|have|takes?|took|is|was|on|also|died|lost|with|got|tried|passed|gets|needed"
    r"|(?:swallow|faint|collaps|chok|overdos|develop|fall|suffer)\w*|fell|cut|hurt)\b",
    re.IGNORECASE,
)
# "came with her husband who has", "here with son for his"
_BESIDE: Final = re.compile(
    rf"\b(?:with|for|of) {_WHOSE}{_RELATIVE} (?:who\b|for (?:his|her)\b)", re.IGNORECASE
)
# The animal is no patient: "my dog was hit by a car".
_ANIMAL: Final = re.compile(
    rf"{_WHOSE}{one_of(ANIMALS)} (?:has|had|is|was|got|gets|died|ate)\b",
    re.IGNORECASE,
)
_FARTHEST: Final = 60  # words of a sentence
# Whoever says so is the patient, and not who is told of. "I found her" is said by a caller.
_SPEAKER: Final = re.compile(
    r"\b(?:i have|i've|i am|i'm|i feel|i felt|i can'?t|i cannot|i just have|i need|i keep)\b"
    r"(?! (?:found|worried|with|calling|phoning|ringing|wake|rouse|get (?:him|her|them)))",
    re.IGNORECASE,
)
_PATIENT_AGAIN: Final = re.compile(
    r"^(?:he|she|pt|patient|they|i|we)\b|\b(?:but|and) (?:he|she|pt|patient|i)\b", re.IGNORECASE
)
# "Daughter here too: she is on"
_HERE_TOO: Final = re.compile(
    rf"^{_WHOSE}{_RELATIVE} (?:is )?(?:(?:also )?here|(?:here|present) (?:too|also|as well))$",
    re.IGNORECASE,
)


def is_about_relative(note: Note, at: int) -> bool:
    """Whether the sentence of word `at` speaks there of a relative who is not the patient.

    A relative whom the first sentence names may be the patient: "my mum fell. Mum is on ...".
    """
    told = _back_to_sentence(note, at)
    for place, (said, words) in enumerate(told):
        beside = _BESIDE.search(words)
        if beside and not _PATIENT_AGAIN.search(words, beside.end()):
            return True
        if _ANIMAL.match(words):
            return True
        if begins := _BEGINS.match(_before(note, said, at + 1)):
            told_first = said.sentence == 0 or _is_of_beginning(note, begins["who"])
            told_first = told_first and not _speaks_of_oneself(note, said)
            return bool(begins["self"]) or not told_first
        if again := _PATIENT_AGAIN.search(words):
            earlier = told[place + 1][1] if place + 1 < len(told) else ""
            return again.group().lower() in ("he", "she") and bool(_HERE_TOO.match(earlier))
    return False


def may_be_patient(note: Note, at: int) -> bool:
    """Whether a later sentence speaks at word `at` of a relative whom the first one names."""
    for said, words in _back_to_sentence(note, at):
        begins = _BEGINS.match(words)
        if begins and said.sentence > 0 and not begins["self"]:
            return _is_of_beginning(note, begins["who"]) and not _speaks_of_oneself(note, said)
    return False


def _speaks_of_oneself(note: Note, apart: Statement) -> bool:
    """Whether another sentence than that of `apart` is of a patient who speaks."""
    return bool(_spoken(note) - {apart.sentence})


@lru_cache(maxsize=16)
def _spoken(note: Note) -> frozenset[int]:
    """The sentences of a patient who speaks."""
    return frozenset(
        said.sentence
        for said in note.statements
        if _SPEAKER.search(note.quote(said.first, said.last))
    )


def _back_to_sentence(note: Note, at: int) -> list[tuple[Statement, str]]:
    """The statements from the one of word `at` back to the first of its sentence, with their
    words; of the first one only those before `at`. No farther than `_FARTHEST` words."""
    place = bisect_right(note.statements, at, key=lambda one: one.first)
    back = note.statements[max(0, place - _FARTHEST) : place]
    if not back or at >= back[-1].last:
        return []
    said = takewhile(lambda one: one.sentence == back[-1].sentence, reversed(back))
    return [(one, _before(note, one, at)) for one in said if one.last > at - _FARTHEST]


def _before(note: Note, said: Statement, at: int) -> str:
    last = min(said.last, at)
    first = max(said.first, last - _FARTHEST)
    return note.quote(first, last) if last > first else ""


@lru_cache(maxsize=64)
def _is_of_beginning(note: Note, who: str) -> bool:
    told = (note.quote(said.first, said.last) for said in note.statements if said.sentence == 0)
    # Not of "Grandad's tablets": there the tablets are his.
    named = re.compile(rf"\b{who}\b(?!['\u2019]s)", re.IGNORECASE)
    return any(named.search(words) for words in told)
