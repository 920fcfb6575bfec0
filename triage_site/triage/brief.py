"""The brief: what a language model is told about a case, as labelled lines. Pure.

The words of the caller are data: they stay inside one quoted line and cannot forge a label, a
section or a chat marker.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from scheduling.core.brief import (
    BY_THE_NOTE,
    CHECK_LABEL,
    IN_THE_NOTE,
    LANGUAGE_LABEL,
    NO_THINNER,
    OVER_LABEL,
    STATE_LABEL,
    THINNER_LABEL,
    UNDER_ONE_YEAR,
)
from scheduling.core.guidance import WORDS_LABEL, cut_between_words
from scheduling.core.request import LEVEL_NAMES
from triage_site.triage.facts import UNMEASURABLE, ArrivalMode, CaseFacts, Sex
from triage_site.triage.history.medicines import read_history
from triage_site.triage.reading.cleaning import (
    APOSTROPHES,
    DASHES,
    MARKUP,
    mended,
    with_plain_signs,
)
from triage_site.triage.reading.disagreement import STATE_WORDS, other_words, told_wrong
from triage_site.triage.reading.measured import Measured, measure
from triage_site.triage.reading.note import Note, read
from triage_site.triage.reading.person import known_age, spoken_sex, written_age
from triage_site.triage.reading.reason import over_words
from triage_site.triage.signs.tables import NOT_ALERT_SIGNS, signs
from triage_site.triage.vitals import VITAL_RANGES

PRIORITY_NAMES: Final = tuple(name.lower() for name in LEVEL_NAMES)
COMPLAINT_LABEL: Final = "Complaint"
COMPLAINT_WORDS_LABEL: Final = "Complaint words"
NONE_FOUND: Final = "none found"

_PREGNANCY: Final = "pregnancy problem"
SEVERE_IN_PREGNANCY_MMHG: Final = 160  # systolic; NICE NG133
MAX_WORDS_CHARACTERS: Final = 4_000  # of the caller's words in a brief
MAX_DANGER_SIGNS: Final = 8  # the most urgent: those of a collapse repeat one another

_ARRIVAL: Final = {
    ArrivalMode.WALKING: "walked in",
    ArrivalMode.AMBULANCE: "ambulance",
    ArrivalMode.PRIVATE_VEHICLE: "private vehicle",
    ArrivalMode.PRIVATE_AMBULANCE: "private ambulance",
    ArrivalMode.CALL: "emergency call, not yet here",
    ArrivalMode.OTHER: "other",
}
# A sign of the note that contradicts the form -> the state that it tells.
_STATE_OF_SIGN: Final = {
    "unresponsive": "unresponsive",
    "unresponsive_unclear": "reduced consciousness",
    "confusion": "confused or drowsy",
}
_DAYS_UNTIL_MONTHS: Final = 28
_WEEKS_FROM: Final = 4
_WEEKS_UNTIL: Final = 12
_WHOLE_WEEKS: Final = 0.05
_MARKS: Final = " ,;:.-"
_SINGLE_VITALS: Final = ("rr_bpm", "spo2_percent", "hr_bpm", "temp_c", "pain_score")


def build_brief(
    facts: CaseFacts,
    *,
    priority: int,
    danger_signs: Sequence[str],
    complaint: str | None = None,
    complaint_words: Sequence[str] = (),
) -> str:
    """The user message: one labelled line per known thing, vitals with their units.

    Vitals that were not taken are left out; those that could not be measured are named. What was
    not entered and stands in the words is told as well; vital signs are marked as of the note.
    `complaint` is what the classifier took the words to be about, where it knows, and
    `complaint_words` are those that told it so.
    Of `danger_signs`, most urgent first, the first `MAX_DANGER_SIGNS` are told.
    Raises ValueError where `priority` is not 0 to 4.
    """
    if priority not in range(len(PRIORITY_NAMES)):
        raise ValueError(f"priority: must be 0 to {len(PRIORITY_NAMES) - 1}, was {priority}")
    signs = [sign for sign in map(neutral_words, danger_signs) if sign][:MAX_DANGER_SIGNS]
    note = read(facts.text)
    measured = measure(facts, note)
    known = measured.facts
    age = (
        None
        if "age_years" in measured.contradicted
        else known_age(facts.age_years, written_age(note))
    )
    lines = [
        f"Priority: {PRIORITY_NAMES[priority]}",
        f"Age: {age_phrase(age)}",
        f"Sex: {'not known' if 'sex' in measured.contradicted else _sex(known)}",
    ]
    if facts.arrival_mode in _ARRIVAL:
        lines.append(f"Arrival: {_ARRIVAL[facts.arrival_mode]}")
    if facts.injury is not None:
        lines.append(f"Injury: {'yes' if facts.injury else 'no'}")
    lines.append(f"{WORDS_LABEL}: {_quoted(facts.text)}")
    if note.is_foreign:
        lines.append(f"{LANGUAGE_LABEL}: not English")
    # Measured: here the embedded model quotes them, elsewhere it loses other lines over them.
    lines += _history_lines(facts.text)
    lines += _complaint_lines(note, complaint, complaint_words)
    pregnant = complaint == _PREGNANCY
    state = _state_line(measured, danger_signs)
    lines += _vital_lines(measured, facts, pregnant=pregnant, state=state)
    if again := _to_check(measured):
        lines.append(f"{CHECK_LABEL}: {again}")
    lines.append(f"Danger signs: {'; '.join(signs) or NONE_FOUND}")
    return "\n".join(lines)


def _state_line(measured: Measured, danger_signs: Sequence[str]) -> str:
    """The consciousness, and what the note says of it where that is another one."""
    entered = STATE_WORDS.get(measured.facts.consciousness, "")
    if entered and measured.told is not None:
        words = neutral_words(measured.told.words)
        return f"{entered}, {STATE_WORDS[measured.told.state]}{IN_THE_NOTE} ({words})"
    if entered and measured.was is not None:
        entered += f" ({neutral_words(measured.was.words)} earlier)"
    names = {sign.code: sign.name for sign in signs() if sign.code in NOT_ALERT_SIGNS}
    told = [
        state
        for code, state in _STATE_OF_SIGN.items()
        if f"{names[code]} {BY_THE_NOTE}" in danger_signs
    ]
    return f"{entered}, {told[0]}{IN_THE_NOTE}" if entered and told else entered


def _to_check(measured: Measured) -> str:
    """What form and note say differently that no line of a vital sign tells."""
    wrong = [told_wrong(neutral_words(words)) for words in measured.impossible.values()]
    has_line = measured.facts.value("spo2_percent") is not None
    told = [
        other_words(name, measured.facts)
        for name in measured.contradicted
        if not (name == "on_oxygen" and has_line)
    ]
    return "; ".join([*wrong, *filter(None, told)])


def _complaint_lines(note: Note, complaint: str | None, words: Sequence[str]) -> list[str]:
    """What the note is about, by which words, and how it says that this is over. Words without
    a complaint are those that say what somebody came for."""
    lines = [f"{COMPLAINT_LABEL}: {neutral_words(complaint)}"] if complaint else []
    told_by = next((word for word in words if neutral_words(word)), "")
    if told_by:
        lines.append(f"{COMPLAINT_WORDS_LABEL}: {neutral_words(told_by).lstrip(_MARKS)}")
    place = note.text.find(told_by) if told_by and complaint else -1
    if place >= 0 and (over := neutral_words(over_words(note, place + len(told_by)))):
        lines.append(f"{OVER_LABEL}: {over}")
    return lines


def neutral_words(text: str) -> str:
    """`text` as one line without anything that a prompt or a chat template gives meaning.

    Tags of HTML go and its entities become what they stand for.
    Control and invisible characters go, double quotes become single ones, angle and square
    brackets and braces become round ones, runs of `#`, `|`, `` ` `` or `*` shrink to one.
    A comparison and an arrow keep their sense: `<90` is `below 90`, `L>R` is `L more than R`,
    `14 -> 10` is `14 to 10`. Characters that were damaged on their way are mended. Dashes and
    quotation marks become those of ASCII. Marks of trade names go: `Zyrtec™` is `Zyrtec`. A
    fraction or an exponent stays apart from the number before it: `39½` is `39 1/2`.
    """
    text = with_plain_signs(html.unescape(_MARKUP.sub(" ", mended(text))))
    text = "".join(_apart(character) for character in text.translate(_TYPOGRAPHY))
    text = unicodedata.normalize("NFKC", text).translate(_TYPOGRAPHY)
    text = "".join(_plain_character(character) for character in text)
    text = re.sub(r"(?<=[\w)%]) ?(?:[-=]+>|[\u2192\u21d2]) ?(?=\w)", " to ", text)
    text = re.sub(r"<\s*(?=\d)", " below ", text)
    text = re.sub(r">\s*(?=\d)", " above ", text)
    text = re.sub(r"(?<=[^\W\d_])>(?=[^\W\d_])", " more than ", text)
    text = re.sub(r"(?<=[^\W\d_])<(?=[^\W\d_][^>]*$)", " less than ", text)
    text = text.translate(_HARMLESS)
    text = re.sub(r"([#|`*=_~-])\1+", r"\1", text)
    return " ".join(text.split())


def _sex(facts: CaseFacts) -> str:
    """Not known either where the note says another one than was entered."""
    told = {facts.sex, spoken_sex(facts, read(facts.text)) or Sex.UNKNOWN} - {Sex.UNKNOWN}
    return told.pop().value if len(told) == 1 else "not known"


def age_phrase(age_years: float | None) -> str:
    """`71 years`; 0 is `under one year`, because whole years are often entered so; under two years
    in months, under three months in weeks where they are whole,
    under four weeks in days."""
    if age_years is None:
        return "not known"
    if age_years == 0:
        return UNDER_ONE_YEAR
    if age_years >= 2:
        return f"{int(age_years)} years"
    # Rounded as on the pages: seven months are often entered as 0.58 years.
    months, days = max(1, round(age_years * 12)), round(age_years * 365.25)
    weeks = age_years * 365.25 / 7
    if _WEEKS_FROM <= round(weeks) <= _WEEKS_UNTIL and abs(weeks - round(weeks)) < _WHOLE_WEEKS:
        return f"{round(weeks)} weeks"
    if days >= _DAYS_UNTIL_MONTHS:
        return f"{months} month{'s' if months != 1 else ''}"
    return f"{days} day{'s' if days != 1 else ''}"


def _quoted(text: str) -> str:
    words = neutral_words(text)
    return f'"{cut_between_words(words, MAX_WORDS_CHARACTERS)}"' if words else "none"


def _history_lines(text: str) -> list[str]:
    """Allergies and medicines as the words name them; nothing where they name none."""
    history = read_history(text)
    lines = []
    if history.allergy_words:
        lines.append(f"Allergies: {neutral_words(history.allergy_words)}")
    if history.medicine_words:
        lines.append(f"Medicines: {neutral_words(history.medicine_words)}")
    if history.thinners or history.denies_thinners:
        lines.append(f"{THINNER_LABEL}: {', '.join(history.thinners) or NO_THINNER}")
    return lines


def _vital_lines(
    measured: Measured, entered: CaseFacts, *, pregnant: bool, state: str
) -> list[str]:
    """`entered` are the facts of the form; what was measured beyond them is of the note. `state` is
    what is told of the consciousness."""
    facts = measured.facts
    lines = {name: _vital_line(measured, entered, name) for name in _SINGLE_VITALS}
    pressure = _pressure_line(measured, entered, pregnant=pregnant)
    ordered = [lines["rr_bpm"], lines["spo2_percent"], pressure]
    ordered += [lines["hr_bpm"], lines["temp_c"], lines["pain_score"]]
    if state:
        ordered.append(f"{STATE_LABEL}: {state}")
    failed = [
        VITAL_RANGES[name].label.lower()
        for name in VITAL_RANGES
        if getattr(facts, name) == UNMEASURABLE
    ]
    if failed:
        ordered.append(f"Could not be measured: {', '.join(failed)}")
    return [line for line in ordered if line]


def _vital_line(measured: Measured, entered: CaseFacts, name: str) -> str:
    facts = measured.facts
    value = facts.value(name)
    if value is None:
        return ""
    number = _number(value, whole=VITAL_RANGES[name].whole)
    unit = VITAL_RANGES[name].unit
    joined = f"{number}{unit}" if name == "pain_score" else f"{number} {unit}"
    if name == "spo2_percent" and facts.on_oxygen is not None:
        joined += " on oxygen" if facts.on_oxygen else " on air"
    if name == "spo2_percent" and facts.spo2_scale_2:
        joined += ", lower target agreed"
    joined += _source(entered, name) + _mark(facts.band(name)) + _noted(measured, name)
    if name == "spo2_percent" and "on_oxygen" in measured.contradicted:
        joined += f", on {'air' if facts.on_oxygen else 'oxygen'}{IN_THE_NOTE}"
    return f"{VITAL_RANGES[name].label}: {joined}"


def _source(entered: CaseFacts, name: str) -> str:
    return f" {BY_THE_NOTE}" if entered.value(name) is None else ""


def _noted(measured: Measured, name: str) -> str:
    """What the note says instead where another value was entered, or of earlier."""
    noted, past = measured.noted.get(name), measured.earlier_value(name)
    if noted is None and name in measured.contradicted:
        return f", called otherwise{IN_THE_NOTE}"
    if noted is None:
        is_whole = VITAL_RANGES[name].whole
        return "" if past is None else f", {_number(past, whole=is_whole)} earlier"
    number = _number(noted, whole=VITAL_RANGES[name].whole)
    values: dict[str, Any] = {name: noted}
    return f", {number}{IN_THE_NOTE}{_mark(replace(measured.facts, **values).band(name))}"


def _pressure_line(measured: Measured, entered: CaseFacts, *, pregnant: bool) -> str:
    facts = measured.facts
    systolic, diastolic = facts.value("sbp_mmhg"), facts.value("dbp_mmhg")
    if systolic is None:
        return _vital_line(measured, entered, "dbp_mmhg")
    if diastolic is None:
        return _vital_line(measured, entered, "sbp_mmhg")
    pair = f"{_number(systolic, whole=True)}/{_number(diastolic, whole=True)} mmHg"
    band = facts.band("sbp_mmhg") or facts.band("dbp_mmhg")
    if not band and pregnant and systolic >= SEVERE_IN_PREGNANCY_MMHG:
        band = "high"
    pair += _source(entered, "sbp_mmhg") + _mark(band) + _noted(measured, "sbp_mmhg")
    return f"Blood pressure: {pair}"


def _mark(band: str) -> str:
    """How far from usual the value before it is."""
    return f" ({band})" if band else ""


def _number(value: float, *, whole: bool) -> str:
    if whole and value == int(value):
        return str(int(value))
    return f"{value:.1f}"


def _apart(character: str) -> str:
    kind = unicodedata.decomposition(character).partition(" ")[0]
    if kind == "<super>" and character.isdigit():
        return f"^{character}"
    return f" {character}" if kind == "<fraction>" else character


def _plain_character(character: str) -> str:
    if character.isspace():
        return " "
    return "" if unicodedata.category(character).startswith("C") else character


_MARKUP: Final = re.compile(MARKUP, re.IGNORECASE)
_HARMLESS: Final = str.maketrans(
    {"<": "(", ">": ")", "[": "(", "]": ")", "{": "(", "}": ")", '"': "'"}
    | dict.fromkeys("“”„«»", "'")
)
_TYPOGRAPHY: Final = str.maketrans(
    dict.fromkeys(DASHES, "-")
    | dict.fromkeys(APOSTROPHES, "'")
    | {"\u2044": "/", "˚": "°"}
    # Marks that stand alone: the normal form would be a mark over a blank.
    | dict.fromkeys("¯¨¸˘˙˛˝")
)
