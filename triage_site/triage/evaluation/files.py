"""Files of cases to judge by: tables with a header, or JSON lines of facts as the API takes them
or as the replay of calls does.

Whatever is wrong is said with line, field and reason.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scheduling.files import CannotUse, NotJson, parse_json, read_bytes
from triage_site.triage.evaluation.columns import BadField, Row, check, our_name, to_facts
from triage_site.triage.facts import CaseFacts

_LABELS: Final = ("expert_level", "priority")
_NURSE: Final = "nurse_level"
_DELIMITERS: Final = ",;\t"
_JSON_LINES: Final = frozenset({".jsonl", ".ndjson"})
_TABLES: Final = frozenset({".csv", ".tsv", ".txt"})
_OF_CALL: Final = "facts"  # in lines as the replay of calls takes them
_BESIDE_FACTS: Final = frozenset({"id", "expert_level", "priority", "expected_priority", _NURSE})


class BadFile(ValueError):
    """Says which line, which field, and why."""

    def __init__(self, line: int, field: str, reason: str) -> None:
        super().__init__(f"line {line}: {field}: {reason}")


@dataclass(frozen=True, slots=True)
class Cases:
    facts: list[CaseFacts]
    labels: list[int] | None  # priorities 0 to 4
    nurse: list[int] | None
    ids: list[str]


@dataclass(frozen=True, slots=True)
class _Case:
    """`line` is its place in the file."""

    line: int
    facts: CaseFacts
    label: int | None
    nurse: int | None
    id: str


def sources(path: Path) -> list[Path]:
    """The file, or all files of a folder that can be read, by name. Raises CannotUse."""
    try:
        if not path.is_dir():
            return [path]
    except OSError as error:
        raise CannotUse(path, f"cannot be read: {error.strerror}") from None
    return sorted(file for file in path.iterdir() if file.suffix.lower() in _JSON_LINES | _TABLES)


def read_file(path: Path) -> Cases:
    """By its ending: JSON lines, or a table. Raises BadFile, or CannotUse."""
    text = _decoded(read_bytes(path))
    read = _json_lines if path.suffix.lower() in _JSON_LINES else _table
    cases = list(read(text))
    if not cases:
        raise BadFile(2, "file", "has a header but no rows")
    return Cases(
        facts=[case.facts for case in cases],
        labels=_all_or_none(cases, "label", _LABELS[0]),
        nurse=_all_or_none(cases, "nurse", _NURSE),
        ids=[case.id or str(number) for number, case in enumerate(cases, 1)],
    )


def read_csv(path: Path) -> Cases:
    """A table under any name. Comma, semicolon or tab between fields, point or comma in numbers."""
    return read_file(path)


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise BadFile(1, "file", "is no text")


def _all_or_none(cases: list[_Case], name: str, column: str) -> list[int] | None:
    """None where the column is missing or empty throughout."""
    levels = [getattr(case, name) for case in cases]
    if all(level is None for level in levels):
        return None
    for case, level in zip(cases, levels, strict=True):
        if level is None:
            raise BadFile(case.line, column, "is empty, but other rows have it")
    return levels


def _table(text: str) -> Iterator[_Case]:
    header, _, rest = text.partition("\n")
    delimiter = max(_DELIMITERS, key=header.count)
    lines = io.StringIO(f"{header}\n{rest}", newline="")
    reader = csv.DictReader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    try:
        columns = [our_name(name or "") for name in reader.fieldnames or []]
    except csv.Error as error:
        raise BadFile(1, "row", str(error)) from None
    reader.fieldnames = columns
    if "text" not in columns:
        raise BadFile(1, "text", "neither a column chief_complaint nor a column text")
    for row in _rows(reader):
        if None in row or None in row.values():
            reason = f"has not {len(columns)} fields as the header has"
            raise BadFile(reader.line_num, "row", reason)
        yield _case(reader.line_num, row, to_facts)


def _rows(reader: csv.DictReader[str]) -> Iterator[dict[Any, Any]]:
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadFile(reader.line_num, "row", str(error)) from None
        yield row


def _json_lines(text: str) -> Iterator[_Case]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                row = parse_json(line)
            except NotJson:
                raise BadFile(number, "row", "is no JSON") from None
            if not isinstance(row, dict):
                raise BadFile(number, "row", "is no JSON object")
            told = {k: "" if v is None else str(v) for k, v in row.items() if k in _BESIDE_FACTS}
            told["priority"] = told.get("priority") or told.pop("expected_priority", "")
            facts = row.get(_OF_CALL, {k: v for k, v in row.items() if k not in _BESIDE_FACTS})
            yield _case(number, told, lambda _row, facts=facts: _from_json(facts))


def _from_json(data: Any) -> CaseFacts:
    if not isinstance(data, dict):
        raise BadField(_OF_CALL, "is no JSON object")
    try:
        facts = CaseFacts.from_dict(data)
    except ValueError as error:
        field, _, reason = str(error).partition(": ")
        raise BadField(field, reason) from None
    check(facts)
    return facts


def _case(line: int, row: Row, read: Any) -> _Case:
    try:
        facts = read(row)
        if not facts.text and not any(facts.value(v) for v in ("sbp_mmhg", "hr_bpm", "rr_bpm")):
            raise BadField("text", "is empty")
        label = _level(row, "expert_level", 1)
        label = _level(row, "priority", 0) if label is None else label
        return _Case(line, facts, label, _level(row, _NURSE, 1), (row.get("id") or "").strip())
    except BadField as bad:
        raise BadFile(line, bad.field, bad.reason) from None


def _level(row: Row, column: str, first: int) -> int | None:
    """A level of a scale that begins at `first`, as a priority."""
    cell = (row.get(column) or "").strip().removesuffix(".0")
    if not cell:
        return None
    if cell not in {str(level) for level in range(first, first + 5)}:
        raise BadField(column, f"{cell!r} is not a level from {first} to {first + 4}")
    return int(cell) - first
