"""A forest bound in nothing teaches boosters that are: its order of cases, our law.

Randomised trees judge visits that were seen arriving better than the boosters alone, at the mild
end of the doubtful ones, but more of a danger sign may lower what they say. So they only teach:
monotone boosters are fitted to their log odds on the rows and on mixtures of them, as in knowledge
distillation (Bucila et al. 2006; Hinton et al. 2015). What comes out is monotone by construction.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingRegressor

from triage_site.triage.decision import Floats
from triage_site.triage.model.features import BLOCKS, DIRECTIONS, FEATURES
from triage_site.triage.model.scoring import NUM_HEADS

Ints = NDArray[np.int64]

NUM_TEACHER_TREES: Final = 400
NUM_MIXTURES: Final = 30  # per row
ROW_WEIGHT: Final = 5.0  # of a row itself, against 1.0 for a mixture
_MIN_SHARE: Final = 0.003
# How often a mixture takes a block, or one vital sign, from another row.
_SWAPS: Final = {"circumstances": 0.4, "vitals": 0.4, "complaints": 0.25, "net": 0.15}
_SWAP_ONE_VITAL: Final = 0.08


def log_odds(shares: Floats) -> Floats:
    shares = np.clip(shares, _MIN_SHARE, 1.0 - _MIN_SHARE)
    return np.log(shares / (1.0 - shares))


def fit_teacher(features: Floats, priority: Ints) -> list[ExtraTreesClassifier]:
    """Extremely randomised trees (Geurts 2006), one forest per head."""
    return [
        ExtraTreesClassifier(
            NUM_TEACHER_TREES,
            min_samples_leaf=3, max_features=0.35, max_depth=12, random_state=0,
        ).fit(features, priority <= head)
        for head in range(NUM_HEADS)
    ]  # fmt: skip


def teacher_scores(teacher: list[ExtraTreesClassifier], features: Floats) -> Floats:
    """[n, heads]: log odds of P(priority <= head)."""
    return log_odds(np.stack([f.predict_proba(features)[:, 1] for f in teacher], axis=1))


def fit_student(features: Floats, priority: Ints) -> list[HistGradientBoostingRegressor]:
    """Monotone boosters, one per head, that answer as a forest fitted to the same rows would."""
    asked = np.vstack([features, mixtures(features, np.random.default_rng(0))])
    answers = teacher_scores(fit_teacher(features, priority), asked)
    weight = np.where(np.arange(len(asked)) < len(features), ROW_WEIGHT, 1.0)
    return [
        HistGradientBoostingRegressor(
            learning_rate=0.1,
            max_iter=200,
            max_leaf_nodes=31,
            max_depth=7,
            min_samples_leaf=10,
            l2_regularization=1.0,
            max_features=0.5,
            monotonic_cst=[DIRECTIONS[name] for name in FEATURES],
            early_stopping=False,
            random_state=0,
        ).fit(asked, answers[:, head], sample_weight=weight)
        for head in range(NUM_HEADS)
    ]


def mixtures(features: Floats, rng: np.random.Generator) -> Floats:
    """[n * NUM_MIXTURES, features]: rows with blocks and single vital signs of other rows."""
    out = []
    for _ in range(NUM_MIXTURES):
        mixed = features.copy()
        for name, share in _SWAPS.items():
            _swap(mixed, features, [FEATURES.index(f) for f in BLOCKS[name]], share, rng)
        for name in BLOCKS["vitals"]:
            _swap(mixed, features, [FEATURES.index(name)], _SWAP_ONE_VITAL, rng)
        out.append(mixed)
    return np.vstack(out)


def _swap(
    mixed: Floats, source: Floats, columns: list[int], share: float, rng: np.random.Generator
) -> None:
    taken = rng.random(len(mixed)) < share
    others = rng.integers(0, len(source), taken.sum())
    rows = np.flatnonzero(taken)[:, None]
    mixed[rows, columns] = source[others[:, None], columns]
