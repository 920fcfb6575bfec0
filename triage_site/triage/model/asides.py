"""Sentences that are not of the patient: talk to a queue or to a machine. Pure.

A sentence that names no complaint and no danger, and talks as people do to a queue or to a
machine, is not read by the encoder. Whatever is asked for, it moves no level. What may be one is
read, and can only raise a level. A logistic regression on the words and pairs of words of a
sentence tells (`training/fit_asides.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from triage_site.triage.model.anybody import ANYBODY
from triage_site.triage.reading.note import PRESENT, Assertion, Mention, Note, Statement

WEIGHTS_FILE: Final = Path(__file__).resolve().parent.parent / "weights" / "asides.npz"
ANY_NUMBER: Final = "#"
ASIDE_LOG_ODDS: Final = 0.0  # from here on a sentence is likelier an aside than not
SOLE_LOG_ODDS: Final = 3.0  # from here on where it is the whole note
DOUBTFUL_LOG_ODDS: Final = -2.0  # from here on it may be one: about 12 %
_TAGS: Final = {Assertion.DENIED: "not:", Assertion.HISTORICAL: "past:"}
_OTHER_TAG: Final = "other:"


@dataclass(frozen=True, slots=True)
class AsideWeights:
    """Log odds that a sentence is an aside. `rows`: phrase -> its place in `weights`."""

    rows: Mapping[str, int]
    weights: NDArray[np.float64]
    unknown_share: float  # per share of words without a row
    unknown_word: float  # per such word
    bias: float

    def log_odds(self, phrases: frozenset[str]) -> float:
        share, num = unknown(phrases, self.rows)
        known = [self.rows[phrase] for phrase in phrases if phrase in self.rows]
        total = float(self.weights[known].sum())
        return total + self.unknown_share * share + self.unknown_word * num + self.bias

    def words_of(
        self, note: Note, told: Iterable[Mention]
    ) -> tuple[frozenset[int], frozenset[int]]:
        """The places of all words of asides, and these with the words of what may be one; `told`
        are the complaints and dangers of the note. Where nothing else stands in a note, only what
        is surely an aside is one: "unable to palpate radials" is odd, and all that is told."""
        found = [(self.log_odds(phrases), sentence) for sentence, phrases in sentences(note, told)]

        def places(least: float) -> frozenset[int]:
            return frozenset(
                at
                for odds, sentence in found
                if odds > least
                for said in sentence
                for at in range(said.first, said.last)
            )

        every = frozenset(at for said in note.statements for at in range(said.first, said.last))
        aside, doubtful = places(ASIDE_LOG_ODDS), places(DOUBTFUL_LOG_ODDS)
        if aside == every and not note.foreign_sentences:
            aside = places(SOLE_LOG_ODDS)
        return aside, aside if doubtful == every else doubtful


@cache
def asides() -> AsideWeights:
    """The shipped ones. Raises FileNotFoundError where they are missing."""
    with np.load(WEIGHTS_FILE, allow_pickle=False) as arrays:
        phrases = arrays["phrases"].tobytes().decode().split("\n")
        share, word, bias = arrays["others"].tolist()
        return AsideWeights(
            rows={phrase: row for row, phrase in enumerate(phrases)},
            weights=arrays["weights"].astype(np.float64),
            unknown_share=share,
            unknown_word=word,
            bias=bias,
        )


def sentences(
    note: Note, told: Iterable[Mention]
) -> Iterator[tuple[list[Statement], frozenset[str]]]:
    """Sentences without anything `told`, each with its words and pairs of words, of any number and
    of anybody. What is denied, past or of somebody else is a word of its own kind."""
    places = {mention.first for mention in told}
    for _, group in groupby(note.statements, key=lambda said: said.sentence):
        sentence = list(group)
        if not any(said.first <= at < said.last for said in sentence for at in places):
            phrases = frozenset(one for said in sentence for one in _phrases(note, said))
            if phrases:
                yield sentence, phrases


def _phrases(note: Note, said: Statement) -> Iterator[str]:
    words = [word for at in range(said.first, said.last) if (word := _word(note, at))]
    yield from words
    for first, second in pairwise(words):
        yield f"{first} {second}"


def _word(note: Note, at: int) -> str:
    word = note.words[at]
    if word.is_figure:
        return ""
    if word.form[0].isdigit():
        return ANY_NUMBER
    plain = ANYBODY.get(word.form, word.stem)
    assertion = note.assertion(at, at + 1)
    if assertion in PRESENT or not plain:
        return plain
    return _TAGS.get(assertion, _OTHER_TAG) + plain


def unknown(phrases: Iterable[str], rows: Mapping[str, int]) -> tuple[float, int]:
    """Share and number of the words without a row."""
    words = [phrase for phrase in phrases if " " not in phrase]
    num = sum(word not in rows for word in words)
    return num / max(1, len(words)), num
