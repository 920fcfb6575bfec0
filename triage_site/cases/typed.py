"""What people type into number fields: a number, often with its unit. Pure.

Python's `float` accepts more than people mean by a number ("1_20", "1e2", "nan", digits of other
scripts), so numbers are read here by one pattern of ASCII digits.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

# Times far outside exist in one time zone and not in another; computing with them fails.
EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)

# A comma with three digits behind it may mean thousands, so it is not read as a decimal comma.
_NUMBER: Final = re.compile(r"(-?[0-9]{1,9}(?:\.[0-9]{0,9}|,[0-9]{0,2})?)\s*(\D*)")
_AGE_PART: Final = re.compile(
    r"([0-9]{1,4}(?:\.[0-9]{1,4}|,[0-9]{1,2})?)\s*-?\s*([a-z/]*)\.?\s*(?:,|and)?\s*"
)
_OLD: Final = re.compile(r"\s*-?\s*(?:of age|old)$")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp", "Mn", "Me"})
_FILLERS: Final = "\u115f\u1160\u2800\u3164\uffa0"  # letters and signs that show nothing
UNABLE: Final = "unable"  # what is typed where something could not be measured
_PRESSURE: Final = re.compile(
    r"([0-9]{1,3})\s*/\s*([0-9]{1,3}|palp|p)\s*(?:mm\s*hg)?", re.IGNORECASE
)

YEARS_PER: Final = {"years": 1.0, "months": 1 / 12, "weeks": 7 / 365.25, "days": 1 / 365.25}
_AGE_WORDS: Final = {
    "years": ("y", "yr", "yrs", "year", "years", "yo", "y/o"),
    "months": ("m", "mo", "mos", "mth", "mths", "month", "months", "m/o"),
    "weeks": ("w", "wk", "wks", "week", "weeks", "w/o"),
    "days": ("d", "day", "days", "d/o"),
}
_AGE_UNIT: Final = {word: unit for unit, words in _AGE_WORDS.items() for word in words}

_PER_MINUTE: Final = frozenset({"/min", "/minute", "permin", "perminute", "bpm"})
_MMHG: Final = frozenset({"mmhg"})
# Units without spaces and full stops, in lower case, that each vital sign is read with.
UNITS: Final[Mapping[str, frozenset[str]]] = {
    "rr_bpm": _PER_MINUTE | {"rpm", "breaths/min", "breathsperminute", "br/min"},
    "spo2_percent": frozenset({"%", "percent"}),
    "sbp_mmhg": _MMHG,
    "dbp_mmhg": _MMHG,
    "hr_bpm": _PER_MINUTE | {"beats/min", "beatsperminute"},
    "temp_c": frozenset({"c", "°c", "ºc", "℃", "degc", "celsius", "degreescelsius"}),
    "pain_score": frozenset(),  # "4/10" is read by `_OF_TEN`
}
_FAHRENHEIT: Final = frozenset({"f", "°f", "ºf", "℉", "degf", "fahrenheit", "degreesfahrenheit"})
_OF_TEN: Final = re.compile(r"(?:/|out of|of)\s*10$")


@dataclass(frozen=True, slots=True)
class Typed:
    """A number as it was typed, with its unit without spaces, in lower case."""

    value: float
    unit: str


def written(text: str) -> str:
    """`text` without blanks at its ends; empty where it has no mark that can be seen."""
    return text.strip() if any(map(_is_seen, text)) else ""


def _is_seen(character: str) -> bool:
    return character not in _FILLERS and unicodedata.category(character) not in _UNSEEN


def read_number(text: str) -> Typed | None:
    """Reads "38.5 C", "97%" or "120"; None for what is not one number with at most one unit."""
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        return None
    unit = "".join(found[2].casefold().replace(".", "").split())
    return Typed(float(found[1].replace(",", ".")), unit)


def read_reading(text: str, vital: str) -> float | None:
    """Reads a vital sign with or without its own unit; None for other units and other text."""
    if vital == "pain_score":
        text = _OF_TEN.sub("", text.strip().casefold())
    typed = read_number(text)
    if typed is None or (typed.unit and typed.unit not in UNITS[vital]):
        return None
    return typed.value


def read_fahrenheit(text: str) -> float | None:
    """The number of a temperature that names °F; None for all other text."""
    typed = read_number(text)
    return typed.value if typed is not None and typed.unit in _FAHRENHEIT else None


def read_pressure(text: str) -> tuple[str, str] | None:
    """Both halves of "120/80", as text. Of "60/palp" the second one is `UNABLE`: a pulse that is
    felt has no diastolic."""
    found = _PRESSURE.fullmatch(text.strip())
    if found is None:
        return None
    return found[1], found[2] if found[2].isdigit() else UNABLE


def read_age(text: str, unit: str) -> float | None:
    """Reads "45", "6 weeks", "3m", "1 year 2 months" in years; `unit` is that of a bare number.

    None for what is not an age. A sum names each unit, the larger one first.
    """
    words = _OLD.sub("", text.strip().casefold())
    parts: list[tuple[float, str]] = []
    at = 0
    while at < len(words):
        found = _AGE_PART.match(words, at)
        if found is None:
            return None
        parts.append((float(found[1].replace(",", ".")), found[2]))
        at = found.end()
    return _sum_of_age(parts, unit)


def _sum_of_age(parts: list[tuple[float, str]], unit: str) -> float | None:
    if len(parts) == 1 and not parts[0][1]:
        return parts[0][0] * YEARS_PER[unit]
    units = [_AGE_UNIT.get(word) for _, word in parts]
    order = [list(YEARS_PER).index(one) for one in units if one is not None]
    if not parts or len(order) < len(parts) or order != sorted(set(order)):
        return None
    return sum(
        number * YEARS_PER[one] for (number, _), one in zip(parts, units, strict=True) if one
    )
