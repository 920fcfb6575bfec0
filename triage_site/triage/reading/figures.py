"""Measured values as people write them, each with its place. Pure.

A figure is a name and a number within the limits of what it names. Doses, durations, grades,
angles, room numbers and dates are none: a unit that follows speaks against it. What is found
here is taken out of the words (`tokens`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from triage_site.triage.reading.cleaning import Cleaned
from triage_site.triage.reading.conversions import CONVERSIONS, EARLIER, number
from triage_site.triage.reading.tables import find_tables


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
    is_of_other: bool = False  # of another person, or of nobody
    is_earlier: bool = False  # of today, and a later one is told


OTHER: Final = "other_number"  # the number of a file or a place: taken out of the words
EXTRA: Final = (
    "glucose", "potassium", "lactate", "news", "gcs", "oxygen_litres", "ketones", "sodium", "ph",
    "haemoglobin", "platelets", "map_mmhg", "cap_refill_seconds", "peak_flow", "peak_flow_percent",
    "fio2_percent", "po2_kpa", "pf_ratio", "tews", "qsofa", "new_confusion",
)  # fmt: skip
_LIMITS: Final = {
    "hr_bpm": (15, 320), "rr_bpm": (1, 200), "spo2_percent": (25, 100), "sbp_mmhg": (30, 310),
    "dbp_mmhg": (10, 220), "temp_c": (22, 45), "pain_score": (0, 10), "gcs": (3, 15),
    "glucose": (0.3, 70), "potassium": (1.2, 10), "lactate": (0.1, 25), "news": (0, 20),
    "oxygen_litres": (1, 70), "ketones": (0, 12), "sodium": (90, 190), "ph": (6.6, 7.9),
    "haemoglobin": (1, 25), "platelets": (0, 1500), "map_mmhg": (15, 200),
    "cap_refill_seconds": (1, 15), "peak_flow": (30, 900), "peak_flow_percent": (3, 150),
    "fio2_percent": (21, 100), "po2_kpa": (2, 80), "pf_ratio": (20, 700), "tews": (0, 17),
    "qsofa": (0, 3), "new_confusion": (1, 1),
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
_MAY_HOLD: Final = re.compile(r"\d|vpu|\b(?:hi|lo)(?:gh|w)?\b", re.IGNORECASE)
_FLOW: Final = re.compile(
    r"(?<![\d.])(\d{1,2})\s*(?:l|lt?rs?|lpm|lit(?:re|er)?s?)(?:\s*(?:/|per )\s*min\w*|pm)?"
    r"(?:\s*(?:of|via|by|on))?\s*(?:o2|oxygen|nasal|nrb|nrm|nc\b|np\b|hudson|(?:face ?)?mask|non)?",
    re.IGNORECASE,
)
_AFTER_SATURATION: Final = re.compile(
    r"[\s,(]*(?:now\s+)?(?:on|with|despite|in|via)\s+(?:high[- ]flow )?", re.I
)
# A device stays in the words: signs name it.
_ON_OXYGEN: Final = re.compile(
    r"[\s,(]*(?:now\s+)?(?:on|with|despite|in|via)\s+(?:an?\s+)?"
    r"(?:(?:high[- ]flow |home |supplemental )?(?:o2|oxygen)\b"
    r"|(?=(?:helmet |face ?)?(?:nrb|nrm|(?:non[ -]?)?re-?breath|reservoir|mask|cpap|bipap|niv|hfn"
    r"|venturi)|\d{2,3}\s?%))", re.I)  # fmt: skip
_ON_AIR: Final = re.compile(r"[\s,(]*(?:now\s+)?(?:on\s+)?(?:(?:room\s*)?air|RA|OA|AA)\b", re.I)
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

_BEFORE_REACH: Final = 24
_NUMBER_OF: Final = r"(?:\s*(?:no\b\.?|nr\b\.?|num(?:ber)?\b|id\b|code\b|#))?[\s:-]*$"
_DOCUMENT: Final = re.compile(
    r"\b(?:token|ticket|queue|file|folder|docket|invoice|receipt|coupon|voucher|locker|address)"
    + _NUMBER_OF, re.IGNORECASE,
)  # fmt: skip
_ROOM: Final = re.compile(
    r"\b(?:room|ward|flat|apartment|apt|bus|route|gate|platform|seat|class|case|policy)"
    + _NUMBER_OF,
    re.IGNORECASE,
)
_AT_PLACE: Final = re.compile(
    r"\b(?:at|in|from|outside|near|called|behind|opposite)\s+$", re.IGNORECASE
)
_PLACE: Final = re.compile(
    r"\s*(?:night\s?club|club|bar|pub|gym|fitness|radio|hotel|studio|salon|shop|cinema|cafe|festival"
    r"|restaurant|road|street|avenue|lane)\b", re.IGNORECASE,
)  # fmt: skip


def find_figures(cleaned: Cleaned) -> Iterator[Figure]:
    """Those of tables, then in the order of the patterns; no two overlap, but for the two values of
    a pressure."""
    chars = cleaned.chars
    if not _MAY_HOLD.search(chars):
        return
    taken: list[tuple[int, int]] = []
    for table in find_tables(chars):
        taken.append((table.begin, table.stop))
        for one in table.values:
            if is_plausible(one.kind, one.value):
                told = _figure(cleaned, one.kind, one.value, one.begin, one.stop)
                yield replace(told, is_earlier=one.is_earlier)
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(chars):
            begin, stop = match.span()
            if any(begin < end and first < stop for first, end in taken):
                continue
            if _is_other_thing(chars, begin, stop):
                taken.append((begin, stop))
                yield _figure(cleaned, OTHER, 0.0, begin, stop)
                continue
            found = [(name, v) for name, v in _values(kind, match) if is_plausible(name, v)]
            if found:
                extra = _oxygen(chars, stop) if kind == "spo2_percent" else None
                stop = extra[2] if extra else stop
                taken.append((begin, stop))
                for name, value in [*found, *([extra[:2]] if extra else [])]:
                    told = _figure(cleaned, name.removeprefix(EARLIER), value, begin, stop)
                    yield replace(told, is_earlier=name.startswith(EARLIER))


def _figure(cleaned: Cleaned, kind: str, value: float, begin: int, stop: int) -> Figure:
    """With its place in the note."""
    source = cleaned.source
    return Figure(kind, value, begin, stop, source[begin], source[stop - 1] + 1)


def _is_other_thing(chars: str, begin: int, stop: int) -> bool:
    """The number of a token, a file or a room, or the name of a place: "at Pulse 28 nightclub"."""
    before = chars[max(0, begin - _BEFORE_REACH) : begin]
    if _DOCUMENT.search(before) or (chars[begin].isdigit() and _ROOM.search(before)):
        return True
    return bool(_AT_PLACE.search(before) and _PLACE.match(chars, stop))


def told_by(figure: Figure) -> str:
    """The word that a figure stands for, so that signs in words find it; empty for most, for
    another person, and where it was so on another day. A fever then still belongs to an illness."""
    limit = _WORDS_FOR.get(figure.kind)
    if limit is None or figure.is_of_other or (figure.is_old and figure.kind != "temp_c"):
        return ""
    low, below, high, above = limit
    return below if figure.value < low else above if figure.value >= high else ""


# kind -> (under this, the word, from this on, the word)
_WORDS_FOR: Final[dict[str, tuple[float, str, float, str]]] = {
    "temp_c": (35.0, "hypothermia", 38.0, "fever"),
    "spo2_percent": (90.0, "hypoxia", 999.0, ""),
    "glucose": (3.0, "hypoglycemia", 999.0, ""),
    "sbp_mmhg": (0.0, "", 160.0, "hypertension"),
    "haemoglobin": (8.0, "hypohemoglobinemia", 999.0, ""),
}


def is_plausible(kind: str, value: float) -> bool:
    if kind == "on_oxygen":
        return True
    low, high = _LIMITS[kind.removeprefix(EARLIER)]
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
    if kind in CONVERSIONS:
        return CONVERSIONS[kind](match)
    return _READERS.get(kind, _plain)(kind, match)


def _plain(kind: str, match: re.Match[str]) -> list[tuple[str, float]]:
    return [(kind, number(match.group(1)))]


def _pressure(kind: str, match: re.Match[str]) -> list[tuple[str, float]]:
    systolic = number(match.group(1))
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
    value = number(match.group(1))
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


def _saturation(kind: str, match: re.Match[str]) -> list[tuple[str, float]]:
    """A share of one is meant as a percentage."""
    value = number(match.group(1))
    return [(kind, value * 100 if value <= 1 else value)]


_READERS: Final[dict[str, Callable[[str, re.Match[str]], list[tuple[str, float]]]]] = {
    "sbp_mmhg": _pressure,
    "spo2_percent": _saturation,
    "temp_c": _temperature,
}
