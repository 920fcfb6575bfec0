"""The statistical model at work: weights, boosted trees and phrases in plain numpy arrays.

Four heads, one per boundary between levels: P(priority <= k) for k = 0..3. Every weight and tree
is monotone in the features that `features.DIRECTIONS` binds, and `phrases` never count against
urgency where a danger is told, so the four are monotone in danger signs as well. Weights:
`model.npz` (weights, trees, phrases) and `model.json` (names, calibration, thresholds).
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

from triage_site.triage.model.features import FEATURES, WAYS_OF_ARRIVAL, CaseView
from triage_site.triage.model.phrases import AsideWeights, PhraseWeights

Floats = NDArray[np.float64]
WEIGHTS_DIR: Final = Path(__file__).resolve().parent.parent / "weights"
NUM_HEADS: Final = 4
_AT_ONCE: Final = 16  # rows: what is worked on stays in the cache
ARRIVAL: Final = "arrival"
STORY: Final = "story"
_SEEN: Final = FEATURES.index("seen_in_person")
_ARRIVAL_COLUMNS: Final = [FEATURES.index(name) for name in (*WAYS_OF_ARRIVAL, "seen_in_person")]
_MIN_PROBABILITY: Final = 1e-4


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
    P(priority <= k) = slope * score + offset, where the phrases add to the score."""

    weights: Floats  # [features, heads]
    forest: Forest | None
    phrase_share: float  # how much the phrases count
    intercept: Floats  # per head, added to the scores
    slope: Floats
    offset: Floats
    set_threshold: float  # least probability of a level of the set
    caution: float  # how much more too mild a level costs here

    def scores(self, rows: Floats) -> Floats:
        """[n, heads], without the phrases."""
        scores: Floats = rows @ self.weights + self.intercept
        return scores if self.forest is None else scores + self.forest.scores(rows)

    def probabilities(self, scores: Floats, wording: Floats) -> Floats:
        return from_scores(scores + self.phrase_share * wording, self.slope, self.offset)


@dataclass(frozen=True, slots=True)
class Judged:
    """`chances` [cases, 5], each row sums to one; the sets' `thresholds` and `caution` [cases]."""

    chances: Floats
    thresholds: Floats
    caution: Floats


@dataclass(frozen=True, slots=True)
class Voice:
    """A part that has a say about some rows, with what it says of them."""

    part: Part
    scores: Floats  # [n, heads], without the phrases


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Two parts. The one of visits knows shorthand only, as all the real rows are; the other one
    knows stories. Who speaks depends on the recorded way of arrival, and where it is known on
    how much was written: of a patient who was seen, a whole story is judged by both, and the
    more urgent one counts. So neither an arrival nor more words take anything away."""

    version: str
    parts: Mapping[str, Part]
    phrases: PhraseWeights
    card: dict[str, Any]

    def judge(self, cases: Sequence[CaseView]) -> Judged:
        """A case is as urgent as the most urgent of it and its `shorter` ones: so words that tell
        of a danger take nothing away, whatever is said beside them."""
        views = [view for case in cases for view in (case, *case.shorter)]
        num_views = np.array([1 + len(case.shorter) for case in cases])
        rows = np.array([view.row() for view in views])
        wording = self.phrases.scores([view.clauses for view in views])
        chances = np.empty((len(rows), NUM_HEADS + 1))
        thresholds, caution = np.empty(len(rows)), np.empty(len(rows))
        seen = rows[:, _SEEN] > 0
        told = np.repeat([case.is_story for case in cases], num_views)
        for chosen in (~seen, seen & ~told, seen & told):
            if chosen.any():
                voices = self.voices(rows[chosen], is_story=bool(told[chosen].all()))
                chances[chosen] = together(voices, wording[chosen])
                thresholds[chosen] = min(voice.part.set_threshold for voice in voices)
                caution[chosen] = max(voice.part.caution for voice in voices)
        first = np.cumsum(num_views) - num_views
        at_most = np.maximum.reduceat(np.cumsum(chances, axis=1), first)
        return Judged(from_at_most(at_most), thresholds[first], caution[first])

    def voices(self, rows: Floats, *, is_story: bool) -> list[Voice]:
        """Who speaks of rows that are alike in that and in having been seen or not."""
        arrival, story = self.parts[ARRIVAL], self.parts[STORY]
        if not rows[0, _SEEN] > 0:
            return [Voice(story, story.scores(rows))]
        if not is_story:
            return [Voice(arrival, arrival.scores(rows))]
        unseen = rows.copy()
        unseen[:, _ARRIVAL_COLUMNS] = 0.0
        return [Voice(arrival, arrival.scores(rows)), Voice(story, story.scores(unseen))]


def together(voices: Sequence[Voice], wording: Floats) -> Floats:
    """[n, 5]: of each P(priority <= k) the highest."""
    chances = [voice.part.probabilities(voice.scores, wording) for voice in voices]
    if len(chances) == 1:
        return chances[0]
    return from_at_most(np.max([np.cumsum(one, axis=1) for one in chances], axis=0))


def from_at_most(at_most: Floats) -> Floats:
    """P(priority = k) from each P(priority <= k), [n, 5] both."""
    return np.diff(at_most, axis=1, prepend=0.0)


def from_scores(scores: Floats, slope: Floats, offset: Floats) -> Floats:
    """Calibrated P(priority = k) from the heads' log odds of P(priority <= k).

    Every level keeps `_MIN_PROBABILITY`. It is mixed in, not cut off: each P(priority <= k) then
    still grows with its score, so a case that scores higher is never judged less urgent.
    """
    at_most = 1.0 / (1.0 + np.exp(-(slope * scores + offset)))
    at_most = np.maximum.accumulate(at_most, axis=1)
    none, all_ = np.zeros((len(scores), 1)), np.ones((len(scores), 1))
    chances = np.diff(np.hstack([none, at_most, all_]), axis=1)
    return _MIN_PROBABILITY + (1.0 - (NUM_HEADS + 1) * _MIN_PROBABILITY) * chances


@lru_cache(maxsize=4)
def load(folder: Path = WEIGHTS_DIR) -> Model:
    """Raises FileNotFoundError, or ModelMismatch when code and weights do not belong together."""
    card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    if tuple(card["features"]) != FEATURES:
        raise ModelMismatch(f"{folder}: trained for other features, run train_classifier again")
    with np.load(folder / "model.npz", allow_pickle=False) as arrays:
        parts = {name: _part(name, card["parts"][name], arrays) for name in (ARRIVAL, STORY)}
        phrases = _phrases(card, arrays)
    return Model(version=card["version"], parts=parts, phrases=phrases, card=card)


def _phrases(card: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> PhraseWeights:
    words = arrays["phrases"].tobytes().decode().split("\n")
    asides = AsideWeights(phrases=arrays["aside_weights"].astype(np.float64), **card["asides"])
    return PhraseWeights(
        {phrase: row for row, phrase in enumerate(words)},
        arrays["phrase_weights"].astype(np.float64),
        asides,
    )


def _part(name: str, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Part:
    return Part(
        weights=arrays[f"{name}_weights"].astype(np.float64),
        forest=_forest(name, settings["depth"], arrays) if settings["depth"] else None,
        phrase_share=float(settings["phrase_share"]),
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
