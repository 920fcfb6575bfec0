"""Fitting the triage model: boosters, calibration, costs, threshold of the level sets.

For each boundary between levels (P(priority <= k), k = 0..3) bagged monotone boosters on the
rows of patients who were seen arriving, and with a small weight on notes with the measurements of
such patients (`visit_notes`). What is chosen after that (calibration lines, costs,
threshold) is `settle`d on out-of-fold scores. The encoder saw none of these rows.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.ensemble import HistGradientBoostingClassifier

from triage_site.triage.classify import Seen, look
from triage_site.triage.decision import Costs, Floats, conformal_threshold, decide
from triage_site.triage.evaluation import figures
from triage_site.triage.evaluation.columns import to_facts
from triage_site.triage.model.features import DIRECTIONS, FEATURES
from triage_site.triage.model.scoring import NUM_HEADS, from_scores
from triage_site.triage.signs.rules import most_urgent

Ints = NDArray[np.int64]

NUM_BAGS: Final = 4
BAG_SHARE: Final = 0.8
MIN_RARE: Final = 50  # rarer outcomes are in every bag
NOTE_WEIGHT: Final = 0.03  # docs/MODEL_CARD.md says how it was chosen
MIN_SLOPE: Final = 0.2
_FIGURES_NORMAL: Final = FEATURES.index("figures_normal")
COVERAGE: Final = 0.90
# Costs of under-triage by true priority, times a factor that is chosen for the limits below.
COST_SHAPE: Final = (1.0, 1.0, 0.45, 0.33)
COST_FACTORS: Final = (2.0, 2.5, 3.0, 3.5, 4.0, 4.25, 4.5, 4.75, 5.0, 5.5, 6.0, 7.0, 8.0)
MAX_UNDER: Final = 0.06
MAX_OVER: Final = 0.30


@dataclass(frozen=True, slots=True)
class Rows:
    seen: list[Seen]
    features: Floats  # [n, features]
    priority: Ints  # 0..4
    fold: Ints

    def keep(self, chosen: NDArray[np.bool_]) -> Rows:
        seen = [case for case, kept in zip(self.seen, chosen, strict=True) if kept]
        return Rows(seen, self.features[chosen], self.priority[chosen], self.fold[chosen])

    @property
    def floor(self) -> Ints:
        """The least urgent priority that the rules allow, per row."""
        return np.array([most_urgent(case.fired) for case in self.seen])


@dataclass(frozen=True, slots=True)
class Heads:
    """Fitted boosters, `bags[head]`."""

    bags: list[list[HistGradientBoostingClassifier]]

    def scores(self, features: Floats) -> Floats:
        """[n, heads]: mean log odds of P(priority <= head)."""
        return np.stack(
            [np.mean([m.decision_function(features) for m in bag], axis=0) for bag in self.bags],
            axis=1,
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """What is chosen on out-of-fold scores."""

    slope: Floats
    offset: Floats
    set_threshold: float
    costs: Costs
    caution: float = 1.0

    def probabilities(self, scores: Floats) -> Floats:
        return from_scores(scores, self.slope, self.offset)


def read_rows(path: Path) -> Rows:
    """The columns of the KTAS study with `expert_level` and `fold`."""
    with path.open(newline="", encoding="utf-8-sig") as handle:
        records = list(csv.DictReader(handle))
    return rows_of(
        [look(to_facts(record)) for record in records],
        [int(record["expert_level"]) - 1 for record in records],
        [int(record["fold"]) for record in records],
    )


def rows_of(seen: list[Seen], priority: Sequence[int], fold: Sequence[int]) -> Rows:
    """Rows of patients who were seen. That their figures are usual is told by the figures."""
    features = np.array([case.view.row() for case in seen])
    features[:, _FIGURES_NORMAL] = 0.0
    return Rows(seen, features, np.array(priority), np.array(fold))


def fit(features: Floats, priority: Ints, weight: Floats) -> Heads:
    return Heads(
        [
            [_booster(features, priority <= head, weight, bag) for bag in range(NUM_BAGS)]
            for head in range(NUM_HEADS)
        ]
    )


def fit_rows(rows: Rows, notes: Rows) -> Heads:
    """A note counts `NOTE_WEIGHT` of a row of the study."""
    return fit(
        np.vstack([rows.features, notes.features]),
        np.concatenate([rows.priority, notes.priority]),
        np.repeat([1.0, NOTE_WEIGHT], [len(rows.priority), len(notes.priority)]),
    )


def _booster(
    features: Floats, target: NDArray[np.bool_], weight: Floats, seed: int
) -> HistGradientBoostingClassifier:
    keep = np.random.default_rng(seed).random(len(target)) < BAG_SHARE
    rare = target if target.mean() < 0.5 else ~target
    if rare.sum() < MIN_RARE:
        keep |= rare
    booster = HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=110,
        min_samples_leaf=6,
        max_leaf_nodes=8,
        l2_regularization=5.0,
        max_features=0.25,
        monotonic_cst=[DIRECTIONS[name] for name in FEATURES],
        early_stopping=False,
        random_state=seed,
    )
    return booster.fit(features[keep], target[keep], sample_weight=weight[keep])


def out_of_fold(rows: Rows, notes: Rows) -> Floats:
    """[n, heads]: the score of every row from boosters that saw no row and no note of its fold."""
    scores = np.zeros((len(rows.priority), NUM_HEADS))
    for fold in np.unique(rows.fold):
        test = rows.fold == fold
        heads = fit_rows(rows.keep(~test), notes.keep(notes.fold != fold))
        scores[test] = heads.scores(rows.features[test])
    return scores


def calibrate(
    scores: Floats, priority: Ints, weight: Floats | None = None
) -> tuple[Floats, Floats]:
    """One slope for all heads and an offset per head, by maximum likelihood of the level; a row
    counts its `weight`, or each the same.

    That has several optima, since a head never says more than the one behind it. So the search
    begins where each boundary is likeliest by itself, which is one point (logistic regression).
    The slope is kept positive, so that order survives.
    """
    counts = np.ones(len(priority)) if weight is None else weight
    signs = np.where(priority[:, None] <= np.arange(NUM_HEADS), 1.0, -1.0)

    def of_boundaries(line: Floats) -> float:
        missed = np.logaddexp(0.0, -signs * (line[0] * scores + line[1:]))
        return float(np.average(missed.mean(axis=1), weights=counts))

    def of_levels(line: Floats) -> float:
        chances = from_scores(scores, np.full(NUM_HEADS, line[0]), line[1:])
        told = np.log(chances[np.arange(len(priority)), priority])
        return -float(np.average(told, weights=counts))

    start = minimize(of_boundaries, np.zeros(NUM_HEADS + 1), method="BFGS").x
    found = minimize(of_levels, start, method="Nelder-Mead", options={"maxiter": 2000}).x
    return np.full(NUM_HEADS, max(MIN_SLOPE, found[0])), found[1:]


def settle(scores: Floats, rows: Rows, weight: Floats | None = None) -> Settings:
    """Everything that is chosen, from scores in which no row was judged by what saw it. `weight`
    is what each row counts in the calibration."""
    slope, offset = calibrate(scores, rows.priority, weight)
    chances = from_scores(scores, slope, offset)
    return Settings(
        slope=slope,
        offset=offset,
        set_threshold=conformal_threshold(chances, rows.priority, COVERAGE),
        costs=choose_costs(chances, rows),
    )


def choose_costs(chances: Floats, rows: Rows) -> Costs:
    """Those that stay furthest inside both limits, on under- and on over-triage."""

    def strain(factor: float) -> float:
        final = np.minimum(decide(chances, costs_of(factor)), rows.floor)
        return max(
            figures.under(rows.priority, final) / MAX_UNDER,
            figures.over(rows.priority, final) / MAX_OVER,
        )

    return costs_of(min(COST_FACTORS, key=strain))


def costs_of(factor: float) -> Costs:
    first, second, third, fourth = (round(max(1.0, factor * share), 2) for share in COST_SHAPE)
    return Costs(under=(first, second, third, fourth))
