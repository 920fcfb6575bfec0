"""The facts of a case with what its words say of them. Pure.

Entered values always stand; figures of the text fill gaps, the worst of several. Where both are
there and differ much, that is said; so it is where the text tells of a patient of another age or
sex, or calls usual what was measured as far from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from triage_site.triage.age_bands import is_adult
from triage_site.triage.facts import NOT_TAKEN, CaseFacts, Consciousness, Sex
from triage_site.triage.reading.note import Note
from triage_site.triage.reading.terms import TermIndex

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
_LETTER: Final = re.compile(
    r"(?<!temp )(?<!temperature )(?<!T )(?<![\w/.])(\d{1,2})\s?(?:y\s?|yr\s?)?/?[MF](?![\w'])"
)
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
_AGE_APART_YEARS: Final = 1.0  # so much may lie between a letter and a birthday
_AGE_APART: Final = 0.1
# Only where an age stands before it: elsewhere it may be anybody.
_SEX: Final = re.compile(
    r"(?<!her )(?<!his )(?<!their )(?<!with a )\b\d{1,3}"
    r"[\s-]*(?:y(?:ea)?rs?|yo|y/o|y|months?|weeks?)[\s-]*(?:olds?)?[\s-]*(woman|female|lady|girl|gentleman|man|male|boy)\b",
    re.I,
)
_HER: Final = re.compile(
    r"\b(?:wife|partner|girlfriend|fiancee?|sister|daughter|mother|mum|mom|she|her)\b", re.I
)
_SEX_LETTER: Final = re.compile(
    r"(?<![\w/.])(\d{1,3})\s?(?:(?i:yrs?|yo|y/o|y)[\s,/]?)?\s?([MF])(?![\w'/°-])"
)
_FEMALE: Final = frozenset({"f", "woman", "female", "lady", "girl"})
_USUAL: Final = r"\b(?:normal|regular|usual) "
_NO_VALUE: Final = r"(?!\W{0,3}\d)"  # "usual sats 89" says what they are when well
_FINE: Final = r"\b[ :=]*(?:are |is |all |was |were )?(?:fine|ok|okay|normal|good|wnl)\b"
# Vital sign, the words, and what is still near enough to usual for them in an adult.
_CALLED_USUAL: Final = (
    ("temp_c", re.compile(
        r"\b(?:afebrile|apyrexi\w*|normothermic)\b|" + _USUAL + r"temp", re.I),
     35.5, 38.2),
    ("hr_bpm", re.compile(_USUAL + r"(?:heart rate|pulse|hr)\b" + _NO_VALUE, re.I), 40.0, 125.0),
    ("sbp_mmhg", re.compile(_USUAL + rf"(?:blood pressure|bp)\b{_NO_VALUE}|\bnormotensive\b", re.I),
     90.0, 180.0),
    ("spo2_percent", re.compile(
        _USUAL + rf"(?:oxygen|sats?|saturations?|spo2)\b{_NO_VALUE}"
        r"|\b(?:sats?|spo2)" + _FINE, re.I),
     91.0, 100.0),
)  # fmt: skip
# Vital sign, word for a value far from usual, and values that no adult is called so for.
_CALLED_FAR: Final = (
    ("hr_bpm", "tachycardic", 0.0, 85.0),
    ("hr_bpm", "bradycardic", 65.0, 400.0),
    ("rr_bpm", "tachypnoeic", 0.0, 17.0),
    ("spo2_percent", "hypoxic", 97.0, 100.0),
    ("sbp_mmhg", "hypotensive", 120.0, 400.0),
    ("temp_c", "febrile/pyrexial", 0.0, 37.2),
    ("temp_c", "hypothermic", 36.2, 50.0),
)
_NEAR: Final = 4  # words
_EARLIER: Final = frozenset(
    {"was", "were", "been", "earlier", "initially", "home", "scene", "crew", "settled", "resolved"}
)


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
    contradicted: list[str] = []
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
    contradicted += _of_another_age(facts, note.chars) + _called_usual(facts, note.chars)
    contradicted += _called_far(facts, note)
    contradicted += ["sex"] if is_of_other_sex(facts, note) else []
    extra = {name: value for name, value in worst.items() if name not in filled}
    whole = replace(facts, **filled) if filled else facts
    return Measured(whole, extra, tuple(contradicted))


def _of_another_age(facts: CaseFacts, chars: str) -> list[str]:
    """The age of the form, where the note contradicts it beyond doubt."""
    age = _age_by(chars, (_OLD, _SHORT, _LETTER))
    if facts.age_years is None or age is None or _PARENT.search(chars):
        return []
    apart = abs(facts.age_years - age)
    return ["age_years"] if apart > _much(facts.age_years, age) else []


def _much(age: float, other: float) -> float:
    return max(_AGE_APART_YEARS, _AGE_APART * max(age, other))


def is_of_other_sex(facts: CaseFacts, note: Note) -> bool:
    """Whether the note says beyond doubt another sex than the form, or a man is pregnant in it."""
    if facts.sex not in (Sex.FEMALE, Sex.MALE) or _PARENT.search(note.chars):
        return False
    said = {_sex_of(match[1]) for match in _SEX.finditer(note.chars)}
    said |= {_sex_of(match[2]) for match in _SEX_LETTER.finditer(note.chars)
             if _is_age(facts, float(match[1]))}  # fmt: skip
    told = any(mention.is_present for _, mention in note.find(_pregnant()))
    if not said and told and not _HER.search(note.chars):
        said = {Sex.FEMALE}
    return len(said) == 1 and facts.sex not in said


def _sex_of(word: str) -> Sex:
    return Sex.FEMALE if word.lower() in _FEMALE else Sex.MALE


def _is_age(facts: CaseFacts, number: float) -> bool:
    """ "98 F" is a temperature, but "25yo F" of somebody of 25 is a woman."""
    return facts.age_years is not None and abs(facts.age_years - number) <= _AGE_APART_YEARS


@cache
def _pregnant() -> TermIndex:
    return TermIndex(["week* pregnant", "is/am pregnant", "pregnant $"], {})


def _called_usual(facts: CaseFacts, chars: str) -> list[str]:
    return [
        vital
        for vital, pattern, low, high in _CALLED_USUAL
        if (value := facts.value(vital)) is not None
        and not low <= value <= high
        and pattern.search(chars)
    ]


def _called_far(facts: CaseFacts, note: Note) -> list[str]:
    """Adults only: a child's usual values are others. What was so earlier contradicts nothing."""
    if not is_adult(facts.age_years):
        return []
    found = []
    for index, mention in note.find(_far_words()):
        vital, _, low, high = _CALLED_FAR[index]
        value = facts.value(vital)
        near = note.words[max(0, mention.first - _NEAR) : mention.last + _NEAR]
        is_now = mention.is_present and not any(word.form in _EARLIER for word in near)
        if is_now and value is not None and low <= value <= high:
            found.append(vital)
    return list(dict.fromkeys(found))


@cache
def _far_words() -> TermIndex:
    """Built at the first note, because it reads the dictionary."""
    return TermIndex([words for _, words, _, _ in _CALLED_FAR], {})


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
    age = _age_by(chars, (_OLD, _SHORT, _AGED, _OPENING, _LETTER, _LETTER_FIRST))
    if age is not None:
        return age
    decade = _DECADE.search(chars)
    if decade:
        return int(decade.group(1)) * 10 + 5.0
    if _NEWBORN.search(chars) and not _PARENT.search(chars):
        return _NEWBORN_YEARS
    return None


def _age_by(chars: str, patterns: Sequence[re.Pattern[str]]) -> float | None:
    for pattern in patterns:
        match = pattern.search(chars)
        if match:
            age = _in_years(match)
            if 0 <= age <= 120 and not (pattern is _OPENING and _is_gestation(match)):
                return age
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
