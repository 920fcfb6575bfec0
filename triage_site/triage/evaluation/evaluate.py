"""Judging the classifier on cases with levels: running it, the figures and the report.

Levels are printed as the product has them, priorities 0 to 4, with the level of a five-level
scale (1 to 5) beside. Numbers measured on rows that the weights were trained on say how well they
were learnt, not how well the classifier works: docs/MODEL_CARD.md has the cross-validated ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from scheduling import csv_text
from scheduling.files import writing
from triage_site.triage.classify import classify, classify_many
from triage_site.triage.decision import DEFAULT_COSTS, Costs
from triage_site.triage.evaluation import figures
from triage_site.triage.evaluation.files import BadFile, Cases, read_csv, read_file, sources
from triage_site.triage.model.candidate import Candidate, Many, One
from triage_site.triage.types import NUM_PRIORITIES, Classification

__all__ = [
    "BadFile",
    "Cases",
    "Run",
    "as_text",
    "read_csv",
    "read_file",
    "report",
    "run",
    "sources",
    "write_cases",
]

_BATCH: Final = 256
_NUM_TIMED: Final = 200
_SEED: Final = 0


@dataclass(frozen=True, slots=True)
class Run:
    results: list[Classification]
    cases_per_second: float
    p95_ms: float


def run(
    cases: Cases,
    *,
    costs: Costs = DEFAULT_COSTS,
    clock: Callable[[], float] = time.perf_counter,
    candidate: Candidate | None = None,
) -> Run:
    """Batches for the rate, single cases, with all their reasons, for the latency.

    Without a `candidate`, the shipped classifier is judged; a candidate has costs of its own.
    """
    one: One = partial(classify, costs=costs)
    many: Many = partial(classify_many, costs=costs, explain=False)
    if candidate is not None:
        one, many = candidate.one, candidate.many
    one(cases.facts[0])  # loads the weights
    started = clock()
    results: list[Classification] = []
    for start in range(0, len(cases.facts), _BATCH):
        results += many(cases.facts[start : start + _BATCH])
    seconds = clock() - started
    latencies = []
    for facts in cases.facts[:_NUM_TIMED]:
        begin = clock()
        one(facts)
        latencies.append((clock() - begin) * 1000)
    return Run(results, len(cases.facts) / seconds, float(np.percentile(latencies, 95)))


def report(cases: Cases, outcome: Run) -> dict[str, Any]:
    """The figures as plain JSON; those that need a label are missing where there is none."""
    out: dict[str, Any] = {
        "rows": len(cases.facts),
        "cases_per_second": round(outcome.cases_per_second, 1),
        "p95_ms": round(outcome.p95_ms, 2),
    }
    if cases.labels is None:
        return out
    labels = np.array(cases.labels)
    rng = np.random.default_rng(_SEED)
    results = outcome.results
    best = np.array([result.model_priority for result in results])
    final = np.array([result.priority for result in results])
    probabilities = np.array([result.probabilities for result in results])
    out["best_guess"] = figures.agreement(labels, best, rng)
    out["operating_point"] = figures.agreement(labels, final, rng)
    if cases.nurse is not None:
        out["nurse"] = figures.agreement(labels, np.array(cases.nurse), rng)
    out["ece"] = round(figures.calibration_error(labels, probabilities), 4)
    out["conformal"] = figures.set_figures(labels, [result.level_set for result in results])
    return out


def write_cases(path: Path, judged: list[tuple[Cases, Run]]) -> None:
    """A row per case in the order of the input; priorities from 0 to 4. Raises CannotUse."""
    with writing(path), path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv_text.Writer(handle)
        writer.row(["id", "priority", "best_guess", "needs_person", "signs"])
        for cases, outcome in judged:
            for name, said in zip(cases.ids, outcome.results, strict=True):
                signs = "; ".join(said.danger_signs)
                needs = str(said.needs_person).lower()
                writer.row([name, said.priority, said.model_priority, needs, signs])


def as_text(figures_found: Mapping[str, Any]) -> str:
    """The report for people."""
    lines = [
        f"{figures_found['rows']} cases",
        f"{figures_found['cases_per_second']:.0f} cases/s in batches",
        f"one case in {figures_found['p95_ms']:.1f} ms (p95)",
    ]
    heads = [name for name in ("best_guess", "operating_point", "nurse") if name in figures_found]
    if not heads:
        return "\n".join(lines)
    lines += ["", f"{'':16}" + "".join(f"{head.replace('_', ' '):>30}" for head in heads)]
    for metric in figures.METRICS:
        cells = (_cell(figures_found[head], metric) for head in heads)
        lines.append(f"{metric:16}" + "".join(f"{cell:>30}" for cell in cells))
    conformal = figures_found["conformal"]
    lines += [
        "",
        f"calibration error {figures_found['ece']:.3f}",
        f"90 % sets cover {conformal['coverage']:.1%}, mean size {conformal['mean_size']:.2f}",
    ]
    for head in heads:
        lines += [
            "",
            f"{head.replace('_', ' ')}: rows are the label, columns the decision",
            _table(figures_found[head]),
        ]
    return "\n".join(lines)


def _cell(values: Mapping[str, Any], metric: str) -> str:
    low, high = values["intervals"][metric]
    if values[metric] is None or low is None:
        return "none to find"
    return f"{values[metric]:.3f} ({low:.3f} to {high:.3f})"


def _table(values: Mapping[str, Any]) -> str:
    head = (
        f"{'priority (level)':>16}"
        + "".join(f"{level:>3} ({level + 1})" for level in range(NUM_PRIORITIES))
        + f"{'found':>9}"
    )
    lines = [head]
    for index, counts in enumerate(values["table"]):
        total = sum(counts)
        found = f"{counts[index] / total:9.1%}" if total else f"{'':9}"
        cells = "".join(f"{count:>7}" for count in counts)
        lines.append(f"{f'{index} ({index + 1})':>16}" + cells + found)
    return "\n".join(lines)
