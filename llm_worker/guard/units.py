"""Units of numbers: `97 %` in the brief is not `97 mg` in the guidance. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Final

from llm_worker.guard.answer import Answer

_UNITS: Final = {
    "percent": r"%|percent|per cent",
    "celsius": r"°\s?c|degrees? c(?:elsius)?|c",
    "fahrenheit": r"°\s?f|f",
    "pressure": r"mm\s?hg",
    "rate": r"/\s?min|per minute|bpm",
    "year": r"years?|yrs?|-year|y/o",
    "month": r"months?|-month",
    "week": r"weeks?|wks?|-week",
    "day": r"days?|-day",
    "hour": r"hours?|hrs?|h",
    "minute": r"minutes?|mins?",
    "mass": r"mg|mcg|micrograms?|milligrams?|g|kg",
    "volume": r"ml|millilitres?|litres?|liters?|l",
    "length": r"cm|mm|metres?|meters?",
}
_ANY: Final = "|".join(f"(?P<{name}>{pattern})" for name, pattern in _UNITS.items())
_NUMBER: Final = re.compile(rf"(?<![\d.,/])(\d+(?:[.,/]\d+)*)\s?(?:(?:{_ANY})(?![a-z]))?", re.I)


def has_wrong_unit(answer: Answer) -> bool:
    """Whether a number has a unit, and the brief has the number only with other units."""
    known = _units(answer.brief_text.lower())
    said = _units(answer.own)
    return any(
        number in known and "" not in known[number] and units - {""} - known[number]
        for number, units in said.items()
    )


def _units(text: str) -> dict[str, set[str]]:
    """The units of each number; an empty name where it has none. Parts of 140/80 share its unit."""
    found: dict[str, set[str]] = defaultdict(set)
    for match in _NUMBER.finditer(text):
        number = match[1].replace(",", ".")
        for part in {number, *number.split("/")}:
            found[part].add(match.lastgroup or "")
    return dict(found)
