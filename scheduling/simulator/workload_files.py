"""Workloads from files: CSV, JSON lines, or JSON in the format of the published requests.

A bad record is refused with its line, its column as the file names it, and a reason. CSV and
JSON lines have the fields arrival, priority, prompt, output and predicted, or those of a public
trace (`trace_formats`). Without `predicted`, the prediction is exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from math import isfinite
from pathlib import Path, PurePath
from typing import Any, Final

from scheduling.core.request import NUM_PRIORITIES
from scheduling.files import CannotUse, read_text
from scheduling.simulator.trace_formats import (
    OWN,
    PriorityRule,
    TraceFormat,
    column_of,
    epoch_units,
    figure,
    format_of,
    moment,
    own_record,
    priorities_by,
    shown,
    zero_of,
)
from scheduling.simulator.workload import Work, with_shifted_arrivals
from scheduling.simulator.workload_records import BadWorkload, records_of

__all__ = ["BadWorkload", "LoadedWorkload", "Reading", "load_workload", "parse_workload"]

_MAX_TOKENS: Final = 1_000_000
_MAX_SECONDS: Final = 1e9  # about 30 years; later, a float no longer tells short answers apart


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedWorkload:
    """The requests of a file, and sentences about what was done to them on the way."""

    works: list[Work]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One record: where it stands, its values by our own names, and as the file has it."""

    where: str
    values: dict[str, Any]
    in_file: Mapping[str, Any]
    known: TraceFormat

    def refused(self, field: str, reason: object) -> BadWorkload:
        """The message names the column as it stands in the file."""
        column = column_of(field, self.in_file, self.known)
        return BadWorkload(f"{self.where}: {column}: {reason}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How to read a file. `priorities` None: `uniform` for public traces, refused for ours.

    A file with more than `most` requests is refused as soon as that is seen. None: any number.
    """

    gap_seconds: float = 1.0
    group: str | None = None
    priorities: PriorityRule | None = None
    seed: int = 0
    most: int | None = None


def load_workload(path: Path, gap_seconds: float, group: str | None = None) -> list[Work]:
    """The requests of a whole file. Raises BadWorkload."""
    return read_workload(path, Reading(gap_seconds=gap_seconds, group=group)).works


def read_workload(path: Path, reading: Reading) -> LoadedWorkload:
    """Reads a whole file or raises BadWorkload."""
    try:
        text = read_text(path)
    except CannotUse as error:
        raise BadWorkload(str(error)) from None
    return parse_workload(path, text, reading)


def parse_workload(path: PurePath, text: str, reading: Reading) -> LoadedWorkload:
    """The requests in `text`, the content of the file `path`. Raises BadWorkload.

    `reading.group` selects one of several workloads in a JSON object (`max5`, `max20`, ...). If
    a record has arrivals for several gaps, those of `reading.gap_seconds` are used.
    """
    if not text.strip("\ufeff \t\r\n"):
        raise BadWorkload(f"{path}: is empty")
    found = records_of(path, text.removeprefix("\ufeff"), reading.group)
    raw = list(found if reading.most is None else islice(found, reading.most + 1))
    if reading.most is not None and len(raw) > reading.most:
        raise BadWorkload(f"{path}: holds more than {reading.most:,} requests")
    if not raw:
        raise BadWorkload(f"{path}: contains no requests")
    known = format_of(raw[0][1]) or OWN
    rows = [
        _Row(where=where, values=own_record(record, known), in_file=record, known=known)
        for where, record in raw
    ]
    notes = []
    if known.is_public:
        notes.append(f"Read as a trace of {known.name}; the first arrival is time zero.")
        rows = _without_failed(path, rows, notes)
    _from_zero(rows, known, reading.gap_seconds, notes)
    _add_priorities(rows, known, reading, notes)
    works = _works(rows, reading.gap_seconds)
    if not any("published_enqueue_seconds" in row.values for row in rows):
        works = with_shifted_arrivals(works)
    return LoadedWorkload(works=works, notes=tuple(notes))


def _works(rows: Sequence[_Row], gap_seconds: float) -> list[Work]:
    works: list[Work] = []
    seen: set[str] = set()
    for row in rows:
        work = _work(row, gap_seconds, default_id=str(len(works)))
        if work.id in seen:
            raise row.refused("id", f"{work.id} occurs twice")
        seen.add(work.id)
        works.append(work)
    return works


def _without_failed(path: PurePath, rows: list[_Row], notes: list[str]) -> list[_Row]:
    """Public traces keep failed requests as answers of no token."""
    kept = [row for row in rows if not _is_zero(row.values.get("output"))]
    if not kept:
        raise BadWorkload(f"{path}: contains no request with an answer")
    if num := len(rows) - len(kept):
        notes.append(f"{num} requests without an answer (0 tokens) were left out.")
    return kept


def _is_zero(value: Any) -> bool:
    try:
        return float(value) == 0
    except (TypeError, ValueError, OverflowError):
        return False


def _from_zero(
    rows: Sequence[_Row], known: TraceFormat, gap_seconds: float, notes: list[str]
) -> None:
    """Writes arrivals in seconds, from zero where they are epoch times."""
    moments = [_moment(row, gap_seconds) for row in rows]
    known_moments = [time for time in moments if time is not None]
    zero, units = zero_of(known_moments, known), epoch_units(known_moments)
    if zero and not known.is_public:
        notes.append("Arrivals are epoch times; the first one is time zero.")
    if units > 1:
        notes.append(f"Arrivals are epoch times with {units:,} units a second.")
    for row, time in zip(rows, moments, strict=True):
        if time is not None:
            row.values["arrival"] = float((time - zero) / units)
            if zero and "sent" in row.values:
                sent = _number(row, "sent", row.values["sent"])
                row.values["sent"] = (sent - float(zero)) / units


def _moment(row: _Row, gap_seconds: float) -> Decimal | None:
    value = _at_gap(row, "arrival", gap_seconds)
    if value is None or isinstance(value, bool):
        return None  # `_work` says what is wrong with it
    try:
        return moment(value, row.known)
    except ValueError as error:
        raise row.refused("arrival", error) from None


def _add_priorities(
    rows: Sequence[_Row], known: TraceFormat, reading: Reading, notes: list[str]
) -> None:
    """Fills in the priority by the rule where no record has one."""
    if any("priority" in row.values for row in rows):
        return
    rule = reading.priorities or (PriorityRule.UNIFORM if known.is_public else None)
    if rule is None:
        choices = ", ".join(PriorityRule)
        raise rows[0].refused("priority", f"missing; add it or choose a rule: {choices}")
    prompts = [_whole(row, "prompt", 1, _MAX_TOKENS) for row in rows]
    for row, priority in zip(rows, priorities_by(rule, prompts, reading.seed), strict=True):
        row.values["priority"] = priority
    drawn = "" if rule is PriorityRule.BY_LENGTH else f", drawn with seed {reading.seed}"
    notes.append(f"The file has no priority; levels by the rule {rule.value}{drawn}.")


def _work(row: _Row, gap_seconds: float, default_id: str) -> Work:
    values = row.values
    priority = _whole(row, "priority", 0, NUM_PRIORITIES - 1)
    arrival = _seconds(row, "arrival", _at_gap(row, "arrival", gap_seconds))
    enqueue = arrival
    if "published_enqueue_seconds" in values:
        found = _at_gap(row, "published_enqueue_seconds", gap_seconds)
        enqueue = _seconds(row, "published_enqueue_seconds", found)
    output = _whole(row, "output", 1, _MAX_TOKENS)
    predicted = output
    if values.get("predicted") is not None:
        predicted = _whole(row, "predicted", 0, _MAX_TOKENS)
    group = _whole(row, "group", 0, _MAX_TOKENS) if "group" in values else 0
    sent = group * gap_seconds if "group" in values else arrival
    if "sent" in values:
        sent = _seconds(row, "sent", values["sent"])
    name = str(values.get("id", default_id))
    if not name:
        raise row.refused("id", "must not be empty")
    return Work(
        id=name,
        group=group if "group" in values else int(default_id),
        priority=priority,
        predicted_priority=(
            _whole(row, "predicted_priority", 0, NUM_PRIORITIES)
            if "predicted_priority" in values
            else priority
        ),
        prompt_tokens=_whole(row, "prompt", 1, _MAX_TOKENS),
        output_tokens=output,
        predicted_tokens=predicted,
        sent_seconds=min(sent, arrival),
        arrival_seconds=arrival,
        enqueue_seconds=enqueue,
    )


def _at_gap(row: _Row, field: str, gap_seconds: float) -> Any:
    value = row.values.get(field)
    if not isinstance(value, dict):
        return value
    for gap, seconds in value.items():
        try:
            if float(gap) == gap_seconds:
                return seconds
        except (TypeError, ValueError, OverflowError):
            break
    raise row.refused(field, f"no times for a gap of {gap_seconds:g} s")


def _seconds(row: _Row, field: str, value: Any) -> float:
    number = _number(row, field, value)
    if number < 0:
        raise row.refused(field, f"must not be negative, not {figure(number)}")
    if number > _MAX_SECONDS:
        most = f"must be at most {figure(_MAX_SECONDS)} s"
        raise row.refused(field, f"{most}, not {figure(number)}")
    return number


def _whole(row: _Row, field: str, low: int, high: int) -> int:
    number = _number(row, field, row.values.get(field))
    if number != int(number):
        raise row.refused(field, f"must be a whole number, not {figure(number)}")
    if not low <= number <= high:
        span = f"{figure(low)} to {figure(high)}"
        raise row.refused(field, f"must be {span}, not {figure(number)}")
    return int(number)


def _number(row: _Row, field: str, value: Any) -> float:
    if value is None:
        raise row.refused(field, "missing")
    try:
        if isinstance(value, bool):
            raise ValueError
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise row.refused(field, f"must be a number, not {shown(value)}") from None
    if not isfinite(number):
        raise row.refused(field, f"must be finite, not {shown(value)}")
    return number
