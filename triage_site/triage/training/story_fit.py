"""Fitting the model of stories: notes without an arrival, told in plain words.

Its material is the vignettes of which the encoder learned nothing, so that what it says of them is
as good as it will be elsewhere. They came of several authors; calibration rests on scores of whole
files that the fit did not see, and costs on the worst of the sources that are held out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from triage_site.triage.classify import look
from triage_site.triage.decision import Floats, conformal_threshold, decide
from triage_site.triage.evaluation import figures
from triage_site.triage.model.features import BLOCKS, DIRECTIONS, FEATURES
from triage_site.triage.model.scoring import NUM_HEADS
from triage_site.triage.training.classifier_fit import (
    COVERAGE,
    Rows,
    Settings,
    settle,
)
from triage_site.triage.training.classifier_text import OF_ENCODER, read_calls, read_vignettes

# Files by authors who saw neither signs nor code, each in a style of its own.
SOURCES: Final = (
    "nurse_notes", "dispatch_letters", "handbook",
    "teaching", "telegraphic", "medicines", "all_ages",
)  # fmt: skip
NUM_FOLDS: Final = 3
IN_EVERY_FIT: Final = -1
STRENGTH: Final = 8.0  # inverse of the penalty
_LEAST_SPREAD: Final = 0.05
_MAX_STEPS: Final = 500
CAUTION_FACTORS: Final = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0)
MAX_STORY_UNDER: Final = 0.10
MAX_STORY_OVER: Final = 0.35
# Signs and complaints do not speak here: they were written with these files in view, so that a
# note without a sign would count as calm. A sign sets the least urgent level all the same.
_BLOCKS: Final = ("vitals", "circumstances", "words")
_SPEAKING: Final = frozenset(name for block in _BLOCKS for name in BLOCKS[block]) - {
    "age", "age_over_65", "age_under_30",  # the encoder knows the age
}  # fmt: skip
ALWAYS: Final = ""  # the source of what is in every fit


@dataclass(frozen=True, slots=True)
class Written:
    """Text of the project itself, with the name of its file; in one fold are whole files."""

    rows: Rows
    source: NDArray[np.str_]

    def keep(self, chosen: NDArray[np.bool_]) -> Written:
        return Written(self.rows.keep(chosen), self.source[chosen])


def read_written() -> Written:
    files = {
        ALWAYS: read_calls(),
        **{name: cases for name, cases in read_vignettes().items() if name not in OF_ENCODER},
    }
    seen = [look(facts) for cases in files.values() for facts, _ in cases]
    return Written(
        rows=Rows(
            seen=seen,
            features=np.array([case.view.row() for case in seen]),
            priority=np.array([priority for cases in files.values() for _, priority in cases]),
            fold=np.concatenate(
                [np.full(len(part), fold_of(name)) for name, part in files.items()]
            ),
        ),
        source=np.concatenate([np.full(len(part), name) for name, part in files.items()]),
    )


def fold_of(source: str) -> int:
    """Of a file of notes. What has no file is in every fit."""
    if source == ALWAYS:
        return IN_EVERY_FIT
    return int(hashlib.sha256(source.encode()).hexdigest(), 16) % NUM_FOLDS


@dataclass(frozen=True, slots=True)
class Linear:
    """`weights` [features, heads] and `intercept` [heads]."""

    weights: Floats
    intercept: Floats

    def scores(self, features: Floats) -> Floats:
        """[n, heads]"""
        scores: Floats = features @ self.weights + self.intercept
        return scores


def fit_story(written: Written) -> Linear:
    """One penalised logistic regression per boundary between levels; the weights keep the sign
    that `features.DIRECTIONS` demands."""
    features, priority = written.rows.features, written.rows.priority
    spread = np.maximum(features.std(axis=0), _LEAST_SPREAD)
    fitted = np.stack(
        [_fit(features / spread, priority <= head) for head in range(NUM_HEADS)], axis=1
    )
    return Linear(fitted[:-1] / spread[:, None], fitted[-1])


_BOUNDS: Final = {1: (0.0, None), -1: (None, 0.0), 0: (None, None)}


def _bounds(name: str) -> tuple[float | None, float | None]:
    return _BOUNDS[DIRECTIONS[name]] if name in _SPEAKING else (0.0, 0.0)


def _fit(table: Floats, target: NDArray[np.bool_]) -> Floats:
    """The weights, and last the intercept."""
    signs = np.where(target, 1.0, -1.0)

    def loss(at: Floats) -> tuple[float, Floats]:
        margin = signs * (table @ at[:-1] + at[-1])
        slope = -signs / (1.0 + np.exp(margin))
        penalty = at[:-1] / STRENGTH
        value = np.logaddexp(0.0, -margin).sum() + 0.5 * (at[:-1] @ penalty)
        return float(value), np.append(slope @ table + penalty, slope.sum())

    bounds: list[Any] = [*map(_bounds, FEATURES), (None, None)]
    start = np.zeros(table.shape[1] + 1)
    found: Floats = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _MAX_STEPS}
    ).x
    return found


@dataclass(frozen=True, slots=True)
class Told:
    """Notes with `scores` [n, heads] by fits that saw none of their file."""

    scores: Floats
    rows: Rows
    source: NDArray[np.str_]

    def keep(self, chosen: NDArray[np.bool_]) -> Told:
        return Told(self.scores[chosen], self.rows.keep(chosen), self.source[chosen])

    def of_sources(self) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        """Each source of an independent author with its notes."""
        for name in SOURCES:
            chosen = self.source == name
            if chosen.any():
                yield name, chosen


def out_of_file(written: Written) -> Told:
    fold = written.rows.fold
    scores = np.zeros((len(fold), NUM_HEADS))
    for number in range(NUM_FOLDS):
        test = fold == number
        scores[test] = fit_story(written.keep(~test)).scores(written.rows.features[test])
    told = np.isin(written.source, SOURCES)
    return Told(scores[told], written.rows.keep(told), written.source[told])


def settle_story(told: Told) -> Settings:
    """By the sources of independent authors alone, each scored by fits that saw none of it: what
    holds for the easier files would be too sure elsewhere. The sets hold for the worst source."""
    settings = settle(told.scores, told.rows)
    chances = settings.probabilities(told.scores)
    thresholds = [
        conformal_threshold(chances[one], told.rows.priority[one], COVERAGE)
        for _, one in told.of_sources()
    ]
    return replace(settings, set_threshold=min(thresholds), caution=choose_caution(chances, told))


def choose_caution(chances: Floats, told: Told) -> float:
    """The one that stays furthest inside both limits in every source, on under- and over-triage."""

    def strain(caution: float) -> float:
        final = np.minimum(decide(chances, caution=caution), told.rows.floor)
        return max(
            max(
                figures.under(told.rows.priority[one], final[one]) / MAX_STORY_UNDER,
                figures.over(told.rows.priority[one], final[one]) / MAX_STORY_OVER,
            )
            for _, one in told.of_sources()
        )

    return min(CAUTION_FACTORS, key=strain)
