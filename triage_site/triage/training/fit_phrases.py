"""Fitting the weights of phrases: one logistic regression per boundary between levels.

Counts of phrases, rarer ones weighted up by inverse document frequency (Sparck Jones 1972), but
no lengths made equal: what a clause adds must not depend on the others. One more regression tells
asides (`asides.txt`: talk to a queue or to a machine) from sentences of stories.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags, hstack
from sklearn.linear_model import LogisticRegression

from triage_site.triage.decision import Floats
from triage_site.triage.model.phrases import (
    AsideWeights,
    PhraseWeights,
    beside_complaints,
    by_sentence,
    unknown,
)
from triage_site.triage.model.scoring import NUM_HEADS
from triage_site.triage.reading.clauses import Clause

Ints = NDArray[np.int64]
Told = Sequence[Sequence[Clause]]

MIN_STORIES: Final = 2  # in which a phrase must stand
STRENGTH: Final = 8.0  # inverse of the penalty
# Words of triage, or said to a machine: no story's weight may rest on them.
_OF_TRIAGE: Final = re.compile(
    r"\b(?:priorit\w+|triag\w*|urgen(?:t|tly|cy)|non-?urgent\w*|emergent|instructions?|prompts?|"
    r"overrid\w+|classif\w+|algorithm\w*|ignore|disregard|queues?|rank\w*|json|html|script|admin\w*|"
    r"developer|assistant|system|user|llm|ai|chatbot|output|protocol|policy|routine|important|"
    r"decided|level #|(?:level|category|class|code) #|severity|acuity|reviewer|computer|program)\b"
)
ASIDE_STRENGTH: Final = 3.0
ASIDE_WEIGHT: Final = 3.0  # of an aside, against 1.0 for a sentence of a story


def fit_phrases(told: Told, priority: Ints, weight: Floats, asides: Told) -> PhraseWeights:
    rows = _vocabulary(told, asides)
    known = _vocabulary(told, ())
    spread = Counter(phrase for clauses in told for phrase in _distinct(clauses))
    rarity = np.log((1 + len(told)) / (1 + np.array([spread[phrase] for phrase in rows]))) + 1
    counted = [[clause.phrases for clause in clauses] for clauses in told]
    weighed = [phrase in known and not _OF_TRIAGE.search(phrase) for phrase in rows]
    counts = csr_matrix(_counts(counted, rows) @ diags(rarity * weighed))
    scale = 1 / np.sqrt(counts.multiply(counts).sum() / len(told))
    fitted = [
        LogisticRegression(C=STRENGTH, max_iter=2000)
        .fit(counts * scale, priority <= head, sample_weight=weight)
        .coef_[0]
        for head in range(NUM_HEADS)
    ]
    weights = np.stack(fitted, axis=1) * (rarity * scale)[:, None]
    return PhraseWeights(rows, weights, _fit_asides(told, asides, rows))


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
