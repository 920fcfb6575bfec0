"""Fitting the model of stories: notes without an arrival, told in plain words.

Its material is what the project wrote: scenarios, calls, vignettes. Vignettes came of several
authors; calibration rests on scores of whole files of vignettes that the fit did not see, and
costs on the worst of the sources that are held out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from triage_site.triage.classify import Seen, look
from triage_site.triage.decision import Floats, conformal_threshold, decide
from triage_site.triage.evaluation import figures
from triage_site.triage.facts import CaseFacts
from triage_site.triage.model.clauses import Clause
from triage_site.triage.model.scoring import NUM_HEADS
from triage_site.triage.reading.note import read
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
from triage_site.triage.training.held_out import NUM_FOLDS, HeldOut, fold_of

TEXT_SEED: Final = 7
TEXT_COPIES: Final = 4
SCENARIO_WEIGHT: Final = 1.0
CALL_WEIGHT: Final = 1.0
VIGNETTE_WEIGHT: Final = 2.0
# Files by authors who saw neither signs nor code, each in a style of its own. The files of
# `mentions` are not learned here: half of their notes mislead on purpose, and a sum of words
# cannot tell them apart. With them everyday words became alarms.
SOURCES: Final = (
    "nurse_notes", "dispatch_letters", "handbook",
    "teaching", "telegraphic", "medicines", "all_ages",
)  # fmt: skip
CAUTION_FACTORS: Final = (1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.4, 2.6, 2.8, 3.0)
MAX_STORY_OVER: Final = 0.36
ALWAYS: Final = ""  # the source of what is in every fit


@dataclass(frozen=True, slots=True)
class Written:
    """Text of the project itself, with the name of its file; in one fold are whole files, the
    same as in that fold of the encoder."""

    rows: Rows
    weight: Floats
    source: NDArray[np.str_]

    def keep(self, chosen: NDArray[np.bool_]) -> Written:
        return Written(self.rows.keep(chosen), self.weight[chosen], self.source[chosen])


def read_written() -> Written:
    parts = [
        (ALWAYS, SCENARIO_WEIGHT, list(training_texts(TEXT_SEED, TEXT_COPIES))),
        (ALWAYS, CALL_WEIGHT, read_calls()),
        *((name, VIGNETTE_WEIGHT, cases) for name, cases in read_vignettes().items()),
    ]
    cases = [case for _, _, part in parts for case in part]
    held_out = HeldOut.load()
    seen = [look_held_out(facts, held_out) for facts, _ in cases]
    return Written(
        rows=Rows(
            seen=seen,
            features=np.array([case.view.row() for case in seen]),
            priority=np.array([priority for _, priority in cases]),
            fold=np.concatenate([np.full(len(part), fold_of(name)) for name, _, part in parts]),
        ),
        weight=np.concatenate([np.full(len(part), weight) for _, weight, part in parts]),
        source=np.concatenate([np.full(len(part), name) for name, _, part in parts]),
    )


def look_held_out(facts: CaseFacts, held_out: HeldOut) -> Seen:
    """With what an encoder says that saw no note of its file."""
    return look(facts, held_out.of(facts, read(facts.text)))


def fit_story(written: Written) -> Linear:
    told = [case.view.clauses for case in written.rows.seen]
    rows = written.rows
    return fit_linear(rows.features, told, rows.priority, written.weight, _asides())


@cache
def _asides() -> list[tuple[Clause, ...]]:
    return [look(facts).view.clauses for facts in read_asides()]


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
        asked = written.rows.keep(test)
        clauses = [case.view.clauses for case in asked.seen]
        scores[test] = fit_story(written.keep(~test)).scores(asked.features, clauses)
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
    """The most that keeps over-triage of the worst source inside its limit.

    Signs were written with these files in view, so that their under-triage looks smaller than it
    is: what over-triage leaves room for is taken."""

    def worst_over(caution: float) -> float:
        final = np.minimum(decide(chances, caution=caution), told.rows.floor)
        return max(
            figures.over(told.rows.priority[one], final[one]) for _, one in told.of_sources()
        )

    inside = [factor for factor in CAUTION_FACTORS if worst_over(factor) <= MAX_STORY_OVER]
    return max(inside, default=1.0)
