"""The statistical model at work: weights and boosted trees in plain numpy arrays.

Four heads, one per boundary between levels: P(priority <= k) for k = 0..3. Every weight and tree
is monotone in the features that `features.DIRECTIONS` binds, so the four are monotone in danger
signs as well. Weights: `model.npz` (weights, trees, words of asides) and `model.json` (names,
calibration, thresholds).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from triage_site.triage.model.encoder import encoder_version
from triage_site.triage.model.features import FEATURES, CaseView

Floats = NDArray[np.float64]
WEIGHTS_DIR: Final = Path(__file__).resolve().parent.parent / "weights"
NUM_HEADS: Final = 4
_AT_ONCE: Final = 16  # rows: what is worked on stays in the cache
ARRIVAL: Final = "arrival"
STORY: Final = "story"
_MIN_PROBABILITY: Final = 1e-4
_GRAVE: Final = 1  # the boundary below which a level is grave


class ModelMismatch(RuntimeError):
    """The weights were trained for other features than this code computes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest:
    """Trees of all heads in one table; a leaf points to itself, so walking on stays there."""

    feature: NDArray[np.int32]
    threshold: Floats
    children: NDArray[np.int32]  # of node n: the left one at 2 n, the right one at 2 n + 1
    value: Floats
    roots: NDArray[np.int32]
    head: NDArray[np.int32]  # of each tree
    depth: int

    def scores(self, rows: Floats) -> Floats:
        """[rows, heads]: sums of leaf values."""
        values = np.vstack(
            [self._leaves(rows[at : at + _AT_ONCE]) for at in range(0, len(rows), _AT_ONCE)]
        )
        return np.stack(
            [values[:, self.head == head].sum(axis=1) for head in range(NUM_HEADS)], axis=1
        )

    def _leaves(self, rows: Floats) -> Floats:
        """[rows, trees]: the value of the leaf that each row comes to."""
        cells = rows.ravel()
        begin = np.arange(len(rows), dtype=np.int32)[:, None] * np.int32(rows.shape[1])
        node = np.tile(self.roots, (len(rows), 1))
        for _ in range(self.depth):
            asked = cells.take(begin + self.feature.take(node))
            node = self.children.take(2 * node + (asked > self.threshold.take(node)))
        return self.value.take(node)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Weights of features, a forest where there is one, and the calibration: logit of
    P(priority <= k) = slope * score + offset."""

    weights: Floats  # [features, heads]
    forest: Forest | None
    intercept: Floats  # per head, added to the scores
    slope: Floats
    offset: Floats
    set_threshold: float  # least probability of a level of the set
    caution: float  # how much more too mild a level costs here

    def scores(self, rows: Floats) -> Floats:
        """[n, heads]"""
        scores: Floats = rows @ self.weights + self.intercept
        return scores if self.forest is None else scores + self.forest.scores(rows)

    def probabilities(self, rows: Floats) -> Floats:
        """[n, 5]"""
        return from_scores(self.scores(rows), self.slope, self.offset)


@dataclass(frozen=True, slots=True)
class Judged:
    """`chances` [cases, 5], each row sums to one; the sets' `thresholds` and `caution` [cases]."""

    chances: Floats
    thresholds: Floats
    caution: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Two parts. The one of visits learned from patients who were seen and measured, with notes of
    a few words; the one of stories from what people write. `share_of_visits` says whom to ask."""

    version: str
    parts: Mapping[str, Part]
    card: dict[str, Any]

    def judge(self, cases: Sequence[CaseView]) -> Judged:
        rows = np.array([case.row() for case in cases])
        shares = np.array([share_of_visits(case) for case in cases])
        arrival, story = self.parts[ARRIVAL], self.parts[STORY]
        visits_alone = shares.min(axis=1) == 1.0
        lowest = min(arrival.set_threshold, story.set_threshold)
        return Judged(
            self.chances(rows, shares),
            np.where(
                visits_alone,
                arrival.set_threshold,
                np.where(shares.any(axis=1), lowest, story.set_threshold),
            ),
            np.where(visits_alone, arrival.caution, story.caution),
        )

    def chances(self, rows: Floats, shares: Floats) -> Floats:
        """[n, 5]: each P(priority <= k) is a mean of what both parts say, with the share
        [n, heads] of the visits. Where these have no say about levels 0 and 1, they tell of a
        patient who is neither: P(priority <= k) is then 1 - (1 - s)(1 - v), with s =
        P(priority <= 1) of the stories and v = P(priority <= k) of the visits."""
        visits, stories = (
            np.cumsum(self.parts[name].probabilities(rows), axis=1)[:, :NUM_HEADS]
            for name in (ARRIVAL, STORY)
        )
        of_the_milder = 1.0 - (1.0 - stories[:, _GRAVE : _GRAVE + 1]) * (1.0 - visits)
        visits = np.where(shares[:, _GRAVE : _GRAVE + 1] > 0, visits, of_the_milder)
        at_most = shares * visits + (1.0 - shares) * stories
        return np.diff(at_most, axis=1, prepend=0.0, append=1.0)


def share_of_visits(case: CaseView) -> tuple[float, ...]:
    """[heads]: how much the part of visits has to say at each boundary between levels.

    It knows no child, and nobody who was not seen. Without measurements it tells only how mild a
    common complaint of few words is: it knows few dangers by their words.
    """
    if case.is_measured:
        return _HALF_OF_ALL if case.is_story else _ALL
    return _NOTHING if case.is_story or not case.is_seen else _HALF_OF_MILD


_ALL: Final = (1.0, 1.0, 1.0, 1.0)
_HALF_OF_ALL: Final = (0.5, 0.5, 0.5, 0.5)
_HALF_OF_MILD: Final = (0.0, 0.0, 0.5, 0.5)
_NOTHING: Final = (0.0, 0.0, 0.0, 0.0)


def from_scores(scores: Floats, slope: Floats, offset: Floats) -> Floats:
    """Calibrated P(priority = k) from the heads' log odds of P(priority <= k).

    No boundary is crossed with more chance than a milder one: of both the lower chance counts.
    Every level keeps `_MIN_PROBABILITY`. It is mixed in, not cut off: each P(priority <= k) then
    still grows with its score, so a case that scores higher is never judged less urgent.
    """
    at_most = 1.0 / (1.0 + np.exp(-(slope * scores + offset)))
    at_most = np.minimum.accumulate(at_most[:, ::-1], axis=1)[:, ::-1]
    none, all_ = np.zeros((len(scores), 1)), np.ones((len(scores), 1))
    chances = np.diff(np.hstack([none, at_most, all_]), axis=1)
    return _MIN_PROBABILITY + (1.0 - (NUM_HEADS + 1) * _MIN_PROBABILITY) * chances


@lru_cache(maxsize=4)
def load(folder: Path = WEIGHTS_DIR) -> Model:
    """Raises FileNotFoundError, or ModelMismatch when code and weights do not belong together."""
    card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    if tuple(card["features"]) != FEATURES:
        raise ModelMismatch(f"{folder}: trained for other features, run train_classifier again")
    if card["encoder"] != encoder_version():
        raise ModelMismatch(f"{folder}: trained with another encoder, run train_classifier again")
    with np.load(folder / "model.npz", allow_pickle=False) as arrays:
        parts = {name: _part(name, card["parts"][name], arrays) for name in (ARRIVAL, STORY)}
    return Model(version=card["version"], parts=parts, card=card)


def _part(name: str, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Part:
    return Part(
        weights=arrays[f"{name}_weights"].astype(np.float64),
        forest=_forest(name, settings["depth"], arrays) if settings["depth"] else None,
        intercept=np.array(settings["intercept"]),
        slope=np.array(settings["slope"]),
        offset=np.array(settings["offset"]),
        set_threshold=float(settings["set_threshold"]),
        caution=float(settings["caution"]),
    )


def _forest(name: str, depth: int, arrays: Mapping[str, NDArray[Any]]) -> Forest:
    def table(column: str) -> NDArray[np.int32]:
        return arrays[f"{name}_{column}"].astype(np.int32)

    return Forest(
        feature=table("feature"),
        threshold=arrays[f"{name}_threshold"].astype(np.float64),
        children=np.stack([table("left"), table("right")], axis=1).ravel(),
        value=arrays[f"{name}_value"].astype(np.float64),
        roots=table("roots"),
        head=table("head"),
        depth=depth,
    )
