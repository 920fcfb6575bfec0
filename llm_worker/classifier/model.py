"""The statistical model at work: boosted trees in plain numpy arrays.

Four heads, one per boundary between levels: P(priority <= k) for k = 0..3. Every tree is
monotone in the features that `features.DIRECTIONS` binds, so the four are as well. Weights:
`model.npz` (trees) and `model.json` (names, calibration, thresholds, figures of the training).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llm_worker.classifier.features import FEATURES

Floats = NDArray[np.float64]
WEIGHTS_DIR: Final = Path(__file__).resolve().parent.parent / "models" / "classifier"
NUM_HEADS: Final = 4
ARRIVAL: Final = "arrival"
STORY: Final = "story"
_SEEN: Final = FEATURES.index("seen_in_person")
_MIN_PROBABILITY: Final = 1e-4
_MIN_SHARE: Final = 0.003


class ModelMismatch(RuntimeError):
    """The weights were trained for other features than this code computes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest:
    """Trees of all heads in one table; a leaf points to itself, so walking on stays there."""

    feature: NDArray[np.int32]
    threshold: Floats
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: Floats
    roots: NDArray[np.int32]
    head: NDArray[np.int32]  # of each tree
    depth: int

    def scores(self, rows: Floats) -> Floats:
        """[rows, heads]: sums of leaf values."""
        index = np.arange(len(rows))[:, None]
        node = np.broadcast_to(self.roots, (len(rows), len(self.roots)))
        for _ in range(self.depth):
            goes_left = rows[index, self.feature[node]] <= self.threshold[node]
            node = np.where(goes_left, self.left[node], self.right[node])
        values = self.value[node]
        return np.stack(
            [values[:, self.head == head].sum(axis=1) for head in range(NUM_HEADS)], axis=1
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Forests with their calibration: logit of P(priority <= k) = slope * score + offset.

    `bound` is monotone. `free`, where there is one, is not: its log odds are added. So with it
    only the signs that rules hold to priority 0 or 1 are sure never to lower the urgency.
    """

    bound: Forest
    intercept: Floats  # per head, added to the scores
    slope: Floats
    offset: Floats
    free: Forest | None = None

    def probabilities(self, rows: Floats) -> Floats:
        scores = self.bound.scores(rows) + self.intercept
        if self.free is not None:
            scores = scores + log_odds(self.free.scores(rows))
        return from_scores(scores, self.slope, self.offset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Two parts. Which one speaks depends on one recorded fact, never on the words: whether the
    patient has been seen arriving, as all the real rows have, or there is only a story."""

    version: str
    parts: Mapping[str, Part]
    set_threshold: float
    card: dict[str, Any]

    def probabilities(self, rows: Floats) -> Floats:
        """[rows, 5], each row sums to one."""
        out = np.empty((len(rows), NUM_HEADS + 1))
        seen = rows[:, _SEEN] > 0
        for name, chosen in ((ARRIVAL, seen), (STORY, ~seen)):
            if chosen.any():
                out[chosen] = self.parts[name].probabilities(rows[chosen])
        return out

    def bound_probabilities(self, rows: Floats) -> Floats:
        """By the monotone forest alone, of rows that are variants of one case: for reasons."""
        part = replace(self.parts[ARRIVAL if rows[0, _SEEN] > 0 else STORY], free=None)
        return part.probabilities(rows)


def log_odds(shares: Floats) -> Floats:
    shares = np.clip(shares, _MIN_SHARE, 1.0 - _MIN_SHARE)
    return np.log(shares / (1.0 - shares))


def from_scores(scores: Floats, slope: Floats, offset: Floats) -> Floats:
    """Calibrated P(priority = k) from the heads' log odds of P(priority <= k)."""
    at_most = 1.0 / (1.0 + np.exp(-(slope * scores + offset)))
    at_most = np.maximum.accumulate(at_most, axis=1)
    none, all_ = np.zeros((len(scores), 1)), np.ones((len(scores), 1))
    chances = np.diff(np.hstack([none, at_most, all_]), axis=1)
    chances = np.clip(chances, _MIN_PROBABILITY, 1.0)
    return chances / chances.sum(axis=1, keepdims=True)


@lru_cache(maxsize=4)
def load(folder: Path = WEIGHTS_DIR) -> Model:
    """Raises FileNotFoundError, or ModelMismatch when code and weights do not belong together."""
    card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    if tuple(card["features"]) != FEATURES:
        raise ModelMismatch(f"{folder}: trained for other features, run train_classifier again")
    with np.load(folder / "model.npz", allow_pickle=False) as arrays:
        parts = {name: _part(name, card["parts"][name], arrays) for name in (ARRIVAL, STORY)}
    return Model(
        version=card["version"],
        parts=parts,
        set_threshold=float(card["set_threshold"]),
        card=card,
    )


def _part(name: str, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Part:
    part = Part(
        bound=_forest(name, settings["depth"], arrays),
        intercept=np.array(settings["intercept"]),
        slope=np.array(settings["slope"]),
        offset=np.array(settings["offset"]),
    )
    if "free_depth" not in settings:
        return part
    return replace(part, free=_forest(f"{name}_free", settings["free_depth"], arrays))


def _forest(name: str, depth: int, arrays: Mapping[str, NDArray[Any]]) -> Forest:
    def table(column: str) -> NDArray[np.int32]:
        return arrays[f"{name}_{column}"].astype(np.int32)

    return Forest(
        feature=table("feature"),
        threshold=arrays[f"{name}_threshold"].astype(np.float64),
        left=table("left"),
        right=table("right"),
        value=arrays[f"{name}_value"].astype(np.float64),
        roots=table("roots"),
        head=table("head"),
        depth=depth,
    )
