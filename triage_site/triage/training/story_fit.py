"""Fitting the model of stories: notes without an arrival, told in plain words.

Its material is what the project wrote: scenarios, calls, vignettes. Vignettes came of several
authors; calibration rests on scores of whole files of vignettes that the fit did not see, and
costs on the worst of the sources that are held out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from triage_site.triage.classify import look
from triage_site.triage.decision import Floats, conformal_threshold, decide
from triage_site.triage.evaluation import figures
from triage_site.triage.model.clauses import Clause
from triage_site.triage.model.scoring import NUM_HEADS
from triage_site.triage.training.classifier_fit import (
    COVERAGE,
    Rows,
    Settings,
    settle,
)
from triage_site.triage.training.classifier_text import (
    read_asides,
    read_calls,
    read_vignettes,
    training_texts,
)
from triage_site.triage.training.fit_phrases import Linear, fit_linear

TEXT_SEED: Final = 7
TEXT_COPIES: Final = 4
SCENARIO_WEIGHT: Final = 1.0
CALL_WEIGHT: Final = 1.0
VIGNETTE_WEIGHT: Final = 2.0
# Files by authors who saw neither signs nor code, each in a style of its own: each its own fold.
SOURCES: Final = (
    "nurse_notes", "dispatch_letters", "handbook",
    "teaching", "telegraphic", "medicines", "all_ages",
)  # fmt: skip
NUM_FOLDS: Final = 11
CAUTION_FACTORS: Final = (1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.4, 2.6, 2.8, 3.0)
MAX_STORY_OVER: Final = 0.36
ALWAYS: Final = -1  # the fold of what is in every fit


@dataclass(frozen=True, slots=True)
class Written:
    """Text of the project itself; in one fold are whole files of vignettes."""

    rows: Rows
    weight: Floats

    def keep(self, chosen: NDArray[np.bool_]) -> Written:
        return Written(self.rows.keep(chosen), self.weight[chosen])


def read_written() -> Written:
    parts = [
        (ALWAYS, SCENARIO_WEIGHT, list(training_texts(TEXT_SEED, TEXT_COPIES))),
        (ALWAYS, CALL_WEIGHT, read_calls()),
        *(
            (_fold_of(name, number), VIGNETTE_WEIGHT, cases)
            for number, (name, cases) in enumerate(read_vignettes().items())
        ),
    ]
    cases = [case for _, _, part in parts for case in part]
    seen = [look(facts) for facts, _ in cases]
    return Written(
        rows=Rows(
            seen=seen,
            features=np.array([case.view.row() for case in seen]),
            priority=np.array([priority for _, priority in cases]),
            fold=np.concatenate([np.full(len(part), fold) for fold, _, part in parts]),
        ),
        weight=np.concatenate([np.full(len(part), weight) for _, weight, part in parts]),
    )


def _fold_of(name: str, number: int) -> int:
    others = NUM_FOLDS - len(SOURCES)
    return others + SOURCES.index(name) if name in SOURCES else number % others


def fit_story(written: Written) -> Linear:
    told = [case.view.clauses for case in written.rows.seen]
    rows = written.rows
    return fit_linear(rows.features, told, rows.priority, written.weight, _asides())


@cache
def _asides() -> list[tuple[Clause, ...]]:
    return [look(facts).view.clauses for facts in read_asides()]


def out_of_file(written: Written) -> tuple[Floats, Rows]:
    """Scores of every vignette by fits that saw no vignette of its file, and the vignettes."""
    fold = written.rows.fold
    scores = np.zeros((len(fold), NUM_HEADS))
    for number in range(NUM_FOLDS):
        test = fold == number
        asked = written.rows.keep(test)
        clauses = [case.view.clauses for case in asked.seen]
        scores[test] = fit_story(written.keep(~test)).scores(asked.features, clauses)
    told = fold != ALWAYS
    return scores[told], written.rows.keep(told)


def settle_story(scores: Floats, told: Rows) -> Settings:
    """By the sources of independent authors alone, each scored by fits that saw none of it: what
    holds for the easier files would be too sure elsewhere. The sets hold for the worst source."""
    own = told.fold >= NUM_FOLDS - len(SOURCES)
    settings = settle(scores[own], told.keep(own))
    thresholds = [
        conformal_threshold(settings.probabilities(scores[one]), told.priority[one], COVERAGE)
        for fold in np.unique(told.fold[own])
        for one in [told.fold == fold]
    ]
    return replace(
        settings,
        set_threshold=min(thresholds),
        caution=choose_caution(settings.probabilities(scores[own]), told.keep(own)),
    )


def choose_caution(chances: Floats, told: Rows) -> float:
    """The most that keeps over-triage of the worst source inside its limit.

    Signs were written with these files in view, so that their under-triage looks smaller than it
    is: what over-triage leaves room for is taken."""

    def worst_over(caution: float) -> float:
        final = np.minimum(decide(chances, caution=caution), told.floor)
        sources = [told.fold == fold for fold in np.unique(told.fold)]
        return max(figures.over(told.priority[one], final[one]) for one in sources)

    inside = [factor for factor in CAUTION_FACTORS if worst_over(factor) <= MAX_STORY_OVER]
    return max(inside, default=1.0)
