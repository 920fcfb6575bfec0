# ruff: noqa: E501
"""Vital signs and age that stand in the free text, used only where a field was left empty. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from triage_site.triage.facts import NOT_TAKEN, CaseFacts
from triage_site.triage.reading.assertion import Standing
from triage_site.triage.reading.note import Note, compile_pattern
from triage_site.triage.vitals import VITAL_RANGES

_IS: Final = r"(?: ?[:=] ?| of | is | was | at | now | around | about | up to | down to | only | reads | reading | are )*\s?"
_NUM: Final = (
    r"(\d+(?:[.,]\d+)?(?: point (?:zero|one|two|three|four|five|six|seven|eight|nine|\d))?)"
)
_READINGS: Final = {
    "hr_bpm": (rf"(?:hr|heart rate|pulse(?: rate)?){_IS}{_NUM}",),
    "rr_bpm": (
        rf"(?:respiratory rate|resp(?:irations?|s)?(?: rate)?|breathing rate|breathing(?: at)?){_IS}{_NUM}",
        rf"{_NUM} breaths",
    ),
    "spo2_percent": (
        rf"(?:oxygen saturations?|oxygen(?: level| sats?)?|saturations?|sat|saturating){_IS}{_NUM}",
    ),
    "temp_c": (
        rf"(?:temperature|fever){_IS}{_NUM}",
        rf"thermometer (?:[a-z]+ ){{0,5}}{_NUM}",
        rf"{_NUM} (?:degrees|celsius|fahrenheit)",
        # Nothing else that people tell has such a number.
        r"((?:3[6-9]|4[01])(?:[.,]\d| point (?:one|two|three|four|five|six|seven|eight|nine|\d)))(?! ?(?:%|kg|kilos?|cm|weeks|years))",
    ),
    "pain_score": (rf"{_NUM} ?(?:/ ?10|out of (?:10|ten))",),
}
_PATTERNS: Final = {
    vital: tuple(compile_pattern(source) for source in sources)
    for vital, sources in _READINGS.items()
}
_PRESSURE: Final = compile_pattern(
    rf"(?:blood pressure|systolic)?{_IS}(\d{{2,3}}) ?(?:/|over) ?(\d{{2,3}})"
)
_SYSTOLIC: Final = compile_pattern(rf"(?:blood pressure|systolic(?: pressure)?){_IS}(\d{{2,3}})")
_AGE: Final = compile_pattern(
    r"(\d{1,3}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)[ -]*(year|month|week|day)s?[ -]*(?:old|of age)"
)
_AGED: Final = compile_pattern(r"(?:aged?|turned) (\d{1,3})")
_NEWBORN: Final = compile_pattern(r"newborn|neonate")
_NUMBER_WORDS: Final = {
    word: value
    for value, word in enumerate(
        [
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        ],
        1,
    )
}
_YEARS: Final = {"year": 1.0, "month": 1 / 12, "week": 7 / 365.25, "day": 1 / 365.25}
_MIDDLE: Final = {
    "hr_bpm": 80.0,
    "rr_bpm": 16.0,
    "spo2_percent": 98.0,
    "temp_c": 37.0,
    "pain_score": 0.0,
    "sbp_mmhg": 120.0,
}
_FAHRENHEIT: Final = (90.0, 115.0)


def with_spoken(facts: CaseFacts, note: Note) -> CaseFacts:
    """The case with what the words say filled in; entered values always stand."""
    found: dict[str, Any] = {}
    for vital, patterns in _PATTERNS.items():
        if getattr(facts, vital) is NOT_TAKEN:
            _keep_worst(found, vital, [m.group(1) for p in patterns for m in _now(p, note)])
    if facts.sbp_mmhg is NOT_TAKEN:
        _add_pressure(found, facts, note)
    if facts.age_years is None:
        age = _age(note)
        if age is not None:
            found["age_years"] = age
    return replace(facts, **found) if found else facts


def _add_pressure(found: dict[str, Any], facts: CaseFacts, note: Note) -> None:
    pairs = [m for m in _now(_PRESSURE, note) if _plausible_pair(m)]
    single = [m.group(1) for m in _now(_SYSTOLIC, note)]
    _keep_worst(found, "sbp_mmhg", [m.group(1) for m in pairs] + single)
    if pairs and facts.dbp_mmhg is NOT_TAKEN:
        found["dbp_mmhg"] = float(pairs[0].group(2))


def _now(pattern: re.Pattern[str], note: Note) -> Iterator[re.Match[str]]:
    """Readings of this patient that are not long past."""
    for match in pattern.finditer(note.plain):
        if note.mention(match).standing not in (Standing.PAST, Standing.RELATIVE):
            yield match


def _plausible_pair(match: re.Match[str]) -> bool:
    systolic, diastolic = float(match.group(1)), float(match.group(2))
    return 40 <= systolic <= 300 and 20 <= diastolic < systolic


def _keep_worst(found: dict[str, Any], vital: str, numbers: list[str]) -> None:
    low, high = VITAL_RANGES[vital].hard
    values = []
    for number in numbers:
        value = _to_number(number)
        if vital == "temp_c" and _FAHRENHEIT[0] <= value <= _FAHRENHEIT[1]:
            value = round((value - 32) / 1.8, 1)
        if low < value <= high or (value == 0 and vital == "pain_score"):
            values.append(value)
    if values:
        found[vital] = max(values, key=lambda value: abs(value - _MIDDLE[vital]))


def _to_number(spoken: str) -> float:
    """ "38.4", "38,4", "38 point four"."""
    whole, _, tenths = spoken.replace(",", ".").partition(" point ")
    if not tenths:
        return float(whole)
    return float(whole) + (float(tenths) if tenths.isdigit() else _NUMBER_WORDS.get(tenths, 0)) / 10


def _age(note: Note) -> float | None:
    match = _AGE.search(note.plain)
    if match:
        number = match.group(1)
        return (_NUMBER_WORDS.get(number) or float(number)) * _YEARS[match.group(2)]
    aged = _AGED.search(note.plain)
    if aged:
        return float(aged.group(1))
    return 14 / 365.25 if _NEWBORN.search(note.plain) else None
