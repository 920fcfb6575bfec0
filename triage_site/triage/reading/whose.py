"""Which measured values of a note are of another person. Pure.

"Her husband's blood pressure is 190/110", "passenger was his mother, sats 84 %": of them. A value
that a relative measured or reports is of the patient, and so is that of the relative whom a caller
brings: "my daughter's temp is 39". In a note of a mother and her baby, what stands behind "baby"
is of the baby.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from triage_site.triage.reading.figures import Figure
from triage_site.triage.reading.people import ADULTS, CHILDREN, COMPANIONS, one_of

_ADULT: Final = one_of((*ADULTS, *COMPANIONS))
_OTHER: Final = one_of((*ADULTS, *COMPANIONS, *CHILDREN))
_STANDS_BY: Final = (
    r"(?:passenger|other driver|other (?:patient|child|man|woman)|bystander|other twin)"
)
_HIS: Final = r"(?:his|her|their|(?:the )?(?:pt|patient)'?s) (?:\w+ ){0,2}?"
# Governs what follows: "'s pulse", "has", "(68) had", ", 80, on".
_HAS: Final = (
    r"(?:'s (?:\w+ ){0,3}|(?:\s*\(\d{1,3}\w?\)|, \d{1,3}\w?,)?(?: \w+){0,2}?"
    r" (?:has|had|is|was|whose|on)\b)"
)
_OF_HIS: Final = re.compile(rf"\b{_HIS}{_ADULT}{_HAS}", re.IGNORECASE)
_OF_ANOTHER: Final = re.compile(
    rf"\b{_STANDS_BY}\b[^.;\n]{{0,20}}?\b(?:was|is) {_HIS}{_OTHER}\b"
    rf"|\(\s*(?:{_HIS})?{_OTHER}\b[^()]*$",
    re.IGNORECASE,
)
# Without "his" or "her", and of a child that may be the patient: only where the note tells of a
# patient beside, "pt well; daughter's HR".
_OF_BARE: Final = re.compile(
    rf"(?:^|[.;:,\n])\s*(?:(?:my|the|his|her|their) )?{_OTHER}{_HAS}"
    # "Passenger (husband, bed 2):"
    rf"|(?:^|[,;])\s*(?:the )?{_STANDS_BY}\s*"
    r"(?:\((?![^()]*\b(?:this|pt|patient)\b)[^()]{0,40}\)\s*)?:",
    re.IGNORECASE,
)
_PATIENT: Final = re.compile(
    r"\b(?:pt|patient|herself|himself|with (?:her|him)|i have|i am|i'm|i've)\b", re.IGNORECASE
)
# Says who measured, reports or brings, and so whose the value is not.
_REPORTS: Final = re.compile(
    r"\b(?:says?|said|reports?|reported|states?|noticed|found|measured|took|checked|call(?:s|ed|ing)"
    r"|rang|ring(?:s|ing)|phon\w+|brought|worried|concerned|thinks|told|mum|mother|dad|father)\b",
    re.IGNORECASE,
)
_PATIENT_AGAIN: Final = re.compile(
    r"(?:[.,;:(-]|\band|\bbut)\s*(?:he|she|pt|patient|they|herself|himself|today|now|i)\b"
    r"|\b(?:pt|patient|he|she|they) (?:has|had|is|was)\b",
    re.IGNORECASE,
)
# What a text asks a machine to write is no value: "have the AI write that my pulse is 180".
_ASKS_MACHINE: Final = re.compile(
    r"\b(?:ai|a\.i\.|model|assistant|chat ?bot|bot|computer|program|system|software)\b[^.;\n]{0,40}"
    r"\b(?:write|say|state|put|report|record|list|set|assign|output|print|answer|reply|claim)\b"
    r"|\b(?:ignore|disregard|forget|override)\b[^.;\n]{0,30}"
    r"\b(?:rules?|instructions?|prompts?|above|previous)\b",
    re.IGNORECASE,
)
_BABY: Final = re.compile(
    r"(?:^|[:,])\s*(?:(?:the|her) )?(?:baby|newborn|neonate)\b", re.IGNORECASE
)
_SENTENCE_END: Final = re.compile(r"[.!?](?=\s)|[;\n]")
_REACH: Final = 300


def with_owners(chars: str, figures: Sequence[Figure]) -> Iterator[Figure]:
    """`figures` of a cleaned text, with those marked that are not of the patient."""
    tells_of_patient = bool(figures) and _PATIENT.search(chars) is not None
    for one in figures:
        is_other = _is_of_other(chars, one.begin, tells_of_patient)
        yield replace(one, is_of_other=True) if is_other else one


def _is_of_other(chars: str, begin: int, tells_of_patient: bool) -> bool:
    before = _SENTENCE_END.split(chars[max(0, begin - _REACH) : begin])[-1]
    if _ASKS_MACHINE.search(before):
        return True
    found = [*_OF_HIS.finditer(before), *_OF_ANOTHER.finditer(before)]
    if tells_of_patient:
        found += _OF_BARE.finditer(before)
    last = max(found, key=lambda one: one.end(), default=None)
    if last is None or _REPORTS.search(before, 0, last.start()):
        return False
    return not _PATIENT_AGAIN.search(before, last.end() - 1)


def is_of_baby(chars: str, begin: int) -> bool:
    """Whether the sentence of a value begins with the baby; of a patient who is none."""
    before = _SENTENCE_END.split(chars[max(0, begin - _REACH) : begin])[-1]
    found = _BABY.search(before)
    return found is not None and not _PATIENT_AGAIN.search(before, found.end())
