"""Refit the length predictor to what was really written at a site, and judge it before it counts.

The newest part of the record is held out: weights fitted on what came before must do better there
than the weights in use, in tokens of error and without losing order. Then they are fitted to
all of the record.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from triage_site.triage.length import LengthWeights, features

MIN_RECORDED: Final = 100
HELD_OUT: Final = 0.25
NUM_BUCKETS: Final = 4
RIDGE: Final = 1.0
# So little order is lost by chance alone on the few guidances that are held out.
MAX_LOST_CORRELATION: Final = 0.02


class TooFew(ValueError):
    """There is not enough on record to fit and to judge."""


@dataclass(frozen=True, slots=True)
class Written:
    """One guidance on record: the brief it was asked for by, and its length."""

    brief: str
    num_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Mean error over the guidance of `low` up to, not including, `high` tokens."""

    low: int
    high: int
    num: int
    mean_error_tokens: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """`rank_correlation` is Spearman's, zero where all predictions are the same."""

    rank_correlation: float
    mean_error_tokens: float
    p90_holds: float
    buckets: tuple[Bucket, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refit:
    num_fitted: int
    num_held_out: int
    before: Figures  # the weights in use, on what was held out
    after: Figures  # weights fitted on the rest, on the same
    weights: LengthWeights  # fitted on all

    @property
    def better(self) -> bool:
        keeps_order = (
            self.after.rank_correlation >= self.before.rank_correlation - MAX_LOST_CORRELATION
        )
        return keeps_order and self.after.mean_error_tokens < self.before.mean_error_tokens

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, without the weights."""
        return {
            "fitted": self.num_fitted,
            "held_out": self.num_held_out,
            "before": asdict(self.before),
            "after": asdict(self.after),
            "better": self.better,
        }


def refit(record: Sequence[Written], current: LengthWeights, version: str) -> Refit:
    """`record` is oldest first. Raises TooFew."""
    if len(record) < MIN_RECORDED:
        raise TooFew(f"{len(record)} guidances on record, at least {MIN_RECORDED} are needed")
    cut = len(record) - round(len(record) * HELD_OUT)
    older, newer = record[:cut], record[cut:]
    return Refit(
        num_fitted=len(older),
        num_held_out=len(newer),
        before=judge(current, newer),
        after=judge(_fit(older, "trial"), newer),
        weights=_fit(record, version),
    )


def _fit(record: Sequence[Written], version: str) -> LengthWeights:
    return fit_weights([one.brief for one in record], [one.num_tokens for one in record], version)


def judge(weights: LengthWeights, record: Sequence[Written]) -> Figures:
    """How well the weights foretell these lengths."""
    quantiles = np.array([weights.quantiles(one.brief) for one in record], dtype=float)
    p50, p90 = quantiles[:, 0], quantiles[:, 1]
    actual = np.array([one.num_tokens for one in record], dtype=float)
    error = np.abs(p50 - actual)
    constant = np.ptp(p50) == 0 or np.ptp(actual) == 0
    order = 0.0 if constant else rank_correlation(p50.tolist(), actual.tolist())
    return Figures(
        rank_correlation=round(order, 4),
        mean_error_tokens=round(float(error.mean()), 2),
        p90_holds=round(float(np.mean(actual <= p90)), 4),
        buckets=_buckets(actual, error),
    )


def _buckets(actual: np.ndarray, error: np.ndarray) -> tuple[Bucket, ...]:
    """Of about equally many guidances, from the shortest to the longest."""
    inner = np.quantile(actual, np.arange(1, NUM_BUCKETS) / NUM_BUCKETS)
    edges = np.unique(np.round([actual.min(), *inner, actual.max() + 1]).astype(int))
    found = []
    for low, high in pairwise(edges):
        inside = (actual >= low) & (actual < high)
        if inside.any():
            mean = round(float(error[inside].mean()), 2)
            found.append(
                Bucket(low=int(low), high=int(high), num=int(inside.sum()), mean_error_tokens=mean)
            )
    return tuple(found)


def put_into_use(weights: LengthWeights, path: Path) -> None:
    """In one step: a reader sees the old weights or the new ones. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    save(weights, draft)
    draft.replace(path)


def as_text(found: Mapping[str, Any]) -> str:
    """The report for people, of `Refit.to_dict`."""
    lines = [
        f"fitted on {found['fitted']} guidances, judged on the {found['held_out']} newest",
        f"{'':24}{'in use':>10}{'refitted':>10}",
    ]
    for name, key, form in (
        ("rank correlation", "rank_correlation", ".3f"),
        ("mean error, tokens", "mean_error_tokens", ".1f"),
        ("p90 holds", "p90_holds", ".1%"),
    ):
        before, after = found["before"][key], found["after"][key]
        lines.append(f"{name:24}{before:>10{form}}{after:>10{form}}")
    for before, after in zip(found["before"]["buckets"], found["after"]["buckets"], strict=True):
        name = f"error {before['low']}-{before['high'] - 1}, n={before['num']}"
        old, new = before["mean_error_tokens"], after["mean_error_tokens"]
        lines.append(f"{name:24}{old:>10.1f}{new:>10.1f}")
    return "\n".join(lines)


def fit_weights(briefs: Sequence[str], num_tokens: Sequence[int], version: str) -> LengthWeights:
    """Ridge regression; the shifts are quantiles of its residuals. Raises ValueError if empty."""
    if not briefs or len(briefs) != len(num_tokens):
        raise ValueError("briefs and num_tokens: must be of the same length, and not empty")
    rows = [features(brief) for brief in briefs]
    names = sorted(rows[0])
    table = np.array([[row[name] for name in names] for row in rows])
    wanted = np.array(num_tokens, dtype=float)
    square = table.T @ table + RIDGE * np.eye(len(names))
    weights = np.linalg.solve(square, table.T @ wanted)
    p50, p90 = np.quantile(wanted - table @ weights, (0.5, 0.9))
    return LengthWeights(
        weights={name: round(float(w), 3) for name, w in zip(names, weights, strict=True)},
        p50_shift_tokens=round(float(p50), 2),
        p90_shift_tokens=round(float(p90), 2),
        version=version,
    )


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's, ties at their mean rank."""
    return float(np.corrcoef(_ranks(one), _ranks(other))[0, 1])


def _ranks(values: Sequence[float]) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    _, inverse, counts = np.unique(array, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


def save(weights: LengthWeights, path: Path) -> None:
    path.write_text(json.dumps(asdict(weights), indent=1) + "\n", encoding="utf-8")
