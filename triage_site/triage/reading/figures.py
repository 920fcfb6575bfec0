"""Measured values as people write them, each with its place. Pure.

A figure is a name and a number within the limits of what it names. Doses, durations, grades,
angles, room numbers and dates are none: a unit that follows speaks against it. What is found
here is taken out of the words (`tokens`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from triage_site.triage.reading.cleaning import Cleaned


@dataclass(frozen=True, slots=True)
class Figure:
    """`kind` is a field of the facts, or one of `EXTRA`."""

    kind: str
    value: float
    begin: int  # in the cleaned text
    stop: int
    start: int  # in the note
    end: int
    is_old: bool = False  # of another day, or what is usual or meant to be


EXTRA: Final = ("glucose", "potassium", "lactate", "news", "gcs", "oxygen_litres", "ketones")
_LIMITS: Final = {
    "hr_bpm": (15, 320), "rr_bpm": (1, 90), "spo2_percent": (25, 100), "sbp_mmhg": (30, 310),
    "dbp_mmhg": (10, 220), "temp_c": (22, 45), "pain_score": (0, 10), "gcs": (3, 15),
    "glucose": (0.3, 70), "potassium": (1.2, 10), "lactate": (0.1, 25), "news": (0, 20),
    "oxygen_litres": (1, 70), "ketones": (0, 12),
}  # fmt: skip
_TABLE: Final = tomllib.loads((Path(__file__).parent / "figures.toml").read_text(encoding="utf-8"))
_PART: Final = re.compile("<([A-Z]+)>")


def _joined(pieces: list[str]) -> str:
    return _PART.sub(lambda part: "".join(_TABLE["parts"][part.group(1)]), "".join(pieces))


_PATTERNS: Final = tuple(
    (row["kind"], re.compile(_joined(row["regex"]), 0 if "capitals" in row else re.IGNORECASE))
    for row in _TABLE["pattern"]
)
NO_MEASURE: Final = _joined(["<NOT>"])  # not before a number of days, tablets or the like
_MAY_HOLD: Final = re.compile(r"\d|vpu|\b(?:hi|lo)\b", re.IGNORECASE)
_FLOW: Final = re.compile(
    r"(?<![\d.])(\d{1,2})\s*(?:l|lt?rs?|lpm|litres?|liters?)(?:\s*(?:/|per )\s*min\w*|pm)?"
    r"(?:\s*(?:of|via|by|on))?\s*(?:o2|oxygen|nasal|nrb|nrm|nc\b|np\b|hudson|(?:face ?)?mask|non)?",
    re.IGNORECASE,
)
_AFTER_SATURATION: Final = re.compile(
    r"[\s,(]*(?:now\s+)?(?:on|with|despite|in|via)\s+(?:high[- ]flow )?", re.I
)
_ON_OXYGEN: Final = re.compile(
    r"[\s,(]*(?:now\s+)?(?:on|with|despite|in)\s+(?:high[- ]flow |home |supplemental )?"
    r"(?:o2|oxygen|nrb|cpap|bipap|niv|non-?rebreath\w*)", re.I)  # fmt: skip
_ON_AIR: Final = re.compile(r"[\s,(]*(?:now\s+)?(?:on\s+)?(?:room\s*)?(?:air|RA)\b", re.I)
# Names after which a number in degrees or with a decimal point is no temperature.
_OTHER_DEGREES: Final = re.compile(
    r"(?:flex\w*|exten\w*|rom|abduct\w*|adduct\w*|rotat\w*|range|angle\w*|bend\w*|bent|knee|elbow|"
    r"shoulder|hip|wrist|bmi|hba1c|oven|water|room|outside|wash\w*)[\s:a-z]{0,14}$",
    re.IGNORECASE,
)
_WEATHER: Final = re.compile(
    r"\s*(?:outside|out there|in the (?:shade|sun|room|car|kitchen)|heat|wave|weather|wash|oven)\b",
    re.IGNORECASE,
)
_AVPU: Final = {"a": 15.0, "c": 14.0, "v": 12.0, "p": 8.0, "u": 3.0}


def find_figures(cleaned: Cleaned) -> Iterator[Figure]:
    """In the order of the patterns; no two overlap, but for the two values of a pressure."""
    chars = cleaned.chars
    if not _MAY_HOLD.search(chars):
        return
    taken: list[tuple[int, int]] = []
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(chars):
            begin, stop = match.span()
            if any(begin < end and first < stop for first, end in taken):
                continue
            found = [(name, v) for name, v in _values(kind, match) if is_plausible(name, v)]
            if found:
                extra = _oxygen(chars, stop) if kind == "spo2_percent" else None
                stop = extra[2] if extra else stop
                taken.append((begin, stop))
                for name, value in [*found, *([extra[:2]] if extra else [])]:
                    start, end = cleaned.source[begin], cleaned.source[stop - 1] + 1
                    yield Figure(name, value, begin, stop, start, end)


def told_by(figure: Figure) -> str:
    """The word that a figure stands for, so that signs in words find it; empty for most, and
    where it was so on another day. A fever then still belongs to an illness."""
    limit = _WORDS_FOR.get(figure.kind)
    if limit is None or (figure.is_old and figure.kind != "temp_c"):
        return ""
    low, below, high, above = limit
    return below if figure.value < low else above if figure.value >= high else ""


# kind -> (under this, the word, from this on, the word)
_WORDS_FOR: Final[dict[str, tuple[float, str, float, str]]] = {
    "temp_c": (35.0, "hypothermia", 38.0, "fever"),
    "spo2_percent": (90.0, "hypoxia", 999.0, ""),
    "glucose": (3.0, "hypoglycemia", 999.0, ""),
    "sbp_mmhg": (0.0, "", 160.0, "hypertension"),
}


def is_plausible(kind: str, value: float) -> bool:
    if kind == "on_oxygen":
        return True
    low, high = _LIMITS[kind]
    return low <= value <= high


def _oxygen(chars: str, at: int) -> tuple[str, float, int] | None:
    """Oxygen that the saturation was measured on: (kind, litres or 0 and 1, where it ends)."""
    air = _ON_AIR.match(chars, at)
    if air:
        return "on_oxygen", 0.0, air.end()
    given = _AFTER_SATURATION.match(chars, at)
    flow = _FLOW.match(chars, given.end()) if given else None
    if flow:
        return "oxygen_litres", float(flow.group(1)), flow.end()
    oxygen = _ON_OXYGEN.match(chars, at)
    return ("on_oxygen", 1.0, oxygen.end()) if oxygen else None


def _values(kind: str, match: re.Match[str]) -> list[tuple[str, float]]:
    return _READERS.get(kind, _plain)(kind, match)


def _plain(kind: str, match: re.Match[str]) -> list[tuple[str, float]]:
    return [(kind, _number(match.group(1)))]


def _pressure(kind: str, match: re.Match[str]) -> list[tuple[str, float]]:
    systolic = _number(match.group(1))
    named = match.group()[0].isalpha()
    if match.re.groups == 1:
        return [(kind, systolic)]
    second = match.group(2)
    if not second[0].isdigit():
        return [(kind, systolic)]
    diastolic = float(second)
    if diastolic >= systolic or (not named and not (60 <= systolic <= 260 and diastolic >= 25)):
        return []
    return [(kind, systolic), ("dbp_mmhg", diastolic)]


def _temperature(kind: str, match: re.Match[str]) -> list[tuple[str, float]]:
    value = _number(match.group(1))
    unit = (match.group(2) or "").lower() if match.re.groups > 1 else "c"
    named = match.group()[0].isalpha()
    before = match.string[max(0, match.start() - 24) : match.start()]
    if not named and (_OTHER_DEGREES.search(before) or _WEATHER.match(match.string, match.end())):
        return []
    if not named and _PATIENT.fullmatch(match.group()) and value < _LEAST_FAHRENHEIT:
        return []
    if unit.startswith("f") or (not unit and 80 <= value <= 115):
        return [(kind, round((value - 32) / 1.8, 1))] if value >= 70 else []
    return [(kind, value)] if value >= 25 else []


# "72F fall": a woman of 72. A body of 95 degrees Fahrenheit is already cold.
_PATIENT: Final = re.compile(r"\d{2}\s?[Ff]")
_LEAST_FAHRENHEIT: Final = 95.0


def _coma(kind: str, match: re.Match[str]) -> list[tuple[str, float]]:
    numbers = [float(g) for g in match.groups() if g and g.isdigit()]
    if match.re.groups == 3:
        return [(kind, sum(numbers) + (3 - len(numbers)))]
    return [(kind, min(n for n in numbers if n >= 3))] if max(numbers) >= 3 else []


def _avpu(_kind: str, match: re.Match[str]) -> list[tuple[str, float]]:
    return [("gcs", _AVPU[match.group(1).lower()])]


def _glucose(kind: str, match: re.Match[str]) -> list[tuple[str, float]]:
    written, unit = match.group(1).lower(), (match.group(2) or "").lower()
    if written in ("hi", "lo"):
        return [(kind, 35.0 if written == "hi" else 1.5)]
    value = _number(written)
    if unit.startswith("mg") or (not unit and value > 35):
        value /= 18.0
    return [(kind, round(value, 1))]


def _number(written: str) -> float:
    return float(written.replace(",", "."))


def _saturation(kind: str, match: re.Match[str]) -> list[tuple[str, float]]:
    """A share of one is meant as a percentage."""
    value = _number(match.group(1))
    return [(kind, value * 100 if value <= 1 else value)]


_READERS: Final[dict[str, Callable[[str, re.Match[str]], list[tuple[str, float]]]]] = {
    "sbp_mmhg": _pressure,
    "spo2_percent": _saturation,
    "temp_c": _temperature,
    "gcs": _coma,
    "avpu": _avpu,
    "glucose": _glucose,
}
