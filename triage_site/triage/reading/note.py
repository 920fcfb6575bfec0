"""A note read once: words in standard form, statements with their assertion, measured values. Pure.

Everything downstream searches `Note.line` with terms and gets back where the words stood in the
note and how they are meant. What was read as a figure is no word any more.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from triage_site.triage.reading.cleaning import Cleaned, clean
from triage_site.triage.reading.figures import Figure, find_figures
from triage_site.triage.reading.impossible import find_impossible
from triage_site.triage.reading.line import Line
from triage_site.triage.reading.medicine_names import is_medicine
from triage_site.triage.reading.statements import Assertion, Statement, judge
from triage_site.triage.reading.terms import TermIndex
from triage_site.triage.reading.times import with_days
from triage_site.triage.reading.tokens import Word, is_ideograph, is_known, tokenize
from triage_site.triage.reading.whose import with_owners
from triage_site.triage.reading.words import TABLES

__all__ = ["Assertion", "Figure", "Mention", "Note", "Statement", "Word", "read"]

# They say nothing of how a mention is meant.
_SMALL: Final = frozenset(TABLES["sets"]["small"].split())
_FEW_WORDS: Final = 3
_SHORT: Final = 3
_LEAST_FOREIGN: Final = 3  # words of a note in another language
_LEAST_KNOWN: Final = 0.6
_LEAST_KNOWN_BESIDE: Final = 0.75  # names of medicines, which are the same in many languages
PRESENT: Final = frozenset({Assertion.PRESENT, Assertion.UNCERTAIN})


@dataclass(frozen=True, slots=True)
class Mention:
    """Words found by a term, as they stand in the note, and how they are meant."""

    words: str
    assertion: Assertion
    first: int  # index of the first word in `Note.words`
    last: int  # index after the last

    @property
    def is_present(self) -> bool:
        return self.assertion in PRESENT


class Note:
    """`words` (marks included), `statements` and `figures` of a text; `impossible` are figures of
    the patient now that cannot be right and are no values."""

    def __init__(self, text: str) -> None:
        self.text = text
        cleaned = clean(text)
        self.chars = cleaned.chars
        dated = with_days(cleaned.chars, [*find_figures(cleaned)])
        self.figures = tuple(with_owners(cleaned.chars, [*dated]))
        self.impossible = _of_patient_now(cleaned, self.figures)
        self.words: tuple[Word, ...] = tuple(tokenize(cleaned, self.figures))
        self.line = Line((word.stem, word.form) for word in self.words)
        judged = judge(self.words, self.line)
        self.statements = judged.statements
        self._covers = judged.covers
        self.owners = judged.owners
        self.foreign_sentences = _foreign(self.words, self.statements)
        self._foreign_statements = tuple(
            said for said in self.statements if said.sentence in self.foreign_sentences
        )
        self.is_empty = not self.figures and not any(map(is_told, self.words))

    def find(self, index: TermIndex) -> Iterator[tuple[int, Mention]]:
        """(index of the term, where and how meant) for every place of every term."""
        for term, first, last in index.find(self.line):
            if not self._is_foreign(first, last):
                yield term, self.mention(first, last)

    @property
    def is_foreign(self) -> bool:
        """Whether half of the words or more stand in sentences of another language."""
        counts = {True: 0, False: 0}
        for said in self.statements:
            told = sum(is_told(word) for word in self.words[said.first : said.last])
            counts[said.sentence in self.foreign_sentences] += told
        return counts[True] >= max(_LEAST_FOREIGN, counts[False])

    def _is_foreign(self, first: int, last: int) -> bool:
        """A short word of a sentence in another language is not what it looks like: "mi hijo",
        "mon ami", "ich habe". Shorthand in capitals is the same everywhere."""
        word = self.words[first]
        written = self.text[word.start : word.end]
        return (
            word.start == self.words[last - 1].start
            and len(written) <= _SHORT
            and written.isalpha()
            and _is_all_latin(written)
            and not written.isupper()
            and any(said.first <= first < said.last for said in self._foreign_statements)
        )

    def mention(self, first: int, last: int) -> Mention:
        return Mention(self.quote(first, last), self.assertion(first, last), first, last)

    def quote(self, first: int, last: int) -> str:
        """The exact words of the note."""
        return self.text[self.words[first].start : self.words[last - 1].end]

    def assertion(self, first: int, last: int) -> Assertion:
        """Of a span: present unless each of its words is under a cue that stands outside of it."""
        found = Assertion.PRESENT
        for at in range(first, last):
            if self.words[at].is_mark or (self.words[at].form in _SMALL and last - first > 1):
                continue
            cues = [cue for cue in self._covers[at] if cue.stands_outside(first, last)]
            if not cues:
                return Assertion.PRESENT
            found = next((c.kind for c in cues if c.kind not in PRESENT), cues[0].kind)
            if found in PRESENT:
                return found
        return found


def _of_patient_now(cleaned: Cleaned, figures: Sequence[Figure]) -> tuple[Figure, ...]:
    found = [*find_impossible(cleaned, figures)]
    if not found:
        return ()
    dated = [*with_days(cleaned.chars, [*figures, *found])]
    told = [*with_owners(cleaned.chars, dated)][len(figures) :]
    return tuple(one for one in told if not (one.is_old or one.is_of_other))


def _foreign(words: tuple[Word, ...], statements: Sequence[Statement]) -> frozenset[int]:
    """Sentences in which most words are unknown, or that have a word of another script: a whole
    sentence may be one word there, because it has no blanks. English beside names of medicines is
    no other language."""
    told: dict[int, list[Word]] = {}
    other_script: set[int] = set()
    for said in statements:
        span = (words[at] for at in range(said.first, said.last))
        told.setdefault(said.sentence, []).extend(word for word in span if is_told(word))
        if any(_is_of_other_script(words[at]) for at in range(said.first, said.last)):
            other_script.add(said.sentence)
    return frozenset(other_script) | frozenset(
        sentence
        for sentence, found in told.items()
        if _is_unknown(found) and not _is_english_beside_names(found)
    )


def _is_unknown(found: Sequence[Word]) -> bool:
    """Whether most of some words are unknown; of a few, all of them."""
    known = sum(map(is_known, found))
    return bool(found) and known < (_LEAST_KNOWN * len(found) if len(found) > _FEW_WORDS else 1)


def _is_english_beside_names(found: Sequence[Word]) -> bool:
    rest = [word for word in found if not is_medicine(word.form)]
    return sum(map(is_known, rest)) >= _LEAST_KNOWN_BESIDE * len(rest)


def _is_of_other_script(word: Word) -> bool:
    if is_ideograph(word):
        return True
    letters = [letter for letter in word.form if letter.isalpha() and not letter.isascii()]
    return len(letters) > 1 and not any("LATIN" in unicodedata.name(one, "") for one in letters)


def _is_all_latin(word: str) -> bool:
    return all("LATIN" in unicodedata.name(letter, "") for letter in word)


def is_told(word: Word) -> bool:
    if is_ideograph(word):
        return True
    return word.form.isalpha() and len(word.form) > 1 and word.form != "query"


@lru_cache(maxsize=512)
def read(text: str) -> Note:
    return Note(text)
