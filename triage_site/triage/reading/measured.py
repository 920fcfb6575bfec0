"""The facts of a case with what its words say of them. Pure.

Entered values always stand; figures of the text fill gaps, the worst of several. Where both are
there and differ much, that is said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from triage_site.triage.facts import NOT_TAKEN, CaseFacts, Consciousness
from triage_site.triage.reading.note import Note

_MIDDLE: Final = {
    "hr_bpm": 80.0, "rr_bpm": 16.0, "spo2_percent": 99.0, "temp_c": 37.0, "pain_score": 0.0,
    "sbp_mmhg": 120.0, "dbp_mmhg": 75.0,
    "glucose": 6.0, "potassium": 4.2, "lactate": 1.0, "news": 0.0, "gcs": 15.0,
    "oxygen_litres": 0.0, "ketones": 0.0,
}  # fmt: skip
_FAR: Final = {
    "hr_bpm": 25.0, "rr_bpm": 8.0, "spo2_percent": 5.0, "temp_c": 1.2, "pain_score": 4.0,
    "sbp_mmhg": 30.0,
}  # fmt: skip
_THINGS: Final = (
    r"(?!\s+(?:\w+\s+){0,2}?(?:wound|scar|injur\w+|fracture|burn|cut|bite|lac\w*|rash|tattoo|piercing|"
    r"dressing|cast|stitch\w*|sutures?|bruise|problem|cough|pain|implant|pacemaker|stent|valve|graft|"
    r"prescription|incision|stoma|car|house))"
)
_OTHERS: Final = (
    r"(?<!of a )(?<!of an )(?<!has a )(?<!has an )(?<!her )(?<!his )(?<!their )(?<!with a )"
)
_YEARS: Final = {"y": 1.0, "m": 1 / 12, "w": 7 / 365.25, "d": 1 / 365.25}
_SLASHED: Final = {"12": "m", "52": "w", "7": "d"}
_UNIT: Final = r"(years?|yrs?|months?|mths?|mo|weeks?|wks?|wk|days?|[ymwd])"
_LONG_UNIT: Final = r"(years?|yrs?|months?|mths?|mo|weeks?|wks?|wk|days?)"
_GESTATION_WEEKS: Final = 20.0
_OLD: Final = re.compile(
    rf"{_OTHERS}(?<![\d/.])\b(\d{{1,3}})(?:\s*/(12|52|7)|[\s-]*{_UNIT})[\s/-]*"
    rf"(?:olds?|of age)\b{_THINGS}",
    re.I,
)
_SHORT: Final = re.compile(
    rf"{_OTHERS}(?<![\d/.])\b(\d{{1,3}})\s*(?:yo|y/o|y\.o\.?)(?:[mf])?\b{_THINGS}", re.I
)
_LETTER: Final = re.compile(r"(?<![\w/.])(\d{1,2})\s?(?:y\s?|yr\s?)?/?[MF](?![\w'])")
_LETTER_FIRST: Final = re.compile(r"(?<![\w/.])[MF]\s?/?(\d{2})(?!\d|\s*[%/]|\.\d)")
_OPENING: Final = re.compile(
    rf"(?:^|\b(?:baby|infant|child|boy|girl|toddler|bub|male|female|woman|man|lady)[\s,]+)"
    rf"(\d{{1,3}})(?:\s*/(12|52|7)|[\s-]*{_LONG_UNIT})\b(?!\s*-?(?:ago|after|before|since|from|now|to|history|hx|of\b|post|pregnan|gest|old))",
    re.I,
)
_AGED: Final = re.compile(
    rf"(?<!at )(?<!at the )\baged?:?\s+(\d{{1,3}})(?:\s*/(12|52|7)|\s*{_UNIT})?\b(?!\s*(?:ago))",
    re.I,
)
_DECADE: Final = re.compile(r"\bin (?:his|her|their) (?:early |mid |late )?(\d)0'?s", re.I)
_NEWBORN: Final = re.compile(r"\b(?:newborn|neonate)\b", re.I)
_PARENT: Final = re.compile(
    r"\b(?:mother|father|parent|mum|mom|dad) (?:of|to)|herself|himself|post[- ]?(?:partum|natal)|"
    r"breast ?feed|with (?:her|his|a|the) newborn", re.I
)  # fmt: skip
_NEWBORN_YEARS: Final = 14 / 365.25


@dataclass(frozen=True, slots=True)
class Measured:
    """`extra` holds figures that no field of the facts takes; `contradicted` names the fields
    where text and form differ."""

    facts: CaseFacts
    extra: Mapping[str, float]
    contradicted: tuple[str, ...] = ()


def measure(facts: CaseFacts, note: Note) -> Measured:
    worst = _worst(note)
    filled: dict[str, Any] = {}
    contradicted = []
    for vital in (
        "hr_bpm",
        "rr_bpm",
        "spo2_percent",
        "sbp_mmhg",
        "dbp_mmhg",
        "temp_c",
        "pain_score",
    ):
        if vital not in worst:
            continue
        known = facts.value(vital)
        if getattr(facts, vital) is NOT_TAKEN:
            filled[vital] = worst[vital]
        elif known is not None and abs(known - worst[vital]) > _FAR.get(vital, 1e9):
            contradicted.append(vital)
    filled |= _consciousness(facts, worst) | _oxygen(facts, worst)
    if facts.age_years is None:
        age = spoken_age(note.chars)
        filled |= {} if age is None else {"age_years": age}
    extra = {name: value for name, value in worst.items() if name not in filled}
    whole = replace(facts, **filled) if filled else facts
    return Measured(whole, extra, tuple(contradicted))


def _worst(note: Note) -> dict[str, float]:
    """Of several values the one farthest from what is usual."""
    worst: dict[str, float] = {}
    for figure in note.figures:
        middle = _MIDDLE.get(figure.kind, 0.0)
        known = worst.get(figure.kind)
        if known is None or abs(figure.value - middle) > abs(known - middle):
            worst[figure.kind] = figure.value
    return worst


def _consciousness(facts: CaseFacts, worst: Mapping[str, float]) -> dict[str, Any]:
    score = worst.get("gcs")
    if score is None or facts.consciousness is not Consciousness.NOT_TAKEN or score == 14:
        return {}
    if score >= 15:
        return {"consciousness": Consciousness.ALERT}
    if score >= 9:
        return {"consciousness": Consciousness.VOICE}
    return {"consciousness": Consciousness.PAIN if score > 4 else Consciousness.UNRESPONSIVE}


def _oxygen(facts: CaseFacts, worst: Mapping[str, float]) -> dict[str, Any]:
    if facts.on_oxygen is not None:
        return {}
    if worst.get("oxygen_litres"):
        return {"on_oxygen": True}
    return {"on_oxygen": bool(worst["on_oxygen"])} if "on_oxygen" in worst else {}


def spoken_age(chars: str) -> float | None:
    """The patient's age in years, where the words say it; never that of a wound or of a child
    whose mother is the patient."""
    for pattern in (_OLD, _SHORT, _AGED, _OPENING, _LETTER, _LETTER_FIRST):
        match = pattern.search(chars)
        if match:
            age = _in_years(match)
            if 0 <= age <= 120 and not (pattern is _OPENING and _is_gestation(match)):
                return age
    decade = _DECADE.search(chars)
    if decade:
        return int(decade.group(1)) * 10 + 5.0
    if _NEWBORN.search(chars) and not _PARENT.search(chars):
        return _NEWBORN_YEARS
    return None


def _is_gestation(match: re.Match[str]) -> bool:
    """ "34 weeks, bleeding": nobody tells a child's age so."""
    unit = (match.group(2) or match.group(3) or "").lower()
    weeks = unit.startswith("w") or unit == "52"
    return weeks and float(match.group(1)) >= _GESTATION_WEEKS


def _in_years(match: re.Match[str]) -> float:
    groups = [group for group in match.groups()[1:] if group]
    unit = groups[0].lower() if groups else "y"
    return float(match.group(1)) * _YEARS[_SLASHED.get(unit, unit[0])]
