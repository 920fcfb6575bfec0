"""Fitting what tells asides (`asides.txt`: talk to a queue or to a machine) from sentences of
notes: one logistic regression on the words and pairs of words of a sentence.

    python -m triage_site.triage.training.fit_asides

The encoder does not read what is told apart here, so this comes before the fit of the classifier.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression

from triage_site.triage.classify import Seen, look_by_cues
from triage_site.triage.model.asides import WEIGHTS_FILE, AsideWeights, sentences, unknown
from triage_site.triage.reading.note import Mention
from triage_site.triage.training.classifier_text import read_asides, read_vignettes
from triage_site.triage.training.encoder_examples import read_mentions

MIN_SENTENCES: Final = 2  # in which a phrase must stand
STRENGTH: Final = 3.0  # inverse of the penalty
ASIDE_WEIGHT: Final = 3.0  # of an aside, against 1.0 for a sentence of a note
Phrases = frozenset[str]


def fit_asides(notes: Sequence[Seen]) -> AsideWeights:
    """`notes`: of patients. Their sentences that name no complaint and no danger are learned."""
    of_notes = [phrases for case in notes for phrases in _phrases(case)]
    of_asides = [phrases for facts in read_asides() for phrases in _phrases(look_by_cues(facts))]
    every = [*of_notes, *of_asides]
    rows = _vocabulary(of_notes, of_asides)
    unknowns = csr_matrix([unknown(phrases, rows) for phrases in every])
    aside = np.arange(len(every)) >= len(of_notes)
    fitted = LogisticRegression(C=STRENGTH, max_iter=2000).fit(
        csr_matrix(hstack([_table(every, rows), unknowns])),
        aside,
        sample_weight=np.where(aside, ASIDE_WEIGHT, 1.0),
    )
    share, word = fitted.coef_[0][-2:]
    return AsideWeights(
        rows, fitted.coef_[0][:-2], float(share), float(word), float(fitted.intercept_[0])
    )


def save_asides(path: Path, asides: AsideWeights) -> None:
    np.savez_compressed(
        path,
        phrases=np.frombuffer("\n".join(asides.rows).encode(), dtype=np.uint8),
        weights=asides.weights.astype(np.float32),
        others=np.array([asides.unknown_share, asides.unknown_word, asides.bias]),
    )


def _phrases(case: Seen) -> list[Phrases]:
    told: list[Mention] = [*case.named, *(m for item in case.fired for m in item.mentions)]
    return [phrases for _, phrases in sentences(case.note, told)]


def _vocabulary(*sources: Sequence[Phrases]) -> dict[str, int]:
    """Phrase -> row, of those in at least `MIN_SENTENCES` sentences of one source."""
    kept: set[str] = set()
    for source in sources:
        spread = Counter(phrase for phrases in source for phrase in phrases)
        kept |= {phrase for phrase, num in spread.items() if num >= MIN_SENTENCES}
    return {phrase: row for row, phrase in enumerate(sorted(kept))}


def _table(texts: Sequence[Phrases], rows: Mapping[str, int]) -> csr_matrix:
    """[texts, phrases]: 1 where a phrase stands."""
    places = [
        (index, rows[phrase])
        for index, phrases in enumerate(texts)
        for phrase in phrases
        if phrase in rows
    ]
    where = np.array(places, dtype=np.int64).reshape(-1, 2)
    return csr_matrix((np.ones(len(where)), where.T), shape=(len(texts), len(rows)))


def main() -> None:
    vignettes = [facts for cases in read_vignettes().values() for facts, _ in cases]
    notes = [look_by_cues(facts) for facts in (*vignettes, *read_mentions())]
    save_asides(WEIGHTS_FILE, fit_asides(notes))
    print(f"wrote {WEIGHTS_FILE}")


if __name__ == "__main__":
    main()
