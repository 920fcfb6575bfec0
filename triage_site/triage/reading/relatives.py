"""Which words of a note are about somebody else than the patient: "Dad had", "Gran takes". Pure."""

from __future__ import annotations

import re
from typing import Final

from triage_site.triage.reading.note import Note, Statement

_RELATIVE: Final = (
    r"mother|father|brother|sister|son|daughter|wife|husband|partner|aunt|uncle|cousin|mum|mom"
    r"|dad|grandmother|grandfather|grandma|grandpa|gran|nan|granny|husb|friend|flatmate|workmate"
    r"|neighbou?r"
)
_BEGINS: Final = re.compile(
    r"(?:(?:his|her|their|my|our|the|late|older|younger|elder|big|little) ){0,3}"
    rf"(?P<who>{_RELATIVE}) (?P<self>(?:her|him)self )?(?:who )?"
    r"(?:has|had|have|takes?|took|is|was|on|also|died|lost|with)\b",
    re.IGNORECASE,
)
_PATIENT_AGAIN: Final = re.compile(r"(?:he|she|pt|patient|they|i|we)\b", re.IGNORECASE)


def is_about_relative(note: Note, at: int) -> bool:
    """Whether the sentence of word `at` speaks there of a relative who is not the patient.

    A relative whom the first sentence names may be the patient: "my mum fell. Mum is on ...".
    """
    place = next((n for n, s in enumerate(note.statements) if s.first <= at < s.last), None)
    if place is None:
        return False
    sentence = note.statements[place].sentence
    for said in reversed(note.statements[: place + 1]):
        if said.sentence != sentence:
            return False
        words = note.quote(said.first, said.last)
        if begins := _BEGINS.match(words):
            return bool(begins["self"]) or not _is_of_the_beginning(note, begins["who"])
        if _PATIENT_AGAIN.match(words):
            return False
    return False


def _is_of_the_beginning(note: Note, who: str) -> bool:
    first = [said for said in note.statements if said.sentence == 0]
    return any(_names(note, said, who) for said in first)


def _names(note: Note, said: Statement, who: str) -> bool:
    return who.lower() in note.quote(said.first, said.last).lower()
