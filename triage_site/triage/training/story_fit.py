"""Fitting the model of stories: notes without an arrival, told in plain words.

Its material is what the project wrote: scenarios, calls, vignettes. Vignettes came of several
authors; calibration rests on scores of whole files of vignettes that the fit did not see.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from triage_site.triage.classify import Seen, look
from triage_site.triage.decision import Floats
from triage_site.triage.model.phrases import PhraseWeights
from triage_site.triage.model.scoring import NUM_HEADS
from triage_site.triage.reading.clauses import Clause
from triage_site.triage.training.classifier_fit import Heads, Rows, Settings, fit, settle, wording
from triage_site.triage.training.classifier_text import (
    read_asides,
    read_calls,
    read_vignettes,
    training_texts,
)
from triage_site.triage.training.fit_phrases import fit_phrases

TEXT_SEED: Final = 7
TEXT_COPIES: Final = 4
# In the story model, against 1.0 for a scenario.
ROW_WEIGHT: Final = 0.4
SCENARIO_WEIGHT: Final = 1.0
CALL_WEIGHT: Final = 1.0
VIGNETTE_WEIGHT: Final = 2.0
# The forest and the phrases know much of the same: together they are too sure.
FOREST_SHARE: Final = 0.5
NUM_FOLDS: Final = 6
ALWAYS: Final = -1  # the fold of what is in every fit


@dataclass(frozen=True, slots=True)
class Written:
    """Text of the project itself; in one fold are whole files of vignettes."""

    rows: Rows
    weight: Floats

    def keep(self, chosen: NDArray[np.bool_]) -> Written:
        return Written(self.rows.keep(chosen), self.weight[chosen])


@dataclass(frozen=True, slots=True)
class Story:
    heads: Heads
    phrases: PhraseWeights

    def scores(self, features: Floats, seen: list[Seen]) -> Floats:
        return FOREST_SHARE * self.heads.scores(features) + wording(self.phrases, seen)


def read_written() -> Written:
    parts = [
        (ALWAYS, SCENARIO_WEIGHT, list(training_texts(TEXT_SEED, TEXT_COPIES))),
        (ALWAYS, CALL_WEIGHT, read_calls()),
        *(
            (number % NUM_FOLDS, VIGNETTE_WEIGHT, cases)
            for number, cases in enumerate(read_vignettes())
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


def fit_story(rows: Rows, written: Written) -> Story:
    """Phrases from what the project wrote; the forest saw a little of the real rows besides."""
    told = written.rows
    return Story(
        heads=fit(
            np.vstack([rows.features, told.features]),
            np.concatenate([rows.priority, told.priority]),
            np.concatenate([np.full(len(rows.priority), ROW_WEIGHT), written.weight]),
        ),
        phrases=fit_wording(written),
    )


def fit_wording(written: Written) -> PhraseWeights:
    told = [case.view.clauses for case in written.rows.seen]
    return fit_phrases(told, written.rows.priority, written.weight, _asides())


@cache
def _asides() -> list[tuple[Clause, ...]]:
    return [look(facts).view.clauses for facts in read_asides()]


def out_of_file(rows: Rows, written: Written) -> tuple[Floats, Rows]:
    """Scores of every vignette by fits that saw no vignette of its file, and the vignettes."""
    fold = written.rows.fold
    scores = np.zeros((len(fold), NUM_HEADS))
    for number in range(NUM_FOLDS):
        test = fold == number
        asked = written.rows.keep(test)
        scores[test] = fit_story(rows, written.keep(~test)).scores(asked.features, asked.seen)
    told = fold != ALWAYS
    return scores[told], written.rows.keep(told)


def settle_story(rows: Rows, written: Written) -> Settings:
    return settle(*out_of_file(rows, written))
