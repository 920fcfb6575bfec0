"""Designs that were tried: `python -m triage_site.triage.training.compare_designs CSV`.

Each design gives log odds of P(priority <= k) for k = 0..3, out of fold; calibration is fitted
on the other folds, as for the shipped model. Prints one line for each: exact, quadratic kappa,
calibration error of the best guess, and mean log loss.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from triage_site.triage.decision import Floats
from triage_site.triage.evaluation import figures
from triage_site.triage.model.features import NUMBERS
from triage_site.triage.model.phrases import PhraseWeights
from triage_site.triage.model.scoring import NUM_HEADS, from_scores
from triage_site.triage.reading.note import read
from triage_site.triage.training.classifier_fit import (
    Ints,
    Rows,
    calibrate,
    fit,
    fit_rows,
    read_rows,
)
from triage_site.triage.training.distil import fit_student, fit_teacher, log_odds, teacher_scores
from triage_site.triage.training.story_fit import fit_wording, read_written

Design = Callable[[Rows, Rows], Floats]
_TREES: Final = 300
_NUM_NUMBERS: Final = len(NUMBERS)


def texts(rows: Rows) -> list[str]:
    return [read(case.facts.text).plain for case in rows.seen]


def linear(features: Callable[[Rows, Rows], tuple[csr_matrix, csr_matrix]]) -> Design:
    """Cumulative logistic regressions, one per boundary."""

    def design(train: Rows, test: Rows) -> Floats:
        known, asked = features(train, test)
        return np.stack(
            [
                LogisticRegression(C=0.5, max_iter=2000)
                .fit(known, train.priority <= head)
                .decision_function(asked)
                for head in range(NUM_HEADS)
            ],
            axis=1,
        )

    return design


def word_grams(train: Rows, test: Rows) -> tuple[csr_matrix, csr_matrix]:
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    return _with_numbers(words, train, test)


def char_grams(train: Rows, test: Rows) -> tuple[csr_matrix, csr_matrix]:
    chars = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True)
    return _with_numbers(chars, train, test)


def groups_only(train: Rows, test: Rows) -> tuple[csr_matrix, csr_matrix]:
    return csr_matrix(train.features), csr_matrix(test.features)


def _with_numbers(grams: TfidfVectorizer, train: Rows, test: Rows) -> tuple[csr_matrix, csr_matrix]:
    known, asked = grams.fit_transform(texts(train)), grams.transform(texts(test))
    numbers = (csr_matrix(rows.features[:, :_NUM_NUMBERS]) for rows in (train, test))
    first, second = numbers
    return csr_matrix(hstack([known, first])), csr_matrix(hstack([asked, second]))


def monotone(train: Rows, test: Rows) -> Floats:
    return fit(train.features, train.priority, np.ones(len(train.priority))).scores(test.features)


def shipped(train: Rows, test: Rows) -> Floats:
    return fit_rows(train, _phrases()).scores(test.features, test.seen)


@lru_cache
def _phrases() -> PhraseWeights:
    return fit_wording(read_written())


def randomised(train: Rows, test: Rows) -> Floats:
    return teacher_scores(fit_teacher(train.features, train.priority), test.features)


def student(train: Rows, test: Rows) -> Floats:
    fitted = fit_student(train.features, train.priority)
    return np.stack([booster.predict(test.features) for booster in fitted], axis=1)


def five_classes(train: Rows, test: Rows) -> Floats:
    """Boosted trees that know nothing of the order of levels."""
    model = HistGradientBoostingClassifier(
        learning_rate=0.05, max_iter=80, min_samples_leaf=10, max_leaf_nodes=8,
        l2_regularization=5.0, random_state=0,
    )  # fmt: skip
    chances = model.fit(train.features, train.priority).predict_proba(test.features)
    return log_odds(np.cumsum(chances, axis=1)[:, :NUM_HEADS])


def forest_of_grams(train: Rows, test: Rows) -> Floats:
    known, asked = char_grams(train, test)
    shares = [
        ExtraTreesClassifier(_TREES, min_samples_leaf=2, random_state=0)
        .fit(known, train.priority <= head)
        .predict_proba(asked)[:, 1]
        for head in range(NUM_HEADS)
    ]
    return log_odds(np.stack(shares, axis=1))


def mean_of(*parts: Design) -> Design:
    return lambda train, test: np.mean([part(train, test) for part in parts], axis=0)


def rules_alone(_train: Rows, test: Rows) -> Floats:
    """The safety net alone, as a hard guess."""
    return np.where(test.floor[:, None] <= np.arange(NUM_HEADS), 3.0, -3.0)


DESIGNS: Final[dict[str, Design]] = {
    "rules alone": rules_alone,
    "logistic, word n-grams": linear(word_grams),
    "logistic, character n-grams": linear(char_grams),
    "logistic, complaint groups": linear(groups_only),
    "boosted trees, five classes": five_classes,
    "randomised trees, character n-grams": forest_of_grams,
    "randomised trees": randomised,
    "monotone boosted trees": monotone,
    "monotone student of randomised trees": student,
    "monotone + randomised": mean_of(monotone, randomised),
    "monotone + student + phrases (shipped)": shipped,
    "monotone + character n-grams": mean_of(monotone, linear(char_grams)),
    "shipped + character n-grams": mean_of(shipped, shipped, linear(char_grams)),
}


def out_of_fold(design: Design, rows: Rows) -> Floats:
    scores = np.zeros((len(rows.priority), NUM_HEADS))
    for fold in np.unique(rows.fold):
        test = rows.fold == fold
        scores[test] = design(rows.keep(~test), rows.keep(test))
    return scores


def crossed(scores: Floats, rows: Rows) -> Floats:
    """Probabilities of every row by calibration lines that were fitted on the other folds."""
    out = np.zeros((len(scores), NUM_HEADS + 1))
    for fold in np.unique(rows.fold):
        test = rows.fold == fold
        out[test] = from_scores(scores[test], *calibrate(scores[~test], rows.priority[~test]))
    return out


def line(name: str, scores: Floats, rows: Rows) -> str:
    chances = crossed(scores, rows)
    best: Ints = chances.argmax(axis=1)
    loss = -np.mean(np.log(chances[np.arange(len(best)), rows.priority]))
    return (
        f"{name:38} exact {figures.exact(rows.priority, best):.3f} "
        f"kappa {figures.kappa(rows.priority, best):.3f} "
        f"ece {figures.calibration_error(rows.priority, chances):.3f} loss {loss:.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("csv", type=Path)
    rows = read_rows(parser.parse_args().csv)
    for name, design in DESIGNS.items():
        print(line(name, out_of_fold(design, rows), rows), flush=True)


if __name__ == "__main__":
    main()
