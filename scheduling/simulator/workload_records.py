"""The records of a workload file, each with the place where it stands.

CSV with commas, semicolons or tabs; JSON lines; JSON as the published requests are kept.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any, Final

from scheduling import csv_text
from scheduling.files import NotJson, parse_json
from scheduling.simulator.trace_formats import format_of, header_fault

Located = tuple[str, dict[str, Any]]  # where it stands, and what it holds
_DECODER: Final = json.JSONDecoder()


class BadWorkload(ValueError):
    """The file is not valid. The message gives file, line or entry, field and reason."""


def records_of(path: PurePath, text: str, group: str | None) -> Iterator[Located]:
    """Every record of the file `path` with the content `text`. Raises BadWorkload."""
    if "\0" in text:  # PostgreSQL stores no such text
        raise BadWorkload(f"{path}: holds a NUL character")
    suffix = path.suffix.lower()
    if suffix == ".csv":
        yield from _csv_records(path, text)
    elif suffix in (".jsonl", ".ndjson"):
        yield from _line_records(path, text)
    elif suffix == ".json":
        yield from _json_records(path, text, group)
    else:
        raise BadWorkload(f"{path}: must end in .csv, .jsonl or .json")


def _csv_records(path: PurePath, text: str) -> Iterator[Located]:
    delimiter = _delimiter(text.partition("\n")[0])
    lines = text.splitlines()
    reader = csv.DictReader(lines, strict=True, delimiter=delimiter, skipinitialspace=True)
    try:
        header = list(reader.fieldnames or [])
        known = format_of(header)
        if known is None:
            raise BadWorkload(f"{path}: line 1: {header_fault(header)}")
        if twice := known.repeated(header):
            raise BadWorkload(f"{path}: line 1: {twice}: stands twice in the header")
        for row in reader:
            where = f"{path}: line {reader.line_num}"
            if None in row or None in row.values():
                raise BadWorkload(f"{where}: row: must have {len(header)} fields")
            yield where, {name: _cell(value, delimiter) or None for name, value in row.items()}
    except csv.Error as error:
        raise BadWorkload(f"{path}: line {reader.line_num or 1}: row: {error}") from error


def _delimiter(header: str) -> str:
    return next((mark for mark in (",", ";", "\t") if mark in header), ",")


def _cell(value: str, delimiter: str) -> str:
    """Without blanks; where semicolons separate fields, a comma is a decimal point."""
    stripped = csv_text.plain(value).strip()
    return stripped.replace(",", ".") if delimiter == ";" else stripped


def _line_records(path: PurePath, text: str) -> Iterator[Located]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        where = f"{path}: line {number}"
        try:
            record = parse_json(line)
        except NotJson as error:
            raise BadWorkload(f"{where}: record: not JSON: {error}") from None
        if not isinstance(record, dict):
            raise BadWorkload(f"{where}: record: must be a JSON object")
        yield where, record


def _json_records(path: PurePath, text: str, group: str | None) -> Iterator[Located]:
    try:
        content = parse_json(text)
    except NotJson as error:
        raise BadWorkload(f"{path}: line {error.line or 1}: file: not JSON: {error}") from None
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


def _chosen(path: PurePath, content: Mapping[str, Any], group: str | None) -> str:
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
