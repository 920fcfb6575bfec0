"""Fitting a linear model of features and phrases: one regression per boundary between levels.

Counts of phrases, rarer ones weighted up by inverse document frequency (Sparck Jones 1972), but
no lengths made equal: what a clause adds must not depend on the others. Weights of features keep
the sign that `features.DIRECTIONS` demands. One more regression tells asides (`asides.txt`: talk
to a queue or to a machine) from sentences of stories.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, diags, hstack
from sklearn.linear_model import LogisticRegression

from triage_site.triage.decision import Floats
from triage_site.triage.model.clauses import Clause
from triage_site.triage.model.features import DIRECTIONS, FEATURES
from triage_site.triage.model.phrases import (
    AsideWeights,
    PhraseWeights,
    beside_complaints,
    by_sentence,
    unknown,
)
from triage_site.triage.model.scoring import NUM_HEADS

Ints = NDArray[np.int64]
Told = Sequence[Sequence[Clause]]

MIN_STORIES: Final = 2  # in which a phrase must stand
STRENGTH: Final = 8.0  # inverse of the penalty
# How strongly a feature may count against a phrase: the larger, the weaker its penalty.
FEATURE_SHARE: Final = 0.1
_LEAST_SPREAD: Final = 0.05
_MAX_STEPS: Final = 200
# Words of triage, or said to a machine: no story's weight may rest on them.
_OF_TRIAGE: Final = re.compile(
    r"\b(?:priorit\w+|triag\w*|urgen(?:t|tly|cy)|non-?urgent\w*|emergent|instructions?|prompts?|"
    r"overrid\w+|classif\w+|algorithm\w*|ignore|disregard|queues?|rank\w*|json|html|script|admin\w*|"
    r"developer|assistant|system|user|llm|ai|chatbot|output|protocol|policy|routine|important|"
    r"decided|danger|level #|(?:level|category|class|code) #|severity|acuity|reviewer|computer|"
    r"program)\b"
)
ASIDE_STRENGTH: Final = 3.0
ASIDE_WEIGHT: Final = 3.0  # of an aside, against 1.0 for a sentence of a story


@dataclass(frozen=True, slots=True)
class Linear:
    """`weights` [features, heads] and `intercept` [heads] beside the phrases."""

    phrases: PhraseWeights
    weights: Floats
    intercept: Floats

    def scores(self, features: Floats, told: Told) -> Floats:
        """[n, heads], as served: dangers never mild, asides left out."""
        scores: Floats = features @ self.weights + self.intercept + self.phrases.scores(told)
        return scores


def fit_linear(
    features: Floats, told: Told, priority: Ints, weight: Floats, asides: Told
) -> Linear:
    rows = _vocabulary(told, asides)
    counts, scale = _scaled_counts(told, rows, _vocabulary(told, ()))
    spread = np.maximum(features.std(axis=0), _LEAST_SPREAD) / FEATURE_SHARE
    table = csr_matrix(hstack([counts, csr_matrix(features / spread)]))
    fitted = np.stack([_fit(table, priority <= head, weight) for head in range(NUM_HEADS)], axis=1)
    num = len(rows)
    return Linear(
        PhraseWeights(rows, fitted[:num] * scale[:, None], _fit_asides(told, asides, rows)),
        fitted[num:-1] / spread[:, None],
        fitted[-1],
    )


def _scaled_counts(
    told: Told, rows: Mapping[str, int], known: Mapping[str, int]
) -> tuple[csr_matrix, Floats]:
    """[texts, phrases], and the factor of each phrase."""
    spread = Counter(phrase for clauses in told for phrase in _distinct(clauses))
    rarity = np.log((1 + len(told)) / (1 + np.array([spread[phrase] for phrase in rows]))) + 1
    weighed = np.array([phrase in known and not _OF_TRIAGE.search(phrase) for phrase in rows])
    counts = _counts([[clause.phrases for clause in clauses] for clauses in told], rows)
    counts = csr_matrix(counts @ diags(rarity * weighed))
    scale = 1 / np.sqrt(counts.multiply(counts).sum() / len(told))
    return csr_matrix(counts * scale), rarity * weighed * scale


def _fit(table: csr_matrix, target: NDArray[np.bool_], weight: Floats) -> Floats:
    """Penalised logistic regression with bounds on the weights of features; the last is the
    intercept."""
    signs = np.where(target, 1.0, -1.0)
    turned = csr_matrix(table.T)

    def loss(at: Floats) -> tuple[float, Floats]:
        margin = signs * (table @ at[:-1] + at[-1])
        slope = -signs * weight / (1.0 + np.exp(margin))
        penalty = at[:-1] / STRENGTH
        value = (weight * np.logaddexp(0.0, -margin)).sum() + 0.5 * (at[:-1] @ penalty)
        return float(value), np.append(turned @ slope + penalty, slope.sum())

    free = [(None, None)] * (table.shape[1] - len(FEATURES))
    bounds: list[Any] = [*free, *(_BOUNDS[DIRECTIONS[name]] for name in FEATURES), (None, None)]
    start = np.zeros(table.shape[1] + 1)
    found: Floats = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _MAX_STEPS}
    ).x
    return found


_BOUNDS: Final = {1: (0.0, None), -1: (None, 0.0), 0: (None, None)}


def _fit_asides(told: Told, asides: Told, rows: Mapping[str, int]) -> AsideWeights:
    of_stories = _sentences(told)
    sentences = [*of_stories, *_sentences(asides)]
    aside = np.arange(len(sentences)) >= len(of_stories)
    unknowns = csr_matrix([unknown(phrases, rows) for phrases in sentences])
    fitted = LogisticRegression(C=ASIDE_STRENGTH, max_iter=2000).fit(
        csr_matrix(hstack([_counts([[phrases] for phrases in sentences], rows), unknowns])),
        aside,
        sample_weight=np.where(aside, ASIDE_WEIGHT, 1.0),
    )
    share, word = fitted.coef_[0][-2:]
    return AsideWeights(
        fitted.coef_[0][:-2], float(share), float(word), float(fitted.intercept_[0])
    )


def _sentences(told: Told) -> list[frozenset[str]]:
    """Of all sentences that name no complaint, their phrases."""
    found = [beside_complaints(sentence) for clauses in told for sentence in by_sentence(clauses)]
    return [phrases for phrases in found if phrases]


def _vocabulary(told: Told, asides: Told) -> dict[str, int]:
    """Phrase -> row, of those in at least `MIN_STORIES` stories, or as many asides."""
    kept: set[str] = set()
    for texts in (told, asides):
        spread = Counter(phrase for clauses in texts for phrase in _distinct(clauses))
        kept |= {phrase for phrase, num in spread.items() if num >= MIN_STORIES}
    return {phrase: row for row, phrase in enumerate(sorted(kept))}


def _distinct(clauses: Iterable[Clause]) -> set[str]:
    return {phrase for clause in clauses for phrase in clause.phrases}


def _counts(texts: Sequence[Sequence[Iterable[str]]], rows: Mapping[str, int]) -> csr_matrix:
    """[texts, phrases]: in how many parts of a text a phrase stands."""
    places = [
        (index, rows[phrase])
        for index, parts in enumerate(texts)
        for phrases in parts
        for phrase in phrases
        if phrase in rows
    ]
    where = np.array(places, dtype=np.int64).reshape(-1, 2)
    return csr_matrix((np.ones(len(where)), where.T), shape=(len(texts), len(rows)))
