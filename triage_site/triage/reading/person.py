"""The patient's age and sex as a note tells them. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

from triage_site.triage.facts import CaseFacts, Sex
from triage_site.triage.reading import people
from triage_site.triage.reading.note import Note
from triage_site.triage.reading.people import one_of
from triage_site.triage.reading.terms import TermIndex

_THINGS: Final = (
    r"(?!\s+(?:(?!(?:with|and|who|has|is|f|m|male|female|man|woman|boy|girl|lady)\b)\w+\s+){0,2}?"
    r"(?:wound|scar|injur\w+|fracture|burn|cut|bite|lac\w*|rash|tattoo|piercing|"
    r"dressing|cast|stitch\w*|sutures?|bruise|problem|cough|pain|implant|pacemaker|stent|valve|graft|"
    r"prescription|incision|stoma|car|house|boots?|shoes?|iron burn))"
)
_OTHERS: Final = (
    r"(?<!of a )(?<!of an )(?<!has a )(?<!has an )(?<!her )(?<!his )(?<!their )(?<!with a )"
)
# What stands before an age that is not the patient's: "new boots, 2 weeks old", "dad of".
_OF_ANOTHER: Final = re.compile(
    r"(?:\b(?:boots?|shoes?|trainers|tattoo|piercing|wound|scar|burn|cut|bruise|bite|rash|stitches|"
    r"sutures|dressing|cast|plaster|car|bike|puppy|kitten|dog|cat|mattress|bed|implant)"
    r"(?: (?:is|are|was|were|now|about))?,?"
    r"|\b(?:mother|father|parent|mum|mom|dad|grandmother|grandfather)s? (?:of|to)(?: an?)?)\s*$",
    re.I,
)
_YEARS: Final = {"y": 1.0, "m": 1 / 12, "w": 7 / 365.25, "d": 1 / 365.25}
_SLASHED: Final = {"12": "m", "52": "w", "7": "d"}
_UNIT: Final = r"(years?|yrs?|months?|mths?|mo|weeks?|wks?|wk|days?|[ymwd])"
_LONG_UNIT: Final = r"(years?|yrs?|months?|mths?|mo|weeks?|wks?|wk|days?)"
# "three weeks and two days old": what stands before the smaller unit.
_LARGER: Final = re.compile(
    r"(?<![\d/.])\b(\d{1,3})[\s-]*(years?|yrs?|months?|mths?|weeks?|wks?)[\s,]*(?:and|&|\+)?\s*$",
    re.I,
)
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
# "69 f, fell", "ATMIST: 27 male": at the beginning or after a title, in any case of letters.
_LEAD: Final = re.compile(
    r"^(?:(?!t(?:emp\w*)?:)[^\W\d][\w -]{0,24}:\s*)?(\d{1,2})\s?(?:(?:yo|y/o|y)\s?)?"
    r"(male|female|[mf])\s?(?:$|[,;:.](?!\d)|-\s)",
    re.I,
)
_OPENING: Final = re.compile(
    rf"(?:^|\b(?:baby|infant|child|boy|girl|toddler|bub|male|female|woman|man|lady)[\s,]+)"
    rf"(\d{{1,3}})(?:\s*/(12|52|7)|[\s-]*{_LONG_UNIT})\b(?!\s*-?(?:ago|after|before|since|from|now|to|history|hx|of\b|post|pregnan|gest|old))",
    re.I,
)
_AGED: Final = re.compile(
    rf"(?<!at )(?<!at the )\baged?:?\s+(\d{{1,3}})(?:\s*/(12|52|7)|\s*{_UNIT})?\b(?!\s*(?:ago))",
    re.I,
)
# "Pt is 71, on": no number of something else.
_IS: Final = re.compile(
    r"\b(?:pt|patient|he|she) is (\d{2})()()(?=\s*[,;]|\.(?!\d)|\s+and\b|\s+years?\b)", re.I
)
_DECADE: Final = re.compile(r"\bin (?:his|her|their) (?:early |mid |late )?(\d)0'?s", re.I)
_NEWBORN: Final = re.compile(r"\b(?:newborn|neonate)\b", re.I)
_PARENT: Final = re.compile(
    r"\b(?:mother|father|parent|mum|mom|dad) (?:of|to)|herself|himself|post[- ]?(?:partum|natal)|"
    r"breast ?feed|with (?:her|his|a|the) newborn", re.I
)  # fmt: skip
_BEFORE: Final = 40  # characters
_NEWBORN_YEARS: Final = 14 / 365.25
_AGE_APART_YEARS: Final = 1.0  # so much may lie between a letter and a birthday
_AGE_APART: Final = 0.1
# Only where an age stands before it: elsewhere it may be anybody.
_SEX: Final = re.compile(
    r"(?<!her )(?<!his )(?<!their )(?<!with a )\b\d{1,3}"
    r"[\s-]*(?:y(?:ea)?rs?|yo|y/o|y|months?|weeks?)[\s-]*(?:olds?)?[\s-]*(woman|female|lady|girl|gentleman|man|male|boy)\b",
    re.I,
)
_AT_THE_BEGINNING: Final = 2  # words before "weeks pregnant" of whom the note is about
_HER: Final = re.compile(
    r"\b(?:wife|partner|girlfriend|fiancee?|sister|daughter|mother|mum|mom|she|her)\b", re.I
)
# Somebody else who may be meant.
_SOMEBODY: Final = re.compile(
    rf"\b{one_of((*people.ADULTS, *people.CHILDREN, *people.COMPANIONS))}s?\b", re.I
)
_PRONOUN: Final = {
    Sex.FEMALE: re.compile(r"\b(?:she|her|woman|lady|girl)\b", re.I),
    Sex.MALE: re.compile(r"\b(?:he|him|his|man|gentleman|boy)\b", re.I),
}
# "male 45, chest pain" at the beginning.
_SEX_FIRST: Final = re.compile(
    r"^(?:an? |the )?(male|female|man|woman|lady|gentleman|boy|girl)(?: aged)?,? \d{1,3}\b"
    r"(?!\s*(?:days?|hours?|times|/))",
    re.I,
)
_SEX_LETTER: Final = re.compile(
    r"(?<![\w/.])(\d{1,3})\s?(?:(?i:yrs?|yo|y/o|y)[\s,/]?)?\s?"
    r"([MF]|(?<=yo )[mf]|(?<=yo)[mf]|(?<=y/o )[mf])(?![\w'/°-])"
)
# "FALL >3M", "fell 4 M": metres.
_LENGTH: Final = re.compile(
    r"\b(?:fall|fell|fallen|jump\w*|drop\w*|height)\b[^.,;/|]{0,14}?\d{1,2}\s?m\b|[<>]\s?\d{1,3}\s?m\b",
    re.I,
)
_FEMALE: Final = frozenset({"f", "woman", "female", "lady", "girl"})


def known_age(entered: float | None, told: float | None) -> float | None:
    """As entered; where nothing or 0 years was entered, as told in weeks or months."""
    is_of_infant = entered == 0 and told is not None and told < 1
    return told if entered is None or is_of_infant else entered


def spoken_age(note: Note) -> float | None:
    """The patient's age in years, where the words say it, be it roughly: "in his 70s"."""
    age = written_age(note)
    if age is not None:
        return age
    decade = _DECADE.search(note.chars)
    if decade:
        return int(decade.group(1)) * 10 + 5.0
    if _NEWBORN.search(note.chars) and not _PARENT.search(note.chars):
        return _NEWBORN_YEARS
    return None


def written_age(note: Note) -> float | None:
    """The patient's age in years, where the words have the number; never that of a wound or of a
    child whose mother is the patient, a figure of a vital sign ("T 98 F"), or a length."""
    return _age_by(
        _without_figures(note), (_OLD, _SHORT, _LEAD, _AGED, _OPENING, _IS, _LETTER, _LETTER_FIRST)
    )


def _without_figures(note: Note) -> str:
    chars = note.chars
    for figure in note.figures:
        chars = chars[: figure.begin] + "|" * (figure.stop - figure.begin) + chars[figure.stop :]
    return _LENGTH.sub(lambda match: "|" * len(match[0]), chars)


def _age_by(chars: str, patterns: Sequence[re.Pattern[str]]) -> float | None:
    for pattern in patterns:
        found = (one for one in pattern.finditer(chars) if not _is_of_another(chars, one))
        if match := next(found, None):
            age = _in_years(match) + _larger(chars, match)
            if 0 <= age <= 120 and not (pattern is _OPENING and _is_gestation(match)):
                return age
    return None


def _larger(chars: str, match: re.Match[str]) -> float:
    """The years that stand before a smaller unit: "2 years" of "2 years 3 months old"."""
    if match.re is not _OLD:
        return 0.0
    larger = _LARGER.search(chars, max(0, match.start() - _BEFORE), match.start())
    years = _YEARS[larger[2][0].lower()] if larger else 0.0
    return float(larger[1]) * years if larger and _in_years(match) < years else 0.0


def _is_of_another(chars: str, match: re.Match[str]) -> bool:
    return match.re in (_OLD, _SHORT) and bool(
        _OF_ANOTHER.search(chars, max(0, match.start() - _BEFORE), match.start())
    )


def _is_gestation(match: re.Match[str]) -> bool:
    """ "34 weeks, bleeding": nobody tells a child's age so."""
    unit = (match.group(2) or match.group(3) or "").lower()
    weeks = unit.startswith("w") or unit == "52"
    return weeks and float(match.group(1)) >= _GESTATION_WEEKS


def _in_years(match: re.Match[str]) -> float:
    groups = [group for group in match.groups()[1:] if group and match.re is not _LEAD]
    unit = groups[0].lower() if groups else "y"
    return float(match.group(1)) * _YEARS[_SLASHED.get(unit, unit[0])]


def of_another_age(facts: CaseFacts, note: Note) -> list[str]:
    """The age of the form, where the note contradicts it beyond doubt."""
    is_alone = _SOMEBODY.search(note.chars) is None
    patterns = (_OLD, _SHORT, _LETTER, *((_IS,) if is_alone else ()))
    age = _age_by(_without_figures(note), patterns)
    if facts.age_years is None or age is None or _PARENT.search(note.chars):
        return []
    apart = abs(facts.age_years - age)
    return ["age_years"] if apart > _much(facts.age_years, age) else []


def _much(age: float, other: float) -> float:
    return max(_AGE_APART_YEARS, _AGE_APART * max(age, other))


def spoken_sex(facts: CaseFacts, note: Note) -> Sex | None:
    """The patient's sex where the note says it beyond doubt; who is pregnant is a woman."""
    if _PARENT.search(note.chars):
        return None
    said = {_sex_of(match[1]) for match in _SEX.finditer(note.chars)}
    said |= {_sex_of(match[2]) for match in _SEX_LETTER.finditer(note.chars)
             if _is_age(facts, float(match[1]))}  # fmt: skip
    lead = _LEAD.match(note.chars)
    of_patient = lead and (facts.age_years is None or _is_age(facts, float(lead[1])))
    said |= {_sex_of(lead[2])} if lead and of_patient else set()
    said |= {_sex_of(match[1]) for match in _SEX_FIRST.finditer(note.chars)}
    told = [mention for _, mention in note.find(_pregnant()) if mention.is_present]
    begins = any(
        mention.first <= _AT_THE_BEGINNING
        and not _SOMEBODY.search(note.text[: note.words[mention.first].start])
        for mention in told
    )
    is_other = _HER.search(note.chars) or _SOMEBODY.search(note.chars)
    if not said and told and (begins or not is_other):
        said = {Sex.FEMALE}
    return said.pop() if len(said) == 1 else None


def is_of_other_sex(facts: CaseFacts, note: Note) -> bool:
    """Whether the note says another sex than the form, or names an organ of the other one."""
    if facts.sex not in (Sex.FEMALE, Sex.MALE):
        return False
    told = spoken_sex(facts, note)
    return told not in (None, facts.sex) or (told is None and _has_other_organ(facts.sex, note))


def _has_other_organ(sex: Sex, note: Note) -> bool:
    """And nobody else stands in the note, or anybody of the entered sex."""
    if _SOMEBODY.search(note.chars) or _PRONOUN[sex].search(note.chars):
        return False
    return any(mention.is_present for _, mention in note.find(_organs_not_of(sex)))


@cache
def _organs_not_of(sex: Sex) -> TermIndex:
    organs = "testic*/=testis/=testes/prostat*/scrot*/penis/penile/foreskin"
    if sex is Sex.MALE:
        organs = "vagina*/ovar*/uterus/uterine/womb/menstrua*"
    return TermIndex([organs], {})


def _sex_of(word: str) -> Sex:
    return Sex.FEMALE if word.lower() in _FEMALE else Sex.MALE


def _is_age(facts: CaseFacts, number: float) -> bool:
    """ "98 F" is a temperature, but "25yo F" of somebody of 25 is a woman."""
    return facts.age_years is not None and abs(facts.age_years - number) <= _AGE_APART_YEARS


@cache
def _pregnant() -> TermIndex:
    terms = ["week*/month* pregnant", "is/am/currently pregnant", "pregnant $"]
    return TermIndex(
        [*terms, "pregnant [with] [a] woman/lady/twins", "pregnant _2 week*/month*"], {}
    )
