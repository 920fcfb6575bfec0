"""Trains the triage model: `python -m llm_worker.training.train_classifier CSV`.

CSV has the columns of the KTAS study (Moon et al. 2019, PLOS ONE 14(9): e0216972, data CC BY
4.0) with a `fold` column. `--cross-validate` trains nothing for use and prints the figures of
docs/MODEL_CARD.md; without it the weights are written.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier

from llm_worker.classifier.classify import look
from llm_worker.classifier.decision import Floats
from llm_worker.classifier.features import FEATURES
from llm_worker.classifier.model import ARRIVAL, NUM_HEADS, STORY, WEIGHTS_DIR
from llm_worker.training import cross_validate
from llm_worker.training.classifier_fit import (
    COVERAGE,
    NUM_FREE_TREES,
    Heads,
    Ints,
    Pair,
    Rows,
    Settings,
    fit,
    fit_rows,
    out_of_fold,
    read_rows,
    settle,
)
from llm_worker.training.classifier_text import read_calls, read_vignettes, training_texts

TEXT_SEED: Final = 7
TEXT_COPIES: Final = 4
# In the story model, against 1.0 for a scenario.
ROW_WEIGHT: Final = 0.4
SCENARIO_WEIGHT: Final = 1.0
CALL_WEIGHT: Final = 1.0
VIGNETTE_WEIGHT: Final = 2.0
MODEL_VERSION: Final = "2026.11-2"

_KINDS: Final = {
    "feature": np.int16, "threshold": np.float64, "left": np.int32, "right": np.int32,
    "value": np.float32,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Written:
    """Text of the project itself: scenarios, calls, vignettes."""

    features: Floats
    priority: Ints
    weight: Floats


def read_written() -> Written:
    parts = (
        (SCENARIO_WEIGHT, list(training_texts(TEXT_SEED, TEXT_COPIES))),
        (CALL_WEIGHT, read_calls()),
        (VIGNETTE_WEIGHT, read_vignettes()),
    )
    cases = [case for _, part in parts for case in part]
    return Written(
        features=np.array([look(facts).view.row() for facts, _ in cases]),
        priority=np.array([priority for _, priority in cases]),
        weight=np.concatenate([np.full(len(part), weight) for weight, part in parts]),
    )


def fit_story(rows: Rows, written: Written) -> Heads:
    """For notes without an arrival: what the project wrote, and a little of the real rows."""
    return fit(
        np.vstack([rows.features, written.features]),
        np.concatenate([rows.priority, written.priority]),
        np.concatenate([np.full(len(rows.priority), ROW_WEIGHT), written.weight]),
    )


def flatten(heads: Heads) -> tuple[dict[str, NDArray[Any]], list[float], int]:
    """Trees as arrays for `model.Forest`, intercept per head, depth."""
    columns: dict[str, list[Any]] = {name: [] for name in _KINDS}
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
    trees = [estimator.tree_ for forest in forests for estimator in forest.estimators_]
    roots = np.concatenate([[0], np.cumsum([tree.node_count for tree in trees])[:-1]])
    for start, tree in zip(roots, trees, strict=True):
        here = np.arange(tree.node_count)
        leaf = tree.children_left < 0
        counts = tree.value[:, 0, :]
        share = counts[:, 1] / counts.sum(axis=1) / NUM_FREE_TREES
        found["feature"].append(np.where(leaf, 0, tree.feature))
        found["threshold"].append(tree.threshold)
        found["left"].append(start + np.where(leaf, here, tree.children_left))
        found["right"].append(start + np.where(leaf, here, tree.children_right))
        found["value"].append(np.where(leaf, share, 0.0))
    arrays = {name: np.concatenate(parts).astype(_KINDS[name]) for name, parts in found.items()}
    arrays["threshold"] = arrays["threshold"].astype(np.float32)
    arrays["roots"] = roots.astype(np.int32)
    arrays["head"] = np.repeat(np.arange(NUM_HEADS), NUM_FREE_TREES).astype(np.int8)
    return arrays, max(int(tree.max_depth) for tree in trees)


def _append(columns: dict[str, list[Any]], nodes: NDArray[Any], start: int, share: float) -> None:
    for index, node in enumerate(nodes):
        leaf = bool(node["is_leaf"])
        columns["feature"].append(0 if leaf else int(node["feature_idx"]))
        columns["threshold"].append(0.0 if leaf else float(node["num_threshold"]))
        columns["left"].append(start + (index if leaf else int(node["left"])))
        columns["right"].append(start + (index if leaf else int(node["right"])))
        columns["value"].append(float(node["value"]) * share if leaf else 0.0)


def save(folder: Path, arrival: Pair, story: Heads, settings: Settings, num_rows: int) -> None:
    arrays: dict[str, NDArray[Any]] = {}
    parts: dict[str, dict[str, Any]] = {}
    neutral = np.ones(NUM_HEADS), np.zeros(NUM_HEADS)
    lines = ((ARRIVAL, arrival.bound, (settings.slope, settings.offset)), (STORY, story, neutral))
    for name, heads, (slope, offset) in lines:
        table, intercept, depth = flatten(heads)
        arrays |= {f"{name}_{column}": values for column, values in table.items()}
        line = {"slope": slope.tolist(), "offset": offset.tolist()}
        parts[name] = {"intercept": intercept, "depth": depth, **line}
    table, depth = flatten_free(arrival.free)
    arrays |= {f"{ARRIVAL}_free_{column}": values for column, values in table.items()}
    parts[ARRIVAL]["free_depth"] = depth
    card = {
        "version": MODEL_VERSION,
        "features": list(FEATURES),
        "parts": parts,
        "set_threshold": settings.set_threshold,
        "coverage": COVERAGE,
        "num_rows": num_rows,
        "data": "Moon et al. 2019, PLOS ONE 14(9): e0216972, CC BY 4.0; text of this project",
    }
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "model.npz", **arrays)  # type: ignore[arg-type]
    (folder / "model.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("csv", type=Path)
    parser.add_argument("--out", type=Path, default=WEIGHTS_DIR)
    parser.add_argument(
        "--cross-validate", action="store_true", help="print the figures instead of training"
    )
    parser.add_argument("--json", action="store_true", help="the figures as one JSON object")
    arguments = parser.parse_args()
    rows = read_rows(arguments.csv)
    if arguments.cross_validate:
        found = cross_validate.cross_validated(rows)
        print(json.dumps(found) if arguments.json else cross_validate.as_text(found))
        return
    settings = settle(out_of_fold(rows), rows)
    story = fit_story(rows, read_written())
    save(arguments.out, fit_rows(rows), story, settings, len(rows.priority))
    print(f"wrote {arguments.out}; chosen costs {settings.costs}, see decision.Costs")


if __name__ == "__main__":
    main()
