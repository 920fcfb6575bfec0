"""What the wording of a story adds: weights of phrases, summed clause by clause. Pure.

The forests see a note through rules and complaint groups; people tell danger in words that no list
foresaw. The weights come of logistic regressions on words and pairs of words. A clause that tells
of a danger never counts against urgency (`clauses`), and every clause counts by itself: so what is
added to a note never takes anything back, and the whole model stays monotone in danger signs.

An aside counts nothing: a sentence that names no complaint and talks as people do to a queue or to
a machine. Nor do words of triage, wherever they stand. Whatever is asked for, it moves no level.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray

from triage_site.triage.model.clauses import Clause

Floats = NDArray[np.float64]

ASIDE_LOG_ODDS: Final = -3.0  # from here on a sentence is taken for an aside: about 5 %


@dataclass(frozen=True, slots=True)
class AsideWeights:
    """Log odds that a sentence is an aside; `phrases` [phrases]."""

    phrases: Floats
    unknown_share: float  # per share of words that stand in no story of the training
    unknown_word: float  # per such word
    bias: float

    def log_odds(self, rows: Mapping[str, int], phrases: frozenset[str]) -> float:
        share, num = unknown(phrases, rows)
        known = [rows[phrase] for phrase in phrases if phrase in rows]
        return float(
            self.phrases[known].sum()
            + self.unknown_share * share
            + self.unknown_word * num
            + self.bias
        )


@dataclass(frozen=True, slots=True)
class PhraseWeights:
    """`rows`: phrase -> row of `weights` [phrases, heads]; all zero where nothing was learnt."""

    rows: Mapping[str, int]
    weights: Floats
    asides: AsideWeights

    def scores(self, cases: Sequence[Sequence[Clause]]) -> Floats:
        """[cases, heads], to be added to the log odds of P(priority <= head)."""
        return np.array([self.by_clause(clauses).sum(axis=0) for clauses in cases])

    def by_clause(self, clauses: Sequence[Clause]) -> Floats:
        """[clauses, heads]: what each of them adds."""
        out = np.zeros((len(clauses), self.weights.shape[1]))
        index = 0
        for sentence in by_sentence(clauses):
            aside = self._is_aside(sentence)
            for clause in sentence:
                if clause.danger or not aside:
                    out[index] = self._of(clause)
                index += 1
        return out

    def weight_of(self, phrase: str) -> float:
        """How much a phrase counts, either way."""
        row = self.rows.get(phrase)
        return 0.0 if row is None else float(np.abs(self.weights[row]).sum())

    def _of(self, clause: Clause) -> Floats:
        known = [self.rows[phrase] for phrase in clause.phrases if phrase in self.rows]
        total: Floats = self.weights[known].sum(axis=0)
        return np.maximum(total, 0.0) if clause.danger else total

    def _is_aside(self, sentence: Sequence[Clause]) -> bool:
        phrases = beside_complaints(sentence)
        return bool(phrases) and self.asides.log_odds(self.rows, phrases) > ASIDE_LOG_ODDS


def by_sentence(clauses: Sequence[Clause]) -> Iterator[list[Clause]]:
    for _, sentence in groupby(clauses, key=lambda clause: clause.sentence):
        yield list(sentence)


def beside_complaints(sentence: Sequence[Clause]) -> frozenset[str]:
    """The phrases of a sentence that names no complaint, but for those of a danger it tells."""
    if any(clause.names_complaint and not clause.danger for clause in sentence):
        return frozenset()
    return frozenset(p for clause in sentence if not clause.danger for p in clause.phrases)


def unknown(phrases: Iterable[str], rows: Mapping[str, int]) -> tuple[float, int]:
    """Share and number of the words without a row."""
    words = [phrase for phrase in phrases if " " not in phrase]
    num = sum(word not in rows for word in words)
    return num / max(1, len(words)), num
