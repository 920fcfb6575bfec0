"""Reads a file of emergency calls: one JSON object per line, sorted by time of call.

fixtures/README.md describes the format. The whole file is checked first, so that a replay
does not stop in the middle at a bad line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from scheduling.core.request import PRIORITIES
from scheduling.files import CannotUse, NotJson, parse_json, read_text
from triage_site.cases.entry import check_entry
from triage_site.triage.facts import CaseFacts

_FIELDS: Final = ("id", "offset_seconds", "call_type", "facts", "expected_priority", "why")
_ESCALATION_FIELDS: Final = ("after_seconds", "priority", "why")


class CallsFileError(ValueError):
    """The file cannot be used. `line` counts from 1; it is None for an error of the whole file."""

    def __init__(self, path: Path, line: int | None, field: str, reason: str) -> None:
        self.path, self.line, self.field, self.reason = path, line, field, reason
        where = str(path) if line is None else f"{path}, line {line}"
        super().__init__(f"{where}: {field}: {reason}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """The patient gets worse: `priority` applies from `after_seconds` after the call."""

    after_seconds: float
    priority: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call. `offset_seconds` counts from the start of the file's time span."""

    id: str
    offset_seconds: float
    call_type: str
    facts: CaseFacts
    expected_priority: int  # 0 is most urgent
    why: str
    escalation: Escalation | None = None


class _BadField(ValueError):
    def __init__(self, field: str, reason: str) -> None:
        self.field, self.reason = field, reason
        super().__init__(f"{field}: {reason}")


FIXTURES: Final = settings.BASE_DIR / "fixtures" / "calls"


def fixture_names() -> list[str]:
    return sorted(path.stem for path in FIXTURES.glob("*.jsonl"))


def fixture_calls(name: str) -> list[Call]:
    """The calls of a shipped fixture. Raises CallsFileError."""
    return load_calls(FIXTURES / f"{name}.jsonl")


def load_calls(path: str | Path) -> list[Call]:
    """Returns every call of the file, in order of time. Blank lines are skipped.

    Raises CallsFileError with line, field and reason of the first error, also when the file
    cannot be read or holds no call.
    """
    path = Path(path)
    calls: list[Call] = []
    line_of: dict[str, int] = {}
    for line, text in _lines(path):
        try:
            call = _parse_call(_parse_object(text))
            if call.id in line_of:
                raise _BadField("id", f"{call.id!r} is already used on line {line_of[call.id]}")
            if calls and call.offset_seconds < calls[-1].offset_seconds:
                raise _BadField("offset_seconds", "is earlier than that of the previous call")
        except _BadField as error:
            raise CallsFileError(path, line, error.field, error.reason) from None
        line_of[call.id] = line
        calls.append(call)
    if not calls:
        raise CallsFileError(path, None, "file", "holds no call")
    return calls


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Splits at newlines only, because a JSON string may hold other line separators."""
    try:
        text = read_text(path)
    except CannotUse as error:
        raise CallsFileError(path, None, "file", error.reason) from None
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line


def _parse_object(text: str) -> Mapping[str, Any]:
    try:
        value = parse_json(text)
    except NotJson as error:
        raise _BadField("line", f"is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise _BadField("line", "must be a JSON object")
    return value


def _parse_call(data: Mapping[str, Any]) -> Call:
    _check_names(data, required=_FIELDS, optional=("escalation",))
    expected = _priority(data, "expected_priority")
    return Call(
        id=_text(data, "id"),
        offset_seconds=_seconds(data, "offset_seconds"),
        call_type=_text(data, "call_type"),
        facts=_facts(data["facts"]),
        expected_priority=expected,
        why=_text(data, "why"),
        escalation=_escalation(data.get("escalation"), expected),
    )


def _facts(value: Any) -> CaseFacts:
    if not isinstance(value, dict):
        raise _BadField("facts", "must be an object")
    try:
        facts = CaseFacts.from_dict(value)
    except ValueError as error:
        name, _, reason = str(error).partition(": ")
        raise _BadField(f"facts.{name}", reason) from None
    for finding in check_entry(facts).errors:
        raise _BadField(f"facts.{finding.field}", finding.reason)
    return facts


def _escalation(value: Any, expected_priority: int) -> Escalation | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise _BadField("escalation", "must be an object")
    try:
        _check_names(value, required=_ESCALATION_FIELDS)
        escalation = Escalation(
            after_seconds=_seconds(value, "after_seconds"),
            priority=_priority(value, "priority"),
            why=_text(value, "why"),
        )
    except _BadField as error:
        raise _BadField(f"escalation.{error.field}", error.reason) from None
    if escalation.priority >= expected_priority:
        raise _BadField("escalation.priority", "must be more urgent than expected_priority")
    return escalation


def _check_names(
    data: Mapping[str, Any], *, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> None:
    for name in required:
        if name not in data:
            raise _BadField(name, "is missing")
    for name in data:
        if name not in required and name not in optional:
            raise _BadField(name, "unknown field")


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data[name]
    if not isinstance(value, str) or not value.strip():
        raise _BadField(name, "must be text and not empty")
    return value


def _seconds(data: Mapping[str, Any], name: str) -> float:
    value = data[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _BadField(name, "must be a number of seconds")
    try:
        seconds = float(value)
    except OverflowError:
        raise _BadField(name, "is too large") from None
    if not isfinite(seconds) or seconds < 0:
        raise _BadField(name, "must be finite and not negative")
    return seconds


def _priority(data: Mapping[str, Any], name: str) -> int:
    value = data[name]
    if isinstance(value, bool) or not isinstance(value, int) or value not in PRIORITIES:
        raise _BadField(name, f"must be a whole number, 0 to {PRIORITIES[-1]}")
    return value
