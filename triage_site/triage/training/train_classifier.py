"""Trains the triage model: `python -m triage_site.triage.training.train_classifier CSV`.

CSV has the columns of the KTAS study (Moon et al. 2019, PLOS ONE 14(9): e0216972, data CC BY
4.0) with a `fold` column. `--cross-validate` trains nothing for use and prints the figures of
docs/MODEL_CARD.md; without it the weights are written. `--visits` fits the part of visits alone, on
the encoder as it is shipped, which learned none of its rows and of its notes.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from triage_site.triage.decision import Floats
from triage_site.triage.model import naming
from triage_site.triage.model.encoder import encoder_version
from triage_site.triage.model.features import FEATURES
from triage_site.triage.model.scoring import ARRIVAL, STORY, WEIGHTS_DIR, load
from triage_site.triage.training import cross_validate
from triage_site.triage.training.classifier_fit import (
    COVERAGE,
    Heads,
    Settings,
    fit_rows,
    out_of_fold,
    read_rows,
    settle,
)
from triage_site.triage.training.fit_complaints import (
    fit_names,
    names_as_text,
    read_labelled,
    save_names,
)
from triage_site.triage.training.fit_complaints import (
    out_of_file as names_out_of_file,
)
from triage_site.triage.training.make_reference import write_reference
from triage_site.triage.training.story_fit import (
    Linear,
    fit_story,
    never_learned,
    read_written,
    settle_story,
)
from triage_site.triage.training.visit_notes import as_visits

MODEL_VERSION: Final = "2026.12-4"

_KINDS: Final = {
    "feature": np.int16, "threshold": np.float64, "left": np.int32, "right": np.int32,
    "value": np.float32,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trees:
    """Boosters as `model.Forest` wants them: every tree counts `share` of its leaf values."""

    predictors: list[tuple[int, Any, float]]  # (head, tree, share)
    intercept: Floats  # per head


def trees_of(heads: Heads) -> Trees:
    """The mean of the bags."""
    return Trees(
        [
            (head, tree, 1.0 / len(bag))
            for head, bag in enumerate(heads.bags)
            for model in bag
            for (tree,) in model._predictors
        ],
        np.array([np.mean([m._baseline_prediction[0, 0] for m in b]) for b in heads.bags]),
    )


def flatten(trees: Trees) -> tuple[dict[str, NDArray[Any]], int]:
    """As arrays for `model.Forest`, and the depth."""
    columns: dict[str, list[Any]] = {name: [] for name in _KINDS}
    roots: list[int] = []
    for _, tree, share in trees.predictors:
        roots.append(len(columns["feature"]))
        _append(columns, tree.nodes, roots[-1], share)
    arrays = {name: np.array(values, dtype=_KINDS[name]) for name, values in columns.items()}
    arrays["roots"] = np.array(roots, dtype=np.int32)
    arrays["head"] = np.array([head for head, _, _ in trees.predictors], dtype=np.int8)
    return arrays, max(int(tree.nodes["depth"].max()) for _, tree, _ in trees.predictors)


def _append(columns: dict[str, list[Any]], nodes: NDArray[Any], start: int, share: float) -> None:
    for index, node in enumerate(nodes):
        leaf = bool(node["is_leaf"])
        columns["feature"].append(0 if leaf else int(node["feature_idx"]))
        columns["threshold"].append(0.0 if leaf else float(node["num_threshold"]))
        columns["left"].append(start + (index if leaf else int(node["left"])))
        columns["right"].append(start + (index if leaf else int(node["right"])))
        columns["value"].append(float(node["value"]) * share if leaf else 0.0)


def save(folder: Path, arrival: Heads, story: Linear, settled: dict[str, Settings]) -> None:
    table, card = _visits(arrival, settled[ARRIVAL])
    arrays: dict[str, NDArray[Any]] = {
        f"{STORY}_weights": story.weights,
        f"{ARRIVAL}_weights": np.zeros_like(story.weights),
        **table,
    }
    _write(
        folder,
        arrays,
        {
            "version": MODEL_VERSION,
            "encoder": encoder_version(),
            "features": list(FEATURES),
            "parts": {ARRIVAL: card, STORY: _settings(settled[STORY], story.intercept, 0)},
            "coverage": COVERAGE,
            "data": "Moon et al. 2019, PLOS ONE 14(9): e0216972, CC BY 4.0; text of this project",
        },
    )


def _visits(arrival: Heads, settled: Settings) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Arrays and card of the part of visits."""
    trees = trees_of(arrival)
    table, depth = flatten(trees)
    arrays = {f"{ARRIVAL}_{column}": values for column, values in table.items()}
    return arrays, _settings(settled, trees.intercept, depth)


def save_visits(folder: Path, arrival: Heads, settled: Settings) -> None:
    """In the weights of `folder`, the part of visits alone."""
    card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    with np.load(folder / "model.npz", allow_pickle=False) as kept:
        arrays = {name: kept[name] for name in kept.files}
    table, card["parts"][ARRIVAL] = _visits(arrival, settled)
    _write(folder, {**arrays, **table}, card)


def _write(folder: Path, arrays: dict[str, NDArray[Any]], card: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "model.npz", **arrays)  # type: ignore[arg-type]
    (folder / "model.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def settle_on_encoder(folder: Path) -> None:
    """Names the shipped encoder in the card of the weights in `folder`, and settles calibration,
    sets and caution of stories on what that one says."""
    path = folder / "model.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    card.update(version=MODEL_VERSION, encoder=encoder_version())
    path.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    part = load(folder).parts[STORY]
    settled = settle_story(never_learned(part.scores))
    card["parts"][STORY].update(_settings(settled, part.intercept, depth=0))
    path.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    print(f"stories: slope {settled.slope[0]:.2f}, too mild a level costs {settled.caution} times")


def _settings(settled: Settings, intercept: Floats, depth: int) -> dict[str, Any]:
    return {
        "intercept": intercept.tolist(),
        "depth": depth,
        "slope": settled.slope.tolist(),
        "offset": settled.offset.tolist(),
        "set_threshold": settled.set_threshold,
        "caution": settled.caution,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("csv", type=Path)
    parser.add_argument("--out", type=Path, default=WEIGHTS_DIR)
    parser.add_argument(
        "--cross-validate", action="store_true", help="print the figures instead of training"
    )
    parser.add_argument(
        "--visits", action="store_true", help="fit the part of visits alone, on the shipped encoder"
    )
    parser.add_argument("--json", action="store_true", help="the figures as one JSON object")
    arguments = parser.parse_args()
    rows = read_rows(arguments.csv)
    written = as_visits(rows)
    if arguments.cross_validate:
        found = cross_validate.cross_validated(rows, written)
        told = cross_validate.stories()
        named = names_out_of_file(read_labelled())
        if arguments.json:
            print(json.dumps({**found, "stories": told, "complaints": named}))
        else:
            print(cross_validate.as_text(found), cross_validate.stories_as_text(told), sep="\n")
            print(names_as_text(named))
        return
    visits = settle(out_of_fold(rows, written), rows)
    if arguments.visits:
        save_visits(arguments.out, fit_rows(rows, written), visits)
    else:
        story = fit_story(read_written())
        notes = settle_story(never_learned(story.scores))
        save(arguments.out, fit_rows(rows, written), story, {ARRIVAL: visits, STORY: notes})
        save_names(arguments.out / naming.WEIGHTS_FILE.name, fit_names(read_labelled()))
    write_reference(arguments.csv, arguments.out)
    print(f"wrote {arguments.out}; costs of under-triage chosen {visits.costs.under}")


if __name__ == "__main__":
    main()
