"""Trains the triage model: `python -m llm_worker.training.train_classifier CSV [--out DIR]`.

CSV has the columns of the KTAS study (Moon et al. 2019, PLOS ONE 14(9): e0216972, data CC BY
4.0) with a `fold` column. Everything that is tuned (calibration, the threshold of the level
sets) is fitted on out-of-fold predictions; the figures of the card are out of fold as well.
"""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from llm_worker.classifier import figures
from llm_worker.classifier.classify import Seen, look
from llm_worker.classifier.decision import (
    DEFAULT_COSTS,
    Costs,
    conformal_threshold,
    decide,
    level_sets,
)
from llm_worker.classifier.features import DIRECTIONS, FEATURES
from llm_worker.classifier.ktas import to_facts
from llm_worker.classifier.model import (
    ARRIVAL,
    NUM_HEADS,
    STORY,
    WEIGHTS_DIR,
    from_scores,
    log_odds,
)
from llm_worker.classifier.rules import most_urgent
from llm_worker.training.classifier_text import read_calls, read_vignettes, training_texts
from llm_worker.training.make_reference import write_reference

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NUM_BAGS: Final = 4
NUM_FREE_TREES: Final = 80
BAG_SHARE: Final = 0.8
TEXT_SEED: Final = 7
TEXT_COPIES: Final = 4
ROW_WEIGHT: Final = 0.4
SCENARIO_WEIGHT: Final = 1.0
CALL_WEIGHT: Final = 1.0
VIGNETTE_WEIGHT: Final = 2.0
COVERAGE: Final = 0.90
MODEL_VERSION: Final = "2026.11-1"

_KINDS: Final = {
    "feature": np.int16, "threshold": np.float64, "left": np.int32, "right": np.int32,
    "value": np.float32,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rows:
    seen: list[Seen]
    features: Floats  # [n, features]
    priority: Ints  # 0..4
    fold: Ints

    def keep(self, chosen: NDArray[np.bool_]) -> Rows:
        seen = [case for case, kept in zip(self.seen, chosen, strict=True) if kept]
        return Rows(seen, self.features[chosen], self.priority[chosen], self.fold[chosen])


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


def read_rows(path: Path) -> Rows:
    with path.open(newline="", encoding="utf-8") as handle:
        records = list(csv.DictReader(handle))
    seen = [look(to_facts(record)) for record in records]
    return Rows(
        seen=seen,
        features=np.array([case.view.row() for case in seen]),
        priority=np.array([int(record["expert_level"]) - 1 for record in records]),
        fold=np.array([int(record["fold"]) for record in records]),
    )


def fit(features: Floats, priority: Ints, weight: Floats) -> Heads:
    return Heads(
        [
            [_booster(features, priority <= head, weight, bag) for bag in range(NUM_BAGS)]
            for head in range(NUM_HEADS)
        ]
    )


def _booster(
    features: Floats, target: NDArray[np.bool_], weight: Floats, seed: int
) -> HistGradientBoostingClassifier:
    keep = np.random.default_rng(seed).random(len(target)) < BAG_SHARE
    rare = target if target.mean() < 0.5 else ~target
    if rare.sum() < 50:
        keep |= rare
    booster = HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=80,
        min_samples_leaf=10,
        max_leaf_nodes=8,
        l2_regularization=5.0,
        max_features=0.4,
        monotonic_cst=[DIRECTIONS[name] for name in FEATURES],
        early_stopping=False,
        random_state=seed,
    )
    return booster.fit(features[keep], target[keep], sample_weight=weight[keep])


@dataclass(frozen=True, slots=True)
class Written:
    """Text of the project itself: scenarios, calls, vignettes, with a weight for each."""

    features: Floats
    priority: Ints
    weight: Floats
    is_call: NDArray[np.bool_]
    is_vignette: NDArray[np.bool_]


def read_written() -> Written:
    scenarios = list(training_texts(TEXT_SEED, TEXT_COPIES))
    calls, vignettes = read_calls(), read_vignettes()
    cases = [*scenarios, *calls, *vignettes]
    sizes = (len(scenarios), len(calls), len(vignettes))
    part = np.repeat(np.arange(3), sizes)
    return Written(
        features=np.array([look(facts).view.row() for facts, _ in cases]),
        priority=np.array([priority for _, priority in cases]),
        weight=np.array([SCENARIO_WEIGHT, CALL_WEIGHT, VIGNETTE_WEIGHT])[part],
        is_call=part == 1,
        is_vignette=part == 2,
    )


def fit_story(features: Floats, priority: Ints, written: Written) -> Heads:
    """For notes without an arrival: what the project wrote, and a little of the real rows."""
    return fit(
        np.vstack([features, written.features]),
        np.concatenate([priority, written.priority]),
        np.concatenate([np.full(len(priority), ROW_WEIGHT), written.weight]),
    )


def fit_free(features: Floats, priority: Ints) -> list[ExtraTreesClassifier]:
    """Extremely randomised trees (Geurts 2006), one forest per head, bound in nothing."""
    return [
        ExtraTreesClassifier(
            NUM_FREE_TREES, min_samples_leaf=3, max_features=0.35, max_depth=12, random_state=0
        ).fit(features, priority <= head)
        for head in range(NUM_HEADS)
    ]


def free_scores(forests: list[ExtraTreesClassifier], features: Floats) -> Floats:
    return log_odds(np.stack([f.predict_proba(features)[:, 1] for f in forests], axis=1))


def out_of_fold(rows: Rows) -> Floats:
    """[n, heads]: scores of both kinds of forest together."""
    scores = np.zeros((len(rows.priority), NUM_HEADS))
    for fold in np.unique(rows.fold):
        train, test = rows.fold != fold, rows.fold == fold
        heads = fit(rows.features[train], rows.priority[train], np.ones(int(train.sum())))
        free = fit_free(rows.features[train], rows.priority[train])
        scores[test] = heads.scores(rows.features[test]) + free_scores(free, rows.features[test])
    return scores


def calibrate(scores: Floats, priority: Ints) -> tuple[Floats, Floats]:
    """Slope and offset per head (Platt), the slope kept positive so that order survives."""
    slope, offset = np.ones(NUM_HEADS), np.zeros(NUM_HEADS)
    for head in range(NUM_HEADS):
        line = LogisticRegression(C=1.0).fit(scores[:, [head]], priority <= head)
        slope[head] = max(0.2, float(line.coef_[0, 0]))
        offset[head] = float(line.intercept_[0])
    return slope, offset


def flatten(heads: Heads) -> tuple[dict[str, NDArray[Any]], list[float], int]:
    """Trees as arrays for `model.Forest`, intercept per head, depth."""
    columns: dict[str, list[Any]] = {
        k: [] for k in ("feature", "threshold", "left", "right", "value")
    }
    roots: list[int] = []
    owner: list[int] = []
    intercept: list[float] = []
    depth = 0
    for head, bag in enumerate(heads.bags):
        intercept.append(float(np.mean([m._baseline_prediction[0, 0] for m in bag])))
        for model in bag:
            for (tree,) in model._predictors:
                roots.append(len(columns["feature"]))
                owner.append(head)
                depth = max(depth, int(tree.nodes["depth"].max()))
                _append(columns, tree.nodes, roots[-1], 1.0 / len(bag))
    arrays = {name: np.array(values, dtype=_KINDS[name]) for name, values in columns.items()}
    arrays["roots"] = np.array(roots, dtype=np.int32)
    arrays["head"] = np.array(owner, dtype=np.int8)
    return arrays, intercept, depth


def flatten_free(forests: list[ExtraTreesClassifier]) -> tuple[dict[str, NDArray[Any]], int]:
    """The same for randomised trees; a leaf holds its share of the mean probability."""
    found: dict[str, list[NDArray[Any]]] = {name: [] for name in _KINDS}
    roots: list[int] = []
    start = 0
    for forest in forests:
        for tree in (estimator.tree_ for estimator in forest.estimators_):
            here = np.arange(tree.node_count)
            leaf = tree.children_left < 0
            counts = tree.value[:, 0, :]
            share = counts[:, 1] / counts.sum(axis=1) / len(forest.estimators_)
            roots.append(start)
            found["feature"].append(np.where(leaf, 0, tree.feature))
            found["threshold"].append(tree.threshold)
            found["left"].append(start + np.where(leaf, here, tree.children_left))
            found["right"].append(start + np.where(leaf, here, tree.children_right))
            found["value"].append(np.where(leaf, share, 0.0))
            start += tree.node_count
    arrays = {name: np.concatenate(parts).astype(_KINDS[name]) for name, parts in found.items()}
    arrays["threshold"] = arrays["threshold"].astype(np.float32)
    arrays["roots"] = np.array(roots, dtype=np.int32)
    arrays["head"] = np.repeat(np.arange(NUM_HEADS), NUM_FREE_TREES).astype(np.int8)
    depth = max(e.get_depth() for forest in forests for e in forest.estimators_)
    return arrays, int(depth)


def _append(columns: dict[str, list[Any]], nodes: NDArray[Any], start: int, share: float) -> None:
    for index, node in enumerate(nodes):
        leaf = bool(node["is_leaf"])
        columns["feature"].append(0 if leaf else int(node["feature_idx"]))
        columns["threshold"].append(0.0 if leaf else float(node["num_threshold"]))
        columns["left"].append(start + (index if leaf else int(node["left"])))
        columns["right"].append(start + (index if leaf else int(node["right"])))
        columns["value"].append(float(node["value"]) * share if leaf else 0.0)


@dataclass(frozen=True, slots=True)
class Fitted:
    arrival: Heads
    free: list[ExtraTreesClassifier]
    story: Heads


def save(folder: Path, fitted: Fitted, scores: Floats, rows: Rows) -> dict[str, Any]:
    slope, offset = calibrate(scores, rows.priority)
    probabilities = from_scores(scores, slope, offset)
    neutral = np.ones(NUM_HEADS), np.zeros(NUM_HEADS)
    arrays: dict[str, NDArray[Any]] = {}
    parts: dict[str, dict[str, Any]] = {}
    lines = ((ARRIVAL, fitted.arrival, (slope, offset)), (STORY, fitted.story, neutral))
    for name, heads, (a, b) in lines:
        table, intercept, depth = flatten(heads)
        arrays |= {f"{name}_{column}": values for column, values in table.items()}
        line = {"slope": a.tolist(), "offset": b.tolist()}
        parts[name] = {"intercept": intercept, "depth": depth, **line}
    table, depth = flatten_free(fitted.free)
    arrays |= {f"{ARRIVAL}_free_{column}": values for column, values in table.items()}
    parts[ARRIVAL]["free_depth"] = depth
    card = {
        "version": MODEL_VERSION,
        "features": list(FEATURES),
        "parts": parts,
        "set_threshold": conformal_threshold(probabilities, rows.priority, COVERAGE),
        "coverage": COVERAGE,
        "num_rows": len(rows.priority),
        "data": "Moon et al. 2019, PLOS ONE 14(9): e0216972, CC BY 4.0; text of this project",
    }
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "model.npz", **arrays)  # type: ignore[arg-type]
    (folder / "model.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return card


def crossed(scores: Floats, rows: Rows) -> Floats:
    """Probabilities of every row from calibration lines that were fitted on the other folds."""
    out = np.zeros((len(scores), NUM_HEADS + 1))
    for fold in np.unique(rows.fold):
        train, test = rows.fold != fold, rows.fold == fold
        out[test] = from_scores(scores[test], *calibrate(scores[train], rows.priority[train]))
    return out


def cross_validated(scores: Floats, rows: Rows, costs: Costs = DEFAULT_COSTS) -> dict[str, Any]:
    """Figures in which no row was judged by anything fitted on it, but for the costs."""
    rng = np.random.default_rng(0)
    probabilities = crossed(scores, rows)
    floor = np.array([most_urgent(case.fired) for case in rows.seen])
    final = np.minimum(decide(probabilities, costs), floor)
    sets: list[tuple[int, ...]] = [()] * len(scores)
    for fold in np.unique(rows.fold):
        train, test = rows.fold != fold, np.flatnonzero(rows.fold == fold)
        limit = conformal_threshold(probabilities[train], rows.priority[train], COVERAGE)
        for index, levels in zip(test, level_sets(probabilities[test], limit), strict=True):
            sets[index] = levels
    return {
        "best_guess": figures.agreement(rows.priority, probabilities.argmax(axis=1), rng),
        "operating_point": figures.agreement(rows.priority, final, rng),
        "rules_alone": figures.agreement(rows.priority, floor, rng),
        "ece": round(figures.calibration_error(rows.priority, probabilities), 4),
        "conformal": figures.set_figures(rows.priority, sets),
        "by_fold": _by_fold(probabilities, final, rows),
        "by_group": _by_group(probabilities, final, rows),
    }


def _by_fold(probabilities: Floats, final: Ints, rows: Rows) -> dict[str, Any]:
    return {
        str(fold): _short(probabilities, final, rows.priority, rows.fold == fold)
        for fold in np.unique(rows.fold)
    }


def _by_group(probabilities: Floats, final: Ints, rows: Rows) -> dict[str, Any]:
    ages = np.array([case.facts.age_years or 0.0 for case in rows.seen])
    sexes = np.array([str(case.facts.sex) for case in rows.seen])
    groups = {
        "female": sexes == "female",
        "male": sexes == "male",
        "under 40": ages < 40,
        "40 to 64": (ages >= 40) & (ages < 65),
        "65 and over": ages >= 65,
    }
    return {
        name: _short(probabilities, final, rows.priority, rows_) for name, rows_ in groups.items()
    }


def _short(
    probabilities: Floats, final: Ints, labels: Ints, chosen: NDArray[np.bool_]
) -> dict[str, Any]:
    best, final, labels = probabilities[chosen].argmax(axis=1), final[chosen], labels[chosen]
    return {
        "rows": int(chosen.sum()),
        "best_exact": round(figures.exact(labels, best), 3),
        "best_qwk": round(figures.kappa(labels, best), 3),
        "under": round(figures.under(labels, final), 3),
        "over": round(figures.over(labels, final), 3),
        "level12_recall": round(figures.level12_recall(labels, final), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("csv", type=Path)
    parser.add_argument("--out", type=Path, default=WEIGHTS_DIR)
    parser.add_argument("--figures", type=Path, help="write the cross-validated figures here")
    parser.add_argument("--leave-out", type=int, help="train without this fold, to judge on it")
    arguments = parser.parse_args()
    rows = read_rows(arguments.csv)
    if arguments.leave_out is not None:
        rows = rows.keep(rows.fold != arguments.leave_out)
    scores = out_of_fold(rows)
    ones = np.ones(len(rows.priority))
    fitted = Fitted(
        arrival=fit(rows.features, rows.priority, ones),
        free=fit_free(rows.features, rows.priority),
        story=fit_story(rows.features, rows.priority, read_written()),
    )
    save(arguments.out, fitted, scores, rows)
    write_reference(arguments.csv, arguments.out)
    found = cross_validated(scores, rows)
    if arguments.figures:
        arguments.figures.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for name in ("best_guess", "operating_point", "rules_alone"):
        shown = {metric: found[name][metric] for metric in figures.METRICS}
        print(f"{name}: {shown}")
    print(f"ece {found['ece']}, sets {found['conformal']}; wrote {arguments.out}")


if __name__ == "__main__":
    main()
