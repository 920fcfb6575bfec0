"""Figures that name a vital sign and cannot be right: "sats 9%", "BP 12/80", "temp 3.6". Pure.

They are no values. A person is told of them, because a digit may be missing. The name of the vital
sign must be plain, and the number must stand directly behind it: "for 24 hr, 3 times" and "sats 2
days ago" are none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from triage_site.triage.reading.cleaning import Cleaned
from triage_site.triage.reading.conversions import number
from triage_site.triage.reading.figures import NO_MEASURE, Figure, is_plausible

_IS: Final = r"\s*(?:(?:[=:~]|\b(?:is|was|of|at|now|are|reads?|reading|only|on arrival)\b)\s*){0,3}"
_OTHER: Final = r"(?:x\b|beats?\b|hourly|out of|tab(?:let)?s?\b|%? ?(?:below|above|lower|higher)\b)"
_END: Final = rf"(?![\d+]|\s?-\s?\d|[.,]\d|\s*{_OTHER}){NO_MEASURE}"
_NUMBER: Final = r"(\d{1,4}(?:[.,]\d{1,2})?)"
_LEAST_FAHRENHEIT, _MOST_FAHRENHEIT = 70.0, 113.0


def _outside(kind: str) -> Callable[[re.Match[str]], bool]:
    return lambda match: not is_plausible(kind, number(match[1]))


def _rate(match: re.Match[str]) -> bool:
    """No pulse at all is told by a 0."""
    return number(match[1]) > 0 and _outside("hr_bpm")(match)


def _saturation(match: re.Match[str]) -> bool:
    """A share of one is meant as a percentage."""
    return number(match[1]) > 1 and _outside("spo2_percent")(match)


def _pressure(match: re.Match[str]) -> bool:
    """A systolic pressure not above the diastolic one, out of range, or with letters in it."""
    first, second = match[1], match[2]
    if not (first.isdigit() and second.isdigit()):
        return any(one.isdigit() for one in first + second)
    is_possible = is_plausible("sbp_mmhg", float(first)) and is_plausible("dbp_mmhg", float(second))
    return not is_possible or float(second) >= float(first)


def _temperature(match: re.Match[str]) -> bool:
    value, unit = number(match[1]), (match[2] or "").lower()
    in_fahrenheit = _LEAST_FAHRENHEIT <= value <= _MOST_FAHRENHEIT
    if unit == "f":
        return not in_fahrenheit
    return not (is_plausible("temp_c", value) or (not unit and in_fahrenheit))


def _pain(match: re.Match[str]) -> bool:
    return number(match[1]) > 10


# Vital sign, what people write of it, and whether that cannot be right.
_WRITTEN: Final = (
    (
        "spo2_percent",
        (
            r"\b(?:s[pa]o2|(?:o2|oxygen) sat(?:uration)?s?|sats|saturations?"
            rf"|sat(?={_IS}\d+ ?%)){_IS}{_NUMBER}{_END}\s*%?"
        ),
        _saturation,
    ),
    (
        "hr_bpm",
        (
            r"(?:(?<!\d )(?<!\d)(?<!\bper )(?<!\blast )(?<!\ban )(?<!\bone )(?<!\bhalf )"
            rf"(?<!\bevery )\bhr|\bpulse|\bheart rate){_IS}{_NUMBER}{_END}(?!\s*[%/])"
        ),
        _rate,
    ),
    (
        "sbp_mmhg",
        (
            rf"\b(?:bp|b/p|blood pressure){_IS}([\dol]{{1,4}})\s*(?:/|over)\s*([\dol]{{1,3}})\b"
            r"(?!\s*(?:/|\d|mg\b|days?\b|weeks?\b|ago\b))(?<!/7)(?<!/52)(?<!/24)"
        ),
        _pressure,
    ),
    (
        "temp_c",
        (
            rf"\b(?:temp(?:erature)?|t(?= ?°)){_IS}°?\s*(\d{{1,2}}[.,]\d{{1,2}}|\d{{2,3}}){_END}"
            r"(?!\s*[/%])\s*°?\s*(?:degrees?\s*)?([cf]\b)?"
        ),
        _temperature,
    ),
    (
        "pain_score",
        rf"\b(?:pain|pain score){_IS}(\d{{2,3}})\s*(?:/|out of )\s*10\b(?!\s*[/\d])",
        _pain,
    ),
    (
        "gcs",
        rf"\bgcs{_IS}(\d{{1,2}}){_END}(?!,?\s?\d)(?:\s*/\s*15)?",
        _outside("gcs"),
    ),
)
_PATTERNS: Final = tuple(
    (kind, re.compile(regex, re.IGNORECASE), is_impossible)
    for kind, regex, is_impossible in _WRITTEN
)


def find_impossible(cleaned: Cleaned, figures: Iterable[Figure]) -> Iterator[Figure]:
    """Those beside the `figures` that were read, with the name of the vital sign as their kind."""
    taken = [(one.begin, one.stop) for one in figures]
    for kind, pattern, is_impossible in _PATTERNS:
        for match in pattern.finditer(cleaned.chars):
            begin, stop = match.start(), match.start() + len(match.group().rstrip())
            is_free = not any(begin < end and first < stop for first, end in taken)
            if is_free and is_impossible(match):
                start, end = cleaned.source[begin], cleaned.source[stop - 1] + 1
                yield Figure(kind, 0.0, begin, stop, start, end)
