"""Have the cases changed since the classifier was trained? Shares of bins, and how far apart.

The distance is the population stability index: the sum over the bins of (p - q) ln(p / q), the
symmetric Kullback-Leibler divergence of Jeffreys (1946) under the name it has in scoring
(Siddiqi 2006, Credit Risk Scorecards). By custom, below 0.1 is stable and above 0.25 has
shifted. In small samples chance alone gives more than that: without any shift, the index divided
by (1/n + 1/m) has a chi-square distribution with one degree of freedom less than there are bins
(Yurdakul 2018, Statistical Properties of Population Stability Index), which says what
`chance_limit` is. Pure.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from triage_site.triage.facts import UNMEASURABLE, ArrivalMode, CaseFacts, Consciousness, Sex
from triage_site.triage.model.scoring import WEIGHTS_DIR
from triage_site.triage.vitals import VITAL_RANGES

REFERENCE_FILE: Final = WEIGHTS_DIR / "reference.json"
SOME_SHIFT: Final = 0.1
SHIFT: Final = 0.25
_PSEUDO_COUNT: Final = 0.5  # in every bin, so that an empty one has a logarithm
_Z_95: Final = 1.6449

Counts = Sequence[int]


class Verdict(StrEnum):
    STABLE = "stable"
    SOME = "some shift"
    SHIFTED = "shifted"
    CHANCE = "within chance"
    UNKNOWN = "too few"


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """Something known about a case, in bins. `bin_of` is None where it is not known at all."""

    name: str
    label: str
    bins: tuple[str, ...]
    bin_of: Callable[[CaseFacts], int | None]


def _cut(value: float | None, edges: Sequence[float]) -> int | None:
    return None if value is None else bisect_right(edges, value)


def _edge_labels(edges: Sequence[float], unit: str = "") -> tuple[str, ...]:
    inner = [f"{low:g} to below {high:g}" for low, high in pairwise(edges)]
    labels = [f"below {edges[0]:g}", *inner, f"{edges[-1]:g} and more"]
    return tuple(f"{label} {unit}".strip() for label in labels)


# Vital signs are cut where NEWS2 (Royal College of Physicians 2017) changes its score, so that a
# shift of the index is a shift of what matters.
_VITAL_EDGES: Final[Mapping[str, tuple[float, ...]]] = {
    "rr_bpm": (9, 12, 21, 25),
    "spo2_percent": (92, 94, 96),
    "sbp_mmhg": (91, 101, 111, 140, 180, 220),
    "dbp_mmhg": (60, 80, 90, 110),
    "hr_bpm": (41, 51, 91, 111, 131),
    "temp_c": (35.1, 36.1, 37.1, 38.1, 39.1),
    "pain_score": (1, 4, 7),
}
_AGE_EDGES: Final = (1, 5, 18, 40, 65, 80)
_LENGTH_EDGES: Final = (10, 20, 40, 80, 160, 320, 640)
_TAKEN: Final = ("measured", "could not be measured", "not taken")


def _choice(name: str, label: str, choices: type[StrEnum]) -> Input:
    order = list(choices)
    bins = tuple(choice.value.replace("_", " ") for choice in order)
    return Input(
        name=name, label=label, bins=bins, bin_of=lambda facts: order.index(getattr(facts, name))
    )


def _vital(name: str) -> Input:
    limits, edges = VITAL_RANGES[name], _VITAL_EDGES[name]
    return Input(
        name=name,
        label=limits.label,
        bins=_edge_labels(edges, limits.unit),
        bin_of=lambda facts: _cut(facts.value(name), edges),
    )


def _missing(name: str) -> Input:
    def bin_of(facts: CaseFacts) -> int:
        if facts.value(name) is not None:
            return 0
        return 1 if getattr(facts, name) == UNMEASURABLE else 2

    label = f"{VITAL_RANGES[name].label}: taken?"
    return Input(name=f"{name}_taken", label=label, bins=_TAKEN, bin_of=bin_of)


_INJURY: Final = {True: 0, False: 1, None: 2}
INPUTS: Final[tuple[Input, ...]] = (
    Input(
        name="age_years",
        label="Age",
        bins=_edge_labels(_AGE_EDGES, "years"),
        bin_of=lambda facts: _cut(facts.age_years, _AGE_EDGES),
    ),
    Input(
        name="age_known",
        label="Age: known?",
        bins=("known", "not known"),
        bin_of=lambda facts: int(facts.age_years is None),
    ),
    _choice("sex", "Sex", Sex),
    _choice("arrival_mode", "Arrival", ArrivalMode),
    Input(
        name="injury",
        label="Injury",
        bins=("yes", "no", "not recorded"),
        bin_of=lambda facts: _INJURY[facts.injury],
    ),
    Input(
        name="text_length",
        label="Length of the text",
        bins=_edge_labels(_LENGTH_EDGES, "characters"),
        bin_of=lambda facts: _cut(len(facts.text), _LENGTH_EDGES),
    ),
    _choice("consciousness", "Consciousness", Consciousness),
    *(build(name) for name in VITAL_RANGES for build in (_vital, _missing)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What the inputs and the levels looked like. `counts` by the names of INPUTS."""

    source: str
    num_cases: int
    counts: Mapping[str, Counts]
    levels: Counts  # of priorities 0 to 4


def histograms(cases: Iterable[CaseFacts]) -> dict[str, list[int]]:
    """Counts of every bin of every input."""
    counts = {one.name: [0] * len(one.bins) for one in INPUTS}
    for facts in cases:
        for one in INPUTS:
            found = one.bin_of(facts)
            if found is not None:
                counts[one.name][found] += 1
    return counts


def load_reference(path: Path = REFERENCE_FILE) -> Reference:
    """Of the training data. Raises OSError or ValueError when missing or for other bins."""
    raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    lengths = {name: len(counts) for name, counts in raw["counts"].items()}
    if lengths != {one.name: len(one.bins) for one in INPUTS}:
        raise ValueError(f"{path.name}: was made for other bins; make it again")
    return Reference(
        source=raw["source"],
        num_cases=raw["num_cases"],
        counts=raw["counts"],
        levels=raw["levels"],
    )


def stability_index(then: Counts, now: Counts) -> float | None:
    """The index of two samples over the same bins; None where one of them is empty."""
    if not sum(then) or not sum(now):
        return None
    total = 0.0
    for q, p in zip(_shares(then), _shares(now), strict=True):
        total += (p - q) * math.log(p / q)
    return total


def _shares(counts: Counts) -> list[float]:
    whole = sum(counts) + _PSEUDO_COUNT * len(counts)
    return [(count + _PSEUDO_COUNT) / whole for count in counts]


def chance_limit(then: Counts, now: Counts) -> float | None:
    """What the index stays below in 19 of 20 pairs of samples that come from one source."""
    sizes = sum(then), sum(now)
    if not all(sizes):
        return None
    used = sum(1 for one, other in zip(then, now, strict=True) if one or other)
    return _chi_square_95(max(1, used - 1)) * (1 / sizes[0] + 1 / sizes[1])


def _chi_square_95(freedom: int) -> float:
    """95 % quantile, by the approximation of Wilson and Hilferty (1931)."""
    spread = 2 / (9 * freedom)
    return freedom * (1 - spread + _Z_95 * math.sqrt(spread)) ** 3


def verdict(index: float | None, limit: float | None) -> Verdict:
    if index is None or limit is None:
        return Verdict.UNKNOWN
    if index < SOME_SHIFT:
        return Verdict.STABLE
    if index <= limit:
        return Verdict.CHANCE
    return Verdict.SHIFTED if index > SHIFT else Verdict.SOME
