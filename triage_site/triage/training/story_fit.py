"""Fitting the model of stories: notes without an arrival, told in plain words.

Its material is the vignettes of which the encoder learned nothing, so that what it says of them is
as good as it will be elsewhere. Calibration, sets and caution rest on notes of fifteen more authors
that neither the encoder nor the fit sees (`checks/calibration_*.jsonl`), and on the worst of them.
They are settled again for the encoder that is shipped: it says more than the one of the fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from triage_site.triage.classify import look
from triage_site.triage.decision import Floats, conformal_threshold, decide
from triage_site.triage.facts import CaseFacts
from triage_site.triage.model.features import BLOCKS, DIRECTIONS, FEATURES, WAYS_OF_ARRIVAL
from triage_site.triage.model.scoring import NUM_HEADS
from triage_site.triage.training.classifier_fit import (
    COVERAGE,
    Ints,
    Rows,
    Settings,
    settle,
)
from triage_site.triage.training.classifier_text import (
    OF_ENCODER,
    read_calibration,
    read_calls,
    read_vignettes,
)
from triage_site.triage.types import NUM_PRIORITIES

STRENGTH: Final = 8.0  # inverse of the penalty
# The most log odds that one step of a vital sign may add. Few notes have the rarer odd values, and
# the fit made of a diastolic pressure of 102 an emergency: nobody wrote it beside a trifle.
STEEPEST: Final = 3.0
_LEAST_SPREAD: Final = 0.05
_MAX_STEPS: Final = 500
CAUTION_FACTORS: Final = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0)
# Of the levels of one author's notes, those that may be refused as too mild and as too urgent.
MOST_MILD_SHARE: Final = 0.10
MOST_URGENT_SHARE: Final = 0.30
# Signs and complaints do not speak here: they were written with these files in view, so that a
# note without a sign would count as calm. A sign sets the least urgent level all the same.
_BLOCKS: Final = ("vitals", "circumstances", "words")
_SPEAKING: Final = frozenset(name for block in _BLOCKS for name in BLOCKS[block]) - {
    "age", "age_over_65", "age_under_30",  # the encoder knows the age
    *WAYS_OF_ARRIVAL, "seen_in_person",  # the part of visits knows them
}  # fmt: skip


def read_written() -> Rows:
    """Text of the project itself, for the fit."""
    vignettes = read_vignettes()
    learned = [case for name in vignettes.keys() - OF_ENCODER for case in vignettes[name]]
    return _rows([*read_calls(), *learned])


def _rows(cases: Sequence[tuple[CaseFacts, int]]) -> Rows:
    seen = [look(facts) for facts, _ in cases]
    return Rows(
        seen=seen,
        features=np.array([case.view.row() for case in seen]),
        priority=np.array([priority for _, priority in cases]),
        fold=np.zeros(len(cases), dtype=np.int64),
    )


@dataclass(frozen=True, slots=True)
class Linear:
    """`weights` [features, heads] and `intercept` [heads]."""

    weights: Floats
    intercept: Floats

    def scores(self, features: Floats) -> Floats:
        """[n, heads]"""
        scores: Floats = features @ self.weights + self.intercept
        return scores


def fit_story(written: Rows) -> Linear:
    """One penalised logistic regression per boundary between levels; the weights keep the sign
    that `features.DIRECTIONS` demands, and those of vital signs are at most `STEEPEST`."""
    features, priority = written.features, written.priority
    spread = np.maximum(features.std(axis=0), _LEAST_SPREAD)
    bounds = [_bounds(name, unit) for name, unit in zip(FEATURES, spread, strict=True)]
    fitted = np.stack(
        [_fit(features / spread, priority <= head, bounds) for head in range(NUM_HEADS)], axis=1
    )
    return Linear(fitted[:-1] / spread[:, None], fitted[-1])


Bounds = tuple[float | None, float | None]
_BOUNDS: Final[dict[int, Bounds]] = {1: (0.0, None), -1: (None, 0.0), 0: (None, None)}


def _bounds(name: str, unit: float) -> Bounds:
    """Of the weight of a feature in units of its spread."""
    if name not in _SPEAKING:
        return 0.0, 0.0
    if name in BLOCKS["vitals"] and DIRECTIONS[name] == 1:
        return 0.0, STEEPEST * unit
    return _BOUNDS[DIRECTIONS[name]]


def _fit(table: Floats, target: NDArray[np.bool_], bounds: Sequence[Bounds]) -> Floats:
    """The weights, and last the intercept."""
    signs = np.where(target, 1.0, -1.0)

    def loss(at: Floats) -> tuple[float, Floats]:
        margin = signs * (table @ at[:-1] + at[-1])
        slope = -signs / (1.0 + np.exp(margin))
        penalty = at[:-1] / STRENGTH
        value = np.logaddexp(0.0, -margin).sum() + 0.5 * (at[:-1] @ penalty)
        return float(value), np.append(slope @ table + penalty, slope.sum())

    start = np.zeros(table.shape[1] + 1)
    found: Floats = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[*bounds, (None, None)],
        options={"maxiter": _MAX_STEPS},
    ).x
    return found


@dataclass(frozen=True, slots=True)
class Told:
    """Notes with `scores` [n, heads] by what saw none of them. `accepted` [n, 2]: the most and the
    least urgent priority that the author accepts."""

    scores: Floats
    rows: Rows
    accepted: Ints
    source: NDArray[np.str_]

    def keep(self, chosen: NDArray[np.bool_]) -> Told:
        return Told(
            self.scores[chosen], self.rows.keep(chosen), self.accepted[chosen], self.source[chosen]
        )

    def of_sources(self) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        """Each author's file with its notes."""
        for name in np.unique(self.source):
            yield str(name), self.source == name


def never_learned(scores: Callable[[Floats], Floats]) -> Told:
    """The notes that are kept for calibration; `scores` judges their features."""
    kept = [(name, note) for name, notes in read_calibration().items() for note in notes]
    rows = _rows([(note.facts, note.priority) for _, note in kept])
    return Told(
        scores=scores(rows.features),
        rows=rows,
        accepted=np.array([(min(note.accepted), max(note.accepted)) for _, note in kept]),
        source=np.array([name for name, _ in kept]),
    )


def settle_story(told: Told) -> Settings:
    """By notes of independent authors that no fit saw. The sets hold for the worst source.

    Each level counts the same in the calibration: how many notes of a level there are is what the
    authors were asked for, and no frequency of any department.
    """
    priority = told.rows.priority
    rarity = 1.0 / np.maximum(np.bincount(priority, minlength=NUM_PRIORITIES), 1)
    settings = settle(told.scores, told.rows, rarity[priority])
    chances = settings.probabilities(told.scores)
    thresholds = [
        conformal_threshold(chances[one], told.rows.priority[one], COVERAGE)
        for _, one in told.of_sources()
    ]
    return replace(settings, set_threshold=min(thresholds), caution=choose_caution(chances, told))


def choose_caution(chances: Floats, told: Told) -> float:
    """The one that stays furthest inside both limits, on levels that the worst author refuses as
    too mild and as too urgent; the lowest of equals."""

    def strain(caution: float) -> float:
        final = np.minimum(decide(chances, caution=caution), told.rows.floor)
        too_urgent, too_mild = final < told.accepted[:, 0], final > told.accepted[:, 1]
        return max(
            float(refused[one].mean()) / limit
            for refused, limit in ((too_urgent, MOST_URGENT_SHARE), (too_mild, MOST_MILD_SHARE))
            for _, one in told.of_sources()
        )

    return min(CAUTION_FACTORS, key=strain)
