"""Vital signs that a note writes as a table: names in one line, their values below. Pure.

"HR | BP | SpO2" over "132 | 84/50 | 91", "Time HR BP" over several times, a name before the
values of several times, or "HR/BP/SpO2: 132, 84/50, 91". Of several times the last one is of now:
by its place, or the first where the times run backwards, or the one that is called so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_NAMES: Final[dict[str, str]] = {
    "hr_bpm": r"hr|heart rate|pulse(?: rate)?|p|pr|puls|fc",
    "pressure": r"n?i?bp|b/p|blood pressure|ta|pa",
    "sbp_mmhg": r"sbp|systolic|sys",
    "dbp_mmhg": r"dbp|diastolic|dia",
    "rr_bpm": r"rr|resps?(?:iratory)?(?: rate)?|r|fr|breaths",
    "spo2_percent": r"sp[o0]2|sa[o0]2|(?:o2 )?sats?|o2|(?:o2 |oxygen )?saturations?",
    "temp_c": r"t|temp(?:erature)?",
    "gcs": r"gcs",
    "pain_score": r"pain(?: score)?|nrs",
    "glucose": r"bm|bgl|cbg|glucose|bsl|sugar",
    "": r"time|date|when|hours?|at|obs|avpu|acvpu|news2?|ews|fio2|ewss?",
}
_NAME: Final = "|".join(names for names in _NAMES.values())
_CELL: Final = re.compile(
    rf"(?:{'|'.join(f'(?P<k{at}>{names})' for at, names in enumerate(_NAMES.values()))})\.?:?"
    r"\s*(?:[(\[][^()\[\]]{1,12}[)\]]|%|°c)?",
    re.IGNORECASE,
)
_KINDS: Final = tuple(_NAMES)
_NUMBER: Final = re.compile(
    r"(\d{1,3}(?:[.,]\d{1,2})?)\s*(?:%|bpm|/min|°?\s?[cf]|mm ?hg|/1[05]|mmol(?:/l)?)?"
    r"(?:\s*(?:on |\()?(?:ra|air|\d{1,2} ?l\S*)\)?)?\s*[*!hl]?",
    re.IGNORECASE,
)
_PRESSURE: Final = re.compile(r"(\d{2,3})\s*/\s*(\d{2,3})(?:\s*mm ?hg)?\s*[*!hl]?", re.IGNORECASE)
_NOTHING: Final = re.compile(r"[-?/.]*|n/?a|nil|not (?:done|taken)", re.IGNORECASE)
_RULE: Final = re.compile(r"[\s|:+=-]*-[\s|:+=-]*")
_CLOCK: Final = re.compile(r"(\d{1,2})[:.h]?(\d{2})")
_NOW: Final = re.compile(r"\b(?:now|triage|arrival|present|current|here)\b", re.IGNORECASE)
_BARS, _TAB, _TABS, _BLANKS = r"\|", r"\t", r"\t+|\s{2,}", r"\s*[,;]\s*|\s+"
_LEAST_NAMES: Final = 2
_MOST_ROWS: Final = 40
# "HR/BP/SpO2: 132, 84/50, 91".
_IN_LINE: Final = re.compile(
    rf"(?<![\w/])((?:(?:{_NAME})\s?[,/|;]\s?){{1,7}}(?:{_NAME}))\)?\s?[:=-]?\s+"
    r"((?:\d{2,3}/\d{2,3}|\d{1,3}(?:[.,]\d)?%?)(?:\s?[,;|]\s?(?:\d{2,3}/\d{2,3}|\d{1,3}(?:[.,]\d)?%?)"
    r"|\s(?:\d{2,3}/\d{2,3}|\d{1,3}(?:[.,]\d)?%?)(?=[\s,;.]|$)){1,7})(?![\w/])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a table, with its place in the text; `is_earlier` where a later one follows."""

    kind: str
    value: float
    begin: int
    stop: int
    is_earlier: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Its place in the text, and its values."""

    begin: int
    stop: int
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    begin: int
    stop: int


def find_tables(chars: str) -> Iterator[Table]:
    lines = _lines(chars)
    at = 0
    while at < len(lines):
        found = _with_names_above(lines, at) or _with_names_before(lines, at)
        if found:
            yield found[0]
        at = found[1] if found else at + 1
    yield from _in_one_line(chars)


def _lines(chars: str) -> list[_Cell]:
    found = []
    begin = 0
    for line in chars.split("\n"):
        found.append(_Cell(line, begin, begin + len(line)))
        begin += len(line) + 1
    return found


def _with_names_above(lines: Sequence[_Cell], at: int) -> tuple[Table, int] | None:
    """The table whose names stand in line `at`, and the line after it."""
    for mark in (_BARS, _TAB, _TABS, _BLANKS):
        kinds = [_kind(cell.text) for cell in _cells(lines[at], mark)]
        is_head = None not in kinds and sum(map(bool, kinds)) >= _LEAST_NAMES
        rows = [*_rows(lines[at + 1 : at + 1 + _MOST_ROWS], kinds, mark)] if is_head else []
        told = [row for row in rows if row]
        if told:
            end = at + 1 + len(rows)
            table = Table(lines[at].begin, lines[end - 1].stop, tuple(_with_times(told)))
            return table, end
    return None


def _rows(
    lines: Sequence[_Cell], kinds: Sequence[str | None], mark: str
) -> Iterator[list[Value | _Cell]]:
    """The values of each line, after its label; an empty row for a line that is ruled."""
    for line in lines:
        if _RULE.fullmatch(line.text):
            yield []
            continue
        cells = _cells(line, mark)
        label = [cells.pop(0)] if len(cells) == len(kinds) + 1 else []
        if len(cells) != len(kinds):
            return
        label += [cell for cell, kind in zip(cells, kinds, strict=True) if not kind]
        pairs = [(kind, cell) for kind, cell in zip(kinds, cells, strict=True) if kind]
        values = [[*_values(kind, cell)] for kind, cell in pairs]
        if not any(values) or not all(
            told or _NOTHING.fullmatch(cell.text)
            for told, (_, cell) in zip(values, pairs, strict=True)
        ):
            return
        yield [*label, *(one for told in values for one in told)]


def _with_times(rows: Sequence[list[Value | _Cell]]) -> Iterator[Value]:
    """Of each kind the value nearest to the row of now is of now: a later cell may be empty."""
    now = _row_of_now([" ".join(c.text for c in row if isinstance(c, _Cell)) for row in rows])
    told: set[str] = set()
    for row in (rows[now], *reversed(rows[:now]), *rows[now + 1 :]):
        values = [one for one in row if isinstance(one, Value)]
        for one in values:
            yield Value(one.kind, one.value, one.begin, one.stop, is_earlier=one.kind in told)
        told.update(one.kind for one in values)


def _row_of_now(labels: Sequence[str]) -> int:
    called = [number for number, label in enumerate(labels) if _NOW.search(label)]
    if called:
        return called[-1]
    clocks = [_CLOCK.search(label) for label in labels]
    times = [int(found[1]) * 60 + int(found[2]) for found in clocks if found]
    runs_back = len(times) == len(labels) > 1 and times == sorted(times, reverse=True)
    return 0 if runs_back else len(labels) - 1


def _with_names_before(lines: Sequence[_Cell], at: int) -> tuple[Table, int] | None:
    """The table of lines from `at` on that have a name and then the values of several times."""
    for mark in (_BARS, _TABS):
        rows = []
        for line in lines[at : at + _MOST_ROWS]:
            name, *cells = _cells(line, mark) or [line]
            kind = _kind(name.text)
            told = [[*_values(kind, cell)] for cell in cells] if kind else []
            if len(told) < _LEAST_NAMES or not all(told):
                break
            rows.append(told)
        if rows:
            head = _cells(lines[at - 1], mark) if at else []
            times = [cell.text for cell in head[-len(rows[0]) :]]
            now = _row_of_now(times) if len(times) == len(rows[0]) else len(rows[0]) - 1
            values = [
                Value(one.kind, one.value, one.begin, one.stop, is_earlier=number != now)
                for row in rows
                for number, told in enumerate(row)
                for one in told
            ]
            end = at + len(rows)
            return Table(lines[at].begin, lines[end - 1].stop, tuple(values)), end
    return None


def _in_one_line(chars: str) -> Iterator[Table]:
    for found in _IN_LINE.finditer(chars):
        names = _split(found[1], r"[,/|;]", found.start(1))
        cells = _split(found[2], r"[,;|\s]+", found.start(2))
        kinds = [_kind(cell.text) for cell in names]
        if len(kinds) == len(cells) and all(kinds):
            values = [_values(kind or "", cell) for kind, cell in zip(kinds, cells, strict=True)]
            told = [[*one] for one in values]
            if all(told):
                flat = tuple(one for each in told for one in each)
                yield Table(found.start(), found.end(), flat)


def _cells(line: _Cell, mark: str) -> list[_Cell]:
    """None where the mark does not divide the line."""
    bars = re.fullmatch(r"\s*\|?(.*?)\|?\s*", line.text) if mark == _BARS else None
    begin, end = bars.span(1) if bars else (0, len(line.text))
    cells = _split(line.text[begin:end], mark, line.begin + begin)
    return cells if len(cells) > 1 else []


def _split(text: str, mark: str, begin: int) -> list[_Cell]:
    cells = []
    at = 0
    for found in [*re.finditer(mark, text), None]:
        end = found.start() if found else len(text)
        part = text[at:end]
        lead = len(part) - len(part.lstrip())
        cells.append(_Cell(part.strip(), begin + at + lead, begin + at + len(part.rstrip())))
        at = found.end() if found else end
    return cells


def _kind(name: str) -> str | None:
    """Empty for a name of what is no vital sign; None where it is no name."""
    found = _CELL.fullmatch(name.strip())
    if not found:
        return None
    return next(kind for at, kind in enumerate(_KINDS) if found[f"k{at}"])


def _values(kind: str, cell: _Cell) -> Iterator[Value]:
    pressure = _PRESSURE.fullmatch(cell.text)
    if pressure and kind in ("pressure", "rr_bpm"):  # "RR" of Riva-Rocci is a pressure
        yield Value("sbp_mmhg", float(pressure[1]), cell.begin, cell.stop)
        yield Value("dbp_mmhg", float(pressure[2]), cell.begin, cell.stop)
        return
    number = _NUMBER.fullmatch(cell.text)
    if number:
        value = float(number[1].replace(",", "."))
        name = "sbp_mmhg" if kind == "pressure" else kind
        yield Value(name, _in_unit(name, value), cell.begin, cell.stop)


_LEAST_FAHRENHEIT, _MOST_MMOL = 80.0, 35.0


def _in_unit(kind: str, value: float) -> float:
    if kind == "temp_c" and value >= _LEAST_FAHRENHEIT:
        return round((value - 32) / 1.8, 1)
    if kind == "glucose" and value > _MOST_MMOL:
        return round(value / 18.0, 1)
    return value
