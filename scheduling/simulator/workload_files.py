"""Workloads from files: CSV, JSON lines, or JSON in the format of the published requests.

A bad record is refused with its line, field and reason. CSV and JSON lines have the fields
arrival, priority, prompt, output and predicted. Without `predicted`, the prediction is exact.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any, Final

from scheduling.core.request import NUM_PRIORITIES
from scheduling.simulator.workload import Work, with_shifted_arrivals

_ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "arrival": ("arrival", "arrival_seconds"),
    "priority": ("priority",),
    "prompt": ("prompt", "prompt_tokens"),
    "output": ("output", "output_tokens"),
    "predicted": ("predicted", "predicted_tokens"),
}
_MAX_TOKENS: Final = 1_000_000
_DECODER: Final = json.JSONDecoder()


class BadWorkload(ValueError):
    """The file is not valid. The message gives file, line or entry, field and reason."""


def load_workload(path: Path, gap_seconds: float, group: str | None = None) -> list[Work]:
    """Returns the requests of a file. Raises BadWorkload.

    `group` selects one of several workloads in a JSON object (`max5`, `max20`, ...). If a
    record has arrivals for several gaps, those of `gap_seconds` are used.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadWorkload(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadWorkload(f"{path}: not UTF-8 text") from error
    records = list(_records(path, text, group))
    if not records:
        raise BadWorkload(f"{path}: contains no requests")
    works: list[Work] = []
    seen: set[str] = set()
    for where, record in records:
        work = _work(where, record, gap_seconds, default_id=str(len(works)))
        if work.id in seen:
            raise BadWorkload(f"{where}: id: {work.id} occurs twice")
        seen.add(work.id)
        works.append(work)
    if any("published_enqueue_seconds" in record for _, record in records):
        return works
    return with_shifted_arrivals(works)


def _records(path: Path, text: str, group: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    suffix = path.suffix.lower()
    if suffix == ".csv":
        yield from _csv_records(path, text)
    elif suffix in (".jsonl", ".ndjson"):
        yield from _line_records(path, text)
    elif suffix == ".json":
        yield from _json_records(path, text, group)
    else:
        raise BadWorkload(f"{path}: must end in .csv, .jsonl or .json")


def _csv_records(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    reader = csv.DictReader(text.splitlines(), strict=True)
    header = reader.fieldnames or []
    for field, names in _ALIASES.items():
        if field != "predicted" and not set(names) & set(header):
            raise BadWorkload(f"{path}: line 1: {field}: missing column")
    try:
        for row in reader:
            where = f"{path}: line {reader.line_num}"
            if None in row or None in row.values():
                raise BadWorkload(f"{where}: row: must have {len(header)} fields")
            yield where, {name: value for name, value in row.items() if value != ""}
    except csv.Error as error:
        raise BadWorkload(f"{path}: line {reader.line_num}: row: {error}") from error


def _line_records(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        where = f"{path}: line {number}"
        try:
            record = json.loads(line)
        except ValueError as error:
            raise BadWorkload(f"{where}: record: not JSON: {error}") from error
        if not isinstance(record, dict):
            raise BadWorkload(f"{where}: record: must be a JSON object")
        yield where, record


def _json_records(path: Path, text: str, group: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadWorkload(f"{path}: line {error.lineno}: file: not JSON: {error.msg}") from error
    start = 0
    if isinstance(content, dict):
        name = _chosen(path, content, group)
        content, start = content[name], _start_of_value(text, name)
    if not isinstance(content, list):
        raise BadWorkload(f"{path}: line 1: file: must be a list of requests, or named lists")
    lines = _lines_of_entries(text, start)
    for number, (record, line) in enumerate(zip(content, lines, strict=True), start=1):
        where = f"{path}: line {line}, entry {number}"
        if not isinstance(record, dict):
            raise BadWorkload(f"{where}: record: must be a JSON object")
        yield where, record


def _chosen(path: Path, content: Mapping[str, Any], group: str | None) -> str:
    """Returns the name of the selected workload, or of the only one."""
    if group in content:
        return str(group)
    if len(content) == 1:
        return next(iter(content))
    names = ", ".join(map(str, content))
    raise BadWorkload(f"{path}: line 1: file: no workload {group!r}; there are {names}")


def _start_of_value(text: str, name: str) -> int:
    """Returns the position of the value of `name` in `text`, a valid JSON object."""
    found = 0
    position = _skip(text, text.index("{") + 1, ",")
    while text[position] != "}":
        key, position = _DECODER.raw_decode(text, position)
        position = _skip(text, position, ":")
        found = position if key == name else found
        _, position = _DECODER.raw_decode(text, position)
        position = _skip(text, position, ",")
    return found


def _lines_of_entries(text: str, start: int) -> Iterator[int]:
    """Yields the line number of each entry of the list at `start`, in valid JSON."""
    position = _skip(text, text.index("[", start) + 1, ",")
    line, counted = 1, 0
    while text[position] != "]":
        line += text.count("\n", counted, position)
        counted = position
        yield line
        _, position = _DECODER.raw_decode(text, position)
        position = _skip(text, position, ",")


def _skip(text: str, position: int, mark: str) -> int:
    while text[position].isspace() or text[position] == mark:
        position += 1
    return position


def _work(where: str, record: Mapping[str, Any], gap_seconds: float, default_id: str) -> Work:
    priority = _whole(where, record, "priority", 0, NUM_PRIORITIES - 1)
    arrival = _seconds(where, "arrival", _at_gap(where, record, "arrival", gap_seconds))
    enqueue = arrival
    if "published_enqueue_seconds" in record:
        found = _at_gap(where, record, "published_enqueue_seconds", gap_seconds)
        enqueue = _seconds(where, "published_enqueue_seconds", found)
    output = _whole(where, record, "output", 1, _MAX_TOKENS)
    predicted = output
    if _raw(record, "predicted") is not None:
        predicted = _whole(where, record, "predicted", 0, _MAX_TOKENS)
    group = _whole(where, record, "group", 0, _MAX_TOKENS) if "group" in record else 0
    sent = group * gap_seconds if "group" in record else arrival
    return Work(
        id=str(record.get("id", default_id)),
        group=group if "group" in record else int(default_id),
        priority=priority,
        predicted_priority=(
            _whole(where, record, "predicted_priority", 0, NUM_PRIORITIES)
            if "predicted_priority" in record
            else priority
        ),
        prompt_tokens=_whole(where, record, "prompt", 1, _MAX_TOKENS),
        output_tokens=output,
        predicted_tokens=predicted,
        sent_seconds=min(sent, arrival),
        arrival_seconds=arrival,
        enqueue_seconds=enqueue,
    )


def _raw(record: Mapping[str, Any], field: str) -> Any:
    for name in _ALIASES.get(field, (field,)):
        if name in record:
            return record[name]
    return None


def _at_gap(where: str, record: Mapping[str, Any], field: str, gap_seconds: float) -> Any:
    value = _raw(record, field)
    if not isinstance(value, dict):
        return value
    for gap, seconds in value.items():
        try:
            if float(gap) == gap_seconds:
                return seconds
        except (TypeError, ValueError):
            break
    raise BadWorkload(f"{where}: {field}: no times for a gap of {gap_seconds:g} s")


def _seconds(where: str, field: str, value: Any) -> float:
    number = _number(where, field, value)
    if number < 0:
        raise BadWorkload(f"{where}: {field}: must not be negative, not {number:g}")
    return number


def _whole(where: str, record: Mapping[str, Any], field: str, low: int, high: int) -> int:
    number = _number(where, field, _raw(record, field))
    if number != int(number):
        raise BadWorkload(f"{where}: {field}: must be a whole number, not {number:g}")
    if not low <= number <= high:
        raise BadWorkload(f"{where}: {field}: must be {low} to {high}, not {number:g}")
    return int(number)


def _number(where: str, field: str, value: Any) -> float:
    if value is None:
        raise BadWorkload(f"{where}: {field}: missing")
    try:
        if isinstance(value, bool):
            raise ValueError
        number = float(value)
    except (TypeError, ValueError):
        raise BadWorkload(f"{where}: {field}: must be a number, not {value!r}") from None
    if not isfinite(number):
        raise BadWorkload(f"{where}: {field}: must be finite, not {value!r}")
    return number
