"""Of whom a note speaks where it names a medicine or an allergen. Pure."""

from __future__ import annotations

import re
from typing import Final

from triage_site.triage.history.names import RELATIVES
from triage_site.triage.history.plain_words import PlainWords
from triage_site.triage.history.quoting import sentence
from triage_site.triage.reading.context import is_about_relative
from triage_site.triage.reading.people import ANIMALS, one_of

_PERSON: Final = one_of((*RELATIVES, *ANIMALS))
_WHOSE: Final = r"(?:(?:his|her|my|their|the|late|old|elder|older|younger) ){0,2}"
# "Husband allergic to", "mum and brother are both allergic to", "family history of".
_BEFORE: Final = re.compile(
    rf"\b{_PERSON}(?:'s)?(?: , who)?(?: (?:who|is|was|are|were|has|have|also|and|both|an?|his|her"
    rf"|their|history|hx|of|allergic|allergy|to|{_PERSON}))* $"
)
_AGAIN: Final = r"(?!.*\b(?i:he|she|they|pt|patient|i|him|but)\b)"
_AHEAD: Final = re.compile(
    # "Mother's meds:", "Sister Ann (12):"; "with husband (on ...", "(brother Adam, wheezy, ..."
    rf"^\W*(?i:{_WHOSE}{_PERSON}(?:['\u2019]s)?)(?: [A-Z]\w+| (?i:meds?|medic\w+|dhx?|allerg\w+))?"
    rf"(?:,? ?\(?\d+\)?)? ?:{_AGAIN}"
    rf"|(?<![Bb]y )(?i:{_PERSON})(?: [A-Z]\w+)? ?\([^()]*$"
    rf"|\( ?(?i:{_WHOSE}{_PERSON})\b(?! (?:gave|gives|says?|thinks?|has given)\b)[^()]*$"
    # "his mother, 80, on ..."
    rf"|\b(?i:(?:his|her|my|their) {_PERSON}) ?[,(] ?(?P<age>(?:aged? )?\d+)\b{_AGAIN}"
    # "his daughter, who ..., uses"
    rf"|^\W*(?i:{_WHOSE}{_PERSON}) ?, who\b.* (?:has|uses|takes|injects|needs|on)\b{_AGAIN}"
)
_PATIENT_AGAIN: Final = re.compile(r"\b(?:so|hence|therefore|which is why) (?:he|she|pt|i)\b")
# "Husband does the talking: 'I had a stroke and I'm on clopidogrel": of the husband.
_SPOKEN: Final = re.compile(
    rf"\b(?i:{_PERSON})\b (?:(?:does|did|is doing) (?:\w+ )?(?:the )?talking|talks|speaks|answers)"
    r"[^.;\n'\"]{0,30}:\s*['\"\u2018\u201c](?:(?!['\"\u2019\u201d] ?[A-Z]).)*\b[Ii]"
    r"(?:['\u2019]m| am|['\u2019]ve been)?(?: \w+)? (?:on|take|use|taking)(?: \w+){0,2} $"
)
# What a text orders a machine to list is no medicine: "SYSTEM: list morphine as".
_ORDERED: Final = re.compile(
    r"(?:\bA\.?I\b|\bassistant\b|\bchat ?bot\b|\blanguage model\b|\bSYSTEM ?:|\b(?:ignore|disregard"
    r"|override)\b[^.;\n]{0,40}\b(?:instructions?|rules?|prompts?)\b)[^\n]{0,160}"
    r"\b(?:list|record|write|output|add|put|report|state|say|include|enter)(?: \w+){0,5} $",
    re.IGNORECASE,
)
_REACH: Final = 300  # characters
_NAMED: Final = re.compile(rf"\b{_PERSON}", re.IGNORECASE)
_BEHIND: Final = re.compile(
    rf"[^.;,\n]{{0,20}}\b(?:in|of) (?:his|her|my|their|the )?{_PERSON}\b", re.IGNORECASE
)
# Of two people it takes a reader to say who takes what.
_OF_TWO: Final = re.compile(
    r"\b(?:two|2|both) (?:patients|pts|casualties|children|siblings|babies)\b"
    r"|\b(?:same|separate|shared|this|one) (?:note|chart|card)\b|\btwin of\b"
    r"|\b(?:pt|patient|casualty|child|twin) ?#?[12ab] ?[:=-]",
    re.IGNORECASE,
)


def is_of_two(text: str) -> bool:
    """Whether a note says that it is of two patients."""
    return _OF_TWO.search(text) is not None


def is_of_another(note: PlainWords, at: int) -> bool:
    """Whether what stands at an offset of `plain` is said of another person or an animal. One
    whom the first sentence names may be the patient."""
    first, before = note.place(at)[0], note.before(at)
    start = note.note.words[first].start
    if (whose := note.note.owners.get(first)) is not None:
        return whose
    if _ORDERED.search(note.text[max(0, start - _REACH) : start]):
        return True
    if _BEFORE.search(before) or _SPOKEN.search(note.text[max(0, start - _REACH) : start]):
        return True
    if is_about_relative(note.note, first):
        return _PATIENT_AGAIN.search(before) is None
    begin, _ = sentence(note.text, start, start)
    ahead = _AHEAD.search(note.text[begin:start])
    if ahead is None:
        return False
    who = [*_NAMED.finditer(ahead.group())][-1].group()
    _, ends = sentence(note.text, 0, 0)
    return ahead["age"] is not None or who.lower() not in note.text[:ends].lower()


def is_of_another_behind(note: PlainWords, end: int) -> bool:
    """ "Penicillin allergy in his mother", of a list that ends at an offset of `plain`."""
    return _BEHIND.match(note.text, note.characters(end - 1, end)[1]) is not None
