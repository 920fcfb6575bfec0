"""Judging the classifier on a file of cases: reading it, running it, and the report.

Two kinds of CSV are read: the columns of the KTAS study, or free text (`text`, `age_years`).
`expert_level` (1 to 5) may be missing from both; then there are levels but no figures. Numbers
measured on rows that the weights were trained on say how well they were learnt, not how well
the classifier works: docs/MODEL_CARD.md has the cross-validated ones.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from triage_site.triage.classify import classify, classify_many
from triage_site.triage.decision import DEFAULT_COSTS, Costs
from triage_site.triage.evaluation import figures, ktas
from triage_site.triage.facts import CaseFacts
from triage_site.triage.model.candidate import Candidate, Many, One
from triage_site.triage.types import NUM_PRIORITIES, Classification

_KTAS_COLUMN: Final = "chief_complaint"
_TEXT_COLUMN: Final = "text"
_LABEL: Final = "expert_level"
_NURSE: Final = "nurse_level"
_DELIMITERS: Final = ",;\t"
_BATCH: Final = 256
_NUM_TIMED: Final = 200
_SEED: Final = 0


class BadFile(ValueError):
    """Says which line, which field, and why."""

    def __init__(self, line: int, field: str, reason: str) -> None:
        super().__init__(f"line {line}: {field}: {reason}")


@dataclass(frozen=True, slots=True)
class Cases:
    facts: list[CaseFacts]
    labels: list[int] | None  # priorities 0 to 4
    nurse: list[int] | None


def read_csv(path: Path) -> Cases:
    """Comma, semicolon or tab between fields, point or comma in numbers, UTF-8 or Windows text.

    Raises BadFile, or OSError where the file cannot be opened.
    """
    text = _decoded(path.read_bytes())
    header, _, rest = text.partition("\n")
    delimiter = max(_DELIMITERS, key=header.count)
    lines = io.StringIO(f"{header.lower()}\n{rest}", newline="")
    return _read(csv.DictReader(lines, delimiter=delimiter, strict=True, skipinitialspace=True))


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise BadFile(1, "file", "is no text")


def _read(reader: csv.DictReader[str]) -> Cases:
    columns = _columns(reader)
    to_facts = ktas.to_facts if _KTAS_COLUMN in columns else _free_text
    facts: list[CaseFacts] = []
    labels: list[int | None] = []
    nurse: list[int | None] = []
    for row in _rows(reader):
        if None in row or None in row.values():
            raise BadFile(
                reader.line_num, "row", f"has not {len(columns)} fields as the header has"
            )
        try:
            facts.append(to_facts(row))
            labels.append(_priority(row, _LABEL))
            nurse.append(_priority(row, _NURSE))
        except ktas.BadField as bad:
            raise BadFile(reader.line_num, bad.field, bad.reason) from None
    if not facts:
        raise BadFile(2, "file", "has a header but no rows")
    return Cases(facts, _all_or_none(labels, _LABEL), _all_or_none(nurse, _NURSE))


def _all_or_none(levels: list[int | None], column: str) -> list[int] | None:
    """None where the column is missing or empty throughout."""
    known = [level for level in levels if level is not None]
    if known and len(known) < len(levels):
        raise BadFile(levels.index(None) + 2, column, "is empty, but other rows have it")
    return known or None


def _columns(reader: csv.DictReader[str]) -> Sequence[str]:
    columns = [(name or "").strip() for name in reader.fieldnames or []]
    reader.fieldnames = columns
    if _KTAS_COLUMN not in columns and _TEXT_COLUMN not in columns:
        raise BadFile(
            1, _TEXT_COLUMN, f"neither a column {_KTAS_COLUMN} nor a column {_TEXT_COLUMN}"
        )
    return columns


def _rows(reader: csv.DictReader[str]) -> Any:
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadFile(reader.line_num, "row", str(error)) from None
        yield row


def _free_text(row: Mapping[str, str | None]) -> CaseFacts:
    text = (row.get(_TEXT_COLUMN) or "").strip()
    if not text:
        raise ktas.BadField(_TEXT_COLUMN, "is empty")
    return ktas.to_facts({**row, _KTAS_COLUMN: text})


def _priority(row: Mapping[str, str | None], column: str) -> int | None:
    cell = (row.get(column) or "").strip().removesuffix(".0")
    if not cell:
        return None
    if cell not in {"1", "2", "3", "4", "5"}:
        raise ktas.BadField(column, f"{cell!r} is not a level from 1 to 5")
    return int(cell) - 1


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


def write_levels(path: Path, outcome: Run) -> None:
    """One line for each case, in the order of the file; levels from 1 to 5."""
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["row", "level", "best_guess_level", "level_set", "needs_person"])
        for number, result in enumerate(outcome.results, 1):
            levels = "-".join(str(level + 1) for level in result.level_set)
            writer.writerow(
                [
                    number,
                    result.priority + 1,
                    result.model_priority + 1,
                    levels,
                    result.needs_person,
                ]
            )


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
        f"{'level':>7}"
        + "".join(f"{level:>7}" for level in range(1, NUM_PRIORITIES + 1))
        + f"{'found':>9}"
    )
    lines = [head]
    for index, counts in enumerate(values["table"]):
        total = sum(counts)
        found = f"{counts[index] / total:9.1%}" if total else f"{'':9}"
        lines.append(f"{index + 1:>7}" + "".join(f"{count:>7}" for count in counts) + found)
    return "\n".join(lines)
