"""Recorded points of an experiment, in one CSV file for tables, plots and resumed runs.

During an experiment each finished point is a line of `points.jsonl`. At the end all points are
written to `results.csv`, and `points.jsonl` is deleted.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from scheduling import csv_text
from scheduling.core.request import PRIORITIES
from scheduling.files import write_whole

TABLE: Final = "results.csv"
UNFINISHED: Final = "points.jsonl"

_DECIMALS: Final = 4
_OVERALL: Final = ("count", "mean", "p50", "p90", "p95", "p99", "max", "ttft_mean")
_LEVEL: Final = ("count", "mean", "p95", "ttft_mean")
_PREFIXES: Final = ("overall", *(f"level_{priority}" for priority in PRIORITIES))

Point = dict[str, Any]


def recorded(figures: Mapping[str, Any]) -> Point:
    """Returns the figures of a run to record: rounded to 0.1 ms, by level only those of
    `_LEVEL`."""
    kept = {name: figures[name] for name in figures if name not in ("by_priority", "overall")}
    kept["overall"] = {name: figures["overall"][name] for name in _OVERALL}
    kept["by_priority"] = {
        level: {name: own[name] for name in _LEVEL} for level, own in figures["by_priority"].items()
    }
    rounded: Point = _rounded(kept)
    return rounded


def read_points(folder: Path) -> dict[str, Point]:
    """Returns the recorded points by key. Ignores partial lines of an interrupted run."""
    found: dict[str, Point] = {}
    table = folder / TABLE
    if table.exists():
        for row in csv.DictReader(io.StringIO(table.read_text(encoding="utf-8"))):
            point = _nested(row)
            found[point["key"]] = point
    unfinished = folder / UNFINISHED
    lines = unfinished.read_text(encoding="utf-8").splitlines() if unfinished.exists() else ()
    for line in lines:
        try:
            point = json.loads(line)
        except ValueError:
            continue
        found[point["key"]] = point
    return found


def write_table(folder: Path, points: Iterable[Point]) -> None:
    rows = [_flat(point) for point in points]
    text = io.StringIO()
    header = list(dict.fromkeys(n for row in rows for n in row))
    writer = csv_text.Writer(text)
    writer.row(header)
    writer.rows([row.get(name, "") for name in header] for row in rows)
    write_whole(folder / TABLE, text.getvalue())


def _flat(point: Point) -> dict[str, Any]:
    row = {n: value for n, value in point.items() if n not in ("by_priority", "overall")}
    groups = {"overall": point["overall"]}
    groups |= {f"level_{level}": own for level, own in point["by_priority"].items()}
    for prefix, figures in groups.items():
        row |= {f"{prefix}_{name}": value for name, value in figures.items()}
    return row


def _nested(row: Mapping[str, str]) -> Point:
    point: Point = {}
    groups: dict[str, Point] = {prefix: {} for prefix in _PREFIXES}
    for column, text in row.items():
        prefix = next((each for each in _PREFIXES if column.startswith(each + "_")), None)
        if prefix is None:
            point[column] = _value(text)
        else:
            groups[prefix][column.removeprefix(prefix + "_")] = _value(text)
    levels = {str(priority): groups[f"level_{priority}"] for priority in PRIORITIES}
    return point | {"overall": groups["overall"], "by_priority": levels}


def _value(text: str) -> str | int | float | None:
    if not text:
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return round(value, _DECIMALS) if isinstance(value, float) else value
