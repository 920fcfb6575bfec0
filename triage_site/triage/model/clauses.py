"""A note in clauses, as the wording sees them: what is said between two marks. Pure.

A clause tells of a danger where a sign found its words in it. What such a clause says besides can
only speak for urgency: so a danger sign, however it is told, never makes a case less urgent, and
what other clauses say counts as it did before. Words that are denied, past or another person's
are phrases of their own kind.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from triage_site.triage.reading.note import PRESENT, Assertion, Mention, Note, Statement

ANY_NUMBER: Final = "#"
_ALIKE: Final = {
    "they": "he she i we it", "them": "him me us himself herself myself",
    "their": "his her hers my our its", "person": "man woman male female gentleman lady guy m f",
    "child": "boy girl son daughter grandson granddaughter lad lass",
    "parent": "mother father", "partner": "wife husband boyfriend girlfriend",
    "sibling": "brother sister",
    "grandparent": "grandmother grandfather gran grandma grandpa nan grandad",
    # Who somebody is, or what others think of them, says nothing of how ill they are.
    "": "homeless uninsured anxious immigrant refugee asian black white hispanic african "
    "american exaggerates exaggerate dramatic attention unemployed prisoner english foreign",
}  # fmt: skip
ANYBODY: Final = {word: kind for kind, words in _ALIKE.items() for word in words.split()}
OPINIONS: Final = frozenset(
    {"exaggerates", "exaggerating", "exaggerate", "dramatic", "overreacting", "anxious"}
)
_TAGS: Final = {Assertion.DENIED: "not:", Assertion.HISTORICAL: "past:"}
_OTHER_TAG: Final = "other:"


@dataclass(frozen=True, slots=True)
class Clause:
    """`phrases`: its words and pairs of words, each once, of any number and of anybody."""

    first: int  # index in `Note.words`
    last: int
    words: str  # as they stand in the note
    phrases: tuple[str, ...]
    danger: bool
    names_complaint: bool  # be it to deny it
    sentence: int
    forms: tuple[str, ...]  # of each word of the note, as the phrases have it
    places: tuple[tuple[int, int], ...]  # of each word, within `words`

    @property
    def num_words(self) -> int:
        return self.last - self.first

    def quote(self, begin: int, stop: int) -> str:
        """Whole words of the note."""
        return self.words[self.places[begin][0] : self.places[min(stop, len(self.places)) - 1][1]]


def clauses_of(
    note: Note, dangers: Iterable[Mention], named: Iterable[Mention]
) -> tuple[Clause, ...]:
    """`dangers`: what signs fired on. `named`: where complaints are."""
    dangerous = {at for mention in dangers for at in range(mention.first, mention.last)}
    complaints = {mention.first for mention in named}
    return tuple(_clause(note, said, dangerous, complaints) for said in note.statements)


def _clause(note: Note, said: Statement, dangerous: set[int], complaints: set[int]) -> Clause:
    span = range(said.first, said.last)
    forms = tuple(_word(note, at) for at in span)
    # A clause that only tells what others think of the patient adds no wording.
    opinion = any(note.words[at].form in OPINIONS for at in span)
    told = [] if opinion else [form for form in forms if form]
    pairs = (f"{first} {second}" for first, second in pairwise(told))
    begin = note.words[said.first].start
    return Clause(
        first=said.first,
        last=said.last,
        words=note.quote(said.first, said.last),
        phrases=tuple(dict.fromkeys([*told, *pairs])),
        danger=not dangerous.isdisjoint(span),
        names_complaint=not complaints.isdisjoint(span),
        sentence=said.sentence,
        forms=forms,
        places=tuple((note.words[at].start - begin, note.words[at].end - begin) for at in span),
    )


def _word(note: Note, at: int) -> str:
    form = note.words[at].form
    if note.words[at].is_figure:
        return ""
    if form[0].isdigit():
        return ANY_NUMBER
    plain = ANYBODY.get(form, note.words[at].stem)
    assertion = note.assertion(at, at + 1)
    if assertion in PRESENT or not plain:
        return plain
    return _TAGS.get(assertion, _OTHER_TAG) + plain
