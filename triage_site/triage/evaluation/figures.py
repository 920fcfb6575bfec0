"""Figures of agreement with expert levels. Pure: arrays in, plain numbers out.

Levels are priorities, 0 to 4. Under: decided less urgent than the label. Bootstrap intervals
are percentile intervals of resampled rows (Efron), from a seeded generator handed in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from triage_site.triage.types import NUM_PRIORITIES

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Metric = Callable[[Ints, Ints], float]

_NUM_BINS: Final = 10
_NUM_RESAMPLES: Final = 500
_TAILS: Final = (2.5, 97.5)


def exact(labels: Ints, decided: Ints) -> float:
    return float(np.mean(labels == decided))


def within_one(labels: Ints, decided: Ints) -> float:
    return float(np.mean(np.abs(labels - decided) <= 1))


def under(labels: Ints, decided: Ints) -> float:
    return float(np.mean(decided > labels))


def over(labels: Ints, decided: Ints) -> float:
    return float(np.mean(decided < labels))


def kappa(labels: Ints, decided: Ints) -> float:
    """Quadratic weighted kappa (Cohen 1968); 1.0 where all rows have one and the same level."""
    seen = np.zeros((NUM_PRIORITIES, NUM_PRIORITIES))
    np.add.at(seen, (labels, decided), 1.0)
    steps = np.arange(NUM_PRIORITIES)
    weight = (steps[:, None] - steps[None, :]) ** 2
    chance = np.outer(seen.sum(axis=1), seen.sum(axis=0)) / seen.sum()
    expected = float((weight * chance).sum())
    return 1.0 if expected == 0 else 1.0 - float((weight * seen).sum()) / expected


def level1_recall(labels: Ints, decided: Ints) -> float:
    return _share(decided == 0, labels == 0)


def level12_recall(labels: Ints, decided: Ints) -> float:
    return _share(decided <= 1, labels <= 1)


def level12_to_45(labels: Ints, decided: Ints) -> float:
    return _share(decided >= 3, labels <= 1)


METRICS: Final[dict[str, Metric]] = {
    "exact": exact,
    "qwk": kappa,
    "under": under,
    "over": over,
    "level1_recall": level1_recall,
    "level12_recall": level12_recall,
    "level12_to_45": level12_to_45,
    "within_one": within_one,
}


def agreement(labels: Ints, decided: Ints, rng: np.random.Generator) -> dict[str, Any]:
    """All metrics as fractions, their 95 % intervals, and a table of counts [label][decided]."""
    draws = rng.integers(0, len(labels), size=(_NUM_RESAMPLES, len(labels)))
    table = np.zeros((NUM_PRIORITIES, NUM_PRIORITIES), dtype=int)
    np.add.at(table, (labels, decided), 1)
    out: dict[str, Any] = {
        name: _rounded(metric(labels, decided)) for name, metric in METRICS.items()
    }
    out["intervals"] = {
        name: _interval([metric(labels[draw], decided[draw]) for draw in draws])
        for name, metric in METRICS.items()
    }
    out["table"] = table.tolist()
    return out


def calibration_error(labels: Ints, probabilities: Floats) -> float:
    """Expected calibration error of the best guess over ten equal bins of confidence."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * _NUM_BINS).astype(int), _NUM_BINS - 1)
    gaps = [
        np.mean(bins == index)
        * abs(float(np.mean(right[bins == index] - confidence[bins == index])))
        for index in np.unique(bins)
    ]
    return float(sum(gaps))


def set_figures(labels: Ints, sets: list[tuple[int, ...]]) -> dict[str, float]:
    held = [int(label) in levels for label, levels in zip(labels, sets, strict=True)]
    return {
        "coverage": round(float(np.mean(held)), 4),
        "mean_size": round(float(np.mean([len(levels) for levels in sets])), 4),
    }


def _share(hits: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    """NaN where there is nothing to be found."""
    return float(np.mean(hits[among])) if among.any() else float("nan")


def _rounded(value: float) -> float | None:
    return None if value != value else round(value, 4)


def _interval(values: list[float]) -> list[float | None]:
    known = [value for value in values if value == value]
    if not known:
        return [None, None]
    low, high = np.percentile(known, _TAILS)
    return [round(float(low), 4), round(float(high), 4)]
