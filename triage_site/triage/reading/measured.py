"""The facts of a case with what its words say of them. Pure.

Entered values always stand; figures of the text fill gaps, the worst of several, without those
of another day (`times`), and those called wrong where there is another one. Where both are
there and differ much, that is said, unless the text ends at the entered one ("pain 8 now 3"); so it
is where the text tells of a patient of another age or sex, is awake where the form is not, gives
oxygen where the form has air, or calls usual what was measured as far from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from triage_site.triage.facts import NOT_TAKEN, CaseFacts, Consciousness
from triage_site.triage.reading.awareness import (
    Told,
    awake_now,
    awake_words,
    goes_with,
    is_worse,
    state_of,
)
from triage_site.triage.reading.described import described_otherwise, part_of
from triage_site.triage.reading.earlier import NOW, with_earlier
from triage_site.triage.reading.figures import NO_MEASURE, OTHER, Figure, is_plausible
from triage_site.triage.reading.note import Note
from triage_site.triage.reading.person import is_of_other_sex, known_age, of_another_age, spoken_age
from triage_site.triage.reading.times import OF_OLD
from triage_site.triage.reading.whose import is_of_baby
from triage_site.triage.vitals import VITAL_RANGES

_MIDDLE: Final = {
    "hr_bpm": 80.0, "rr_bpm": 16.0, "spo2_percent": 99.0, "temp_c": 37.0, "pain_score": 0.0,
    "sbp_mmhg": 120.0, "dbp_mmhg": 75.0,
    "glucose": 6.0, "potassium": 4.2, "lactate": 1.0, "news": 0.0, "gcs": 15.0,
    "oxygen_litres": 0.0, "ketones": 0.0, "sodium": 140.0, "ph": 7.4, "haemoglobin": 13.0,
    "platelets": 250.0, "map_mmhg": 85.0, "cap_refill_seconds": 1.0, "peak_flow": 450.0,
    "peak_flow_percent": 100.0, "fio2_percent": 21.0, "po2_kpa": 12.0, "pf_ratio": 450.0,
}  # fmt: skip
_FAR: Final = {
    "hr_bpm": 25.0, "rr_bpm": 8.0, "spo2_percent": 5.0, "temp_c": 1.2, "pain_score": 4.0,
    "sbp_mmhg": 30.0,
}  # fmt: skip
_RATES: Final = frozenset({"hr_bpm", "rr_bpm"})
_FASTEST_BREATH, _FAST_BREATH, _SLOW_HEART = 90.0, 40.0, 40.0  # a minute
LIKE_A_PULSE: Final = "rr_like_pulse"  # in `Measured.contradicted`
_NOT_AWAKE: Final = ("voice", "pain", "unresponsive")
_SCORE: Final = "gcs"
_CONFUSED_SCORE: Final = 14
_MOTHER_YEARS: Final = 10.0
_SENTENCE_ENDS: Final = (". ", ";", "\n")
# What the note says of a value that a machine or the writer got wrong, and of the right one.
_CORRECTED: Final = r"sorry|correction|i meant?|make that|scrap that"
_WRONG: Final = re.compile(
    r"\b(?:leads?|probe|electrodes?|clip|cuff|sensor)\b[^.;]{0,40}\b(?:off|loose|falling|fell|slipped"
    r"|jumper|sleeve|too (?:small|big|large|tight)|wrong|thick)\b"
    r"|\b(?:artefact|artifact|misread\w*|mis-?typed?|typo|erroneous|faulty|wrong patient)\b"
    r"|\b(?:machine|monitor|meter|thermometer)\b[^.;]{0,20}\b(?:broken|faulty|wrong)\b"
    r"|\b(?:bp|hr|pulse|temp|sats?|spo2|machine|monitor|reading|cuff|bm)\W{1,3}error\b"
    r"|\berror (?:reading|message)\b"
    rf"|\bno,? that was\b|\b(?:{_CORRECTED})\b",
    re.IGNORECASE,
)
_AGAIN: Final = rf"{_CORRECTED}|repeat\w*|re-?check\w*|rpt|manual\w*|by hand|palpat\w+|re-?warmed"
# Of a value that may be wrong: so it is where it was measured again.
_DOUBTED: Final = re.compile(
    r"\b(?:(?:machine|monitor|oximeter) (?:read\w*|sa(?:id|ys)|show\w*|gave)"
    r"|(?:cold|dirty|sticky|sugary) fingers?|nail (?:varnish|polish)"
    rf"|poor (?:trace|signal|contact|waveform))\b[^;\n]{{0,120}}?\b(?:{_AGAIN})\b",
    re.IGNORECASE,
)
_SET_RIGHT: Final = re.compile(rf"\b(?:{_AGAIN}|actually|correct\w*|then|now)\b", re.IGNORECASE)
_AWAKE: Final = 15.0  # of the coma scale
_THEN: Final = "earlier|at home|(?:at )?first|initially|on scene|on arrival|at triage|this morning"
# A value that is not named again: "temp 41 in ear, repeat 37.2", "HR 80, now 140".
_UNNAMED: Final = re.compile(
    rf"(?:\s?(?:-|to)\s?\d{{1,3}}(?=,))?"  # "usual sats 88-92, now 85"
    rf"(?:[^\d;\n]{{0,30}}?\b(?:{_AGAIN})"
    rf"|[^\d.;\n]{{0,24}}?\b(?:{_THEN})\b[\s,:-]{{1,3}}(?:but |and )?(?:{NOW}|then)"
    rf"|[\s%°c,(-]{{0,6}}(?:(?:and|but) )?(?:{NOW}|then)|\s?(?:/10)?\s?(?:-+>|\u2192)\s?)"
    rf"(?:,? (?:is|was|at|of|to|up to|down to|it was|i meant?))?"
    rf",? (?P<value>\d{{1,3}}(?:\.\d)?){NO_MEASURE}(?![\w/-])",
    re.IGNORECASE,
)
# "fell from 98% to 85": both are told, and the worse counts.
_CHANGED: Final = re.compile(
    r"(?:\s?/10)?[\s%°c]{0,4},? ?(?:(?:then|and|but|now) )*"
    r"(?P<verb>(?:has |have )?(?:drop\w*|fell|fall\w*|rose|risen|went|gone|going|climb\w*|shot"
    r"|came|come) )?"
    rf"(?:up |down )?to (?P<value>\d{{1,3}}(?:\.\d)?){NO_MEASURE}(?![\w/-])",
    re.IGNORECASE,
)
_FROM: Final = re.compile(r"\bfrom\W*$", re.IGNORECASE)
# "temp 37 at home, 40.5 here", "150 in ambulance, 82 now"
_HERE: Final = re.compile(
    rf"[^\d.;\n]{{0,28}}?[,\s] ?(?:is |but |and )*(?P<value>\d{{1,3}}(?:\.\d)?)\s?%?,? (?={NOW})",
    re.IGNORECASE,
)
_WHOLE: Final = frozenset({"hr_bpm", "rr_bpm", "spo2_percent", "pain_score", "sbp_mmhg"})
_READ_UNNAMED: Final = _WHOLE | {"temp_c", "glucose"}
# Figures that say oxygen is given, where they are above this.
_OXYGEN: Final = {"oxygen_litres": 0.0, "on_oxygen": 0.0, "fio2_percent": 21.0}
_PRESSURE: Final = frozenset({"sbp_mmhg", "dbp_mmhg"})


@dataclass(frozen=True, slots=True)
class Measured:
    """`extra` holds figures that no field of the facts takes; `contradicted` names the fields
    where text and form differ, and `noted` has the value of the text where it tells one. `told` is
    the consciousness of the text where another one was entered. `impossible` are the words of the
    text for a vital sign that cannot be right. `earlier` are figures of the text that a later one
    took the place of: a danger that was there; `was` is the consciousness that they tell.
    `replaced` are figures that are older than what was measured again on the page."""

    facts: CaseFacts
    extra: Mapping[str, float]
    contradicted: tuple[str, ...] = ()
    noted: Mapping[str, float] = field(default_factory=dict)
    told: Told | None = None
    impossible: Mapping[str, str] = field(default_factory=dict)
    earlier: Mapping[str, float] = field(default_factory=dict)
    was: Told | None = None
    replaced: Mapping[str, float] = field(default_factory=dict)

    @property
    def then(self) -> Measured:
        """As it was earlier today, by the note."""
        return replace(self, extra={**self.extra, **self.earlier}, told=self.was or self.told)

    def earlier_value(self, vital: str) -> float | None:
        """The value of the note that a later one took the place of, where it is far from it."""
        past = self.earlier.get(vital, self.replaced.get(vital))
        value = self.facts.value(vital)
        is_far = past is not None and value is not None and abs(past - value) > _FAR.get(vital, 1e9)
        return past if is_far else None

    @property
    def states(self) -> tuple[Consciousness, ...]:
        """What form and note say of the consciousness, the worse one last."""
        entered = self.facts.consciousness
        if self.told is None:
            return (entered,)
        worse = is_worse(self.told.state, entered)
        return (entered, self.told.state) if worse else (self.told.state, entered)

    @property
    def state(self) -> Consciousness:
        """The worse of what form and note say: it counts."""
        return self.states[-1]

    @property
    def is_worse_in_the_note(self) -> bool:
        """Whether the note tells a worse consciousness than was entered."""
        return self.told is not None and is_worse(self.told.state, self.facts.consciousness)


def measure(facts: CaseFacts, note: Note) -> Measured:
    told = _not_called_wrong(note, facts)
    like_pulse = _is_like_a_pulse(facts, told)
    told = [one for one in told if not (like_pulse and one.kind in _RATES)]
    replaced = [one for one in told if one.start < facts.older_words(_field(one.kind))]
    told = [one for one in told if one.start >= facts.older_words(_field(one.kind))]
    figures = [*with_earlier(note.text, told)]
    of_now = [one for one in figures if not one.is_earlier]
    # A saturation may be better for oxygen alone: the worst of them stands, but in a table.
    saturations = [one for one in told if one.kind == "spo2_percent" and not one.is_earlier]
    worst = _worst(figures)
    present = worst | _worst(of_now) | _worst(saturations)
    last = {one.kind: one.value for one in sorted(of_now, key=lambda one: one.start)}
    filled: dict[str, Any] = {}
    noted: dict[str, float] = {}
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
            filled[vital] = present[vital]
        elif known is not None and vital in last:
            apart = min(abs(known - present[vital]), abs(known - last[vital]))
            noted |= {vital: present[vital]} if apart > _FAR.get(vital, 1e9) else {}
    if noted.keys() & _PRESSURE:  # the other half is of another measurement
        filled = {vital: value for vital, value in filled.items() if vital not in _PRESSURE}
    past = [one for one in figures if one.is_earlier and _has_later(one.kind, facts, of_now)]
    filled |= _consciousness(facts, present) | _oxygen(facts, note, worst)
    if not facts.age_years:
        filled["age_years"] = known_age(facts.age_years, spoken_age(note))
    state = _other_state(facts, note, figures)
    contradicted = [*noted, *of_another_age(facts, note), *described_otherwise(facts, note)]
    contradicted += ["consciousness"] if state else []
    contradicted += ["sex"] if is_of_other_sex(facts, note) else []
    contradicted += [LIKE_A_PULSE] if like_pulse else []
    earlier = _worst(past)
    only_earlier = earlier.keys() - {one.kind for one in of_now}
    extra = {
        name: value
        for name, value in present.items()
        if filled.get(name) != value
        and name not in only_earlier
        and not _is_nearer(name, value, facts)
    }
    return Measured(
        replace(facts, **filled) if filled else facts,
        extra,
        tuple(dict.fromkeys(contradicted)),
        noted,
        state,
        impossible=_impossible(note),
        earlier={name: value for name, value in earlier.items() if extra.get(name) != value},
        was=_told_by(note, past) or _told_by(note, replaced),
        replaced=_worst(replaced),
    )


def _field(kind: str) -> str:
    return "consciousness" if kind == _SCORE else kind


def _has_later(kind: str, facts: CaseFacts, of_now: Sequence[Figure]) -> bool:
    """Whether a value was entered, or the note tells one of now. A saturation of now may be better
    for oxygen alone, so it takes no place in a note."""
    if kind == _SCORE:
        is_entered = facts.consciousness is not Consciousness.NOT_TAKEN
    else:
        is_entered = kind in VITAL_RANGES and facts.value(kind) is not None
    return is_entered or (kind != "spo2_percent" and any(one.kind == kind for one in of_now))


def _impossible(note: Note) -> dict[str, str]:
    """Not of a vital sign that the note tells rightly as well."""
    read = {one.kind for one in note.figures}
    return {one.kind: _words(note, one) for one in note.impossible if one.kind not in read}


def _is_like_a_pulse(facts: CaseFacts, told: Sequence[Figure]) -> bool:
    """Whether the breathing rate looks like a pulse: nobody breathes so fast, or faster than a slow
    heart beats. Then each of the two may stand in the place of the other."""
    rates = [facts.value("rr_bpm"), *(one.value for one in told if one.kind == "rr_bpm")]
    pulses = [facts.value("hr_bpm"), *(one.value for one in told if one.kind == "hr_bpm")]
    breath = max((rate for rate in rates if rate is not None), default=0.0)
    heart = min((pulse for pulse in pulses if pulse), default=_SLOW_HEART + 1)
    return breath > _FASTEST_BREATH or (breath >= _FAST_BREATH and heart <= _SLOW_HEART)


def _is_nearer(vital: str, told: float, facts: CaseFacts) -> bool:
    """Whether what the note tells is no farther from usual than what was entered."""
    entered = facts.value(vital) if vital in VITAL_RANGES else None
    middle = _MIDDLE.get(vital, 0.0)
    return entered is not None and abs(told - middle) <= abs(entered - middle)


def _worst(figures: Sequence[Figure]) -> dict[str, float]:
    """Of several values the one farthest from what is usual."""
    worst: dict[str, float] = {}
    for figure in figures:
        middle = _MIDDLE.get(figure.kind, 0.0)
        known = worst.get(figure.kind)
        if known is None or abs(figure.value - middle) > abs(known - middle):
            worst[figure.kind] = figure.value
    return worst


def _not_called_wrong(note: Note, facts: CaseFacts) -> Sequence[Figure]:
    """Without a figure that the note calls wrong, or of another day, where there is another one
    of its kind: "HR 30 but leads were falling off; manual pulse 76"."""
    is_baby = facts.age_years is None or facts.age_years < _MOTHER_YEARS
    figures = [
        one
        for one in (*note.figures, *_unnamed(note))
        if not (one.is_old or one.is_of_other or one.kind == OTHER)
        and (is_baby or not is_of_baby(note.chars, one.begin))
    ]
    if not any(words.search(note.text) for words in (_WRONG, _DOUBTED, OF_OLD)):
        return figures
    judged: dict[tuple[int, int], int] = {}
    kept: list[Figure] = []
    left: dict[str, Figure] = {}  # the likeliest of each kind
    for figure in sorted(figures, key=lambda one: one.start):
        place = _sentence(note.text, figure)
        if place not in judged:  # a note may have thousands of figures in one sentence
            judged[place] = _wrong_until(note.text, *place)
        part = part_of(note.text, figure.start, figure.end)
        if figure.start >= judged[place] and not OF_OLD.search(part):
            kept.append(figure)
        elif figure.kind in VITAL_RANGES and facts.value(figure.kind) is not None:
            continue
        elif figure.kind not in left or not _WRONG.search(part):
            left[figure.kind] = figure
    kinds = {figure.kind for figure in kept}
    return [*kept, *(figure for figure in left.values() if figure.kind not in kinds)]


def _unnamed(note: Note) -> Iterator[Figure]:
    for figure in note.figures:
        awake = awake_now(note.text, figure.end) if figure.kind == "gcs" else None
        if awake:
            yield replace(figure, value=_AWAKE, start=awake[0], end=awake[1], is_old=False)
        again = _again(note.text, figure) if figure.kind in _READ_UNNAMED else None
        value = float(again["value"]) if again else 0.0
        is_fit = value.is_integer() or figure.kind not in _WHOLE
        if again and is_fit and is_plausible(figure.kind, value):
            start, end = again.span("value")
            yield replace(figure, value=value, start=start, end=end, is_old=False)


def _again(text: str, figure: Figure) -> re.Match[str] | None:
    """A later value of the same vital sign, whose name is not told again."""
    if again := _UNNAMED.match(text, figure.end):
        return again
    if changed := _CHANGED.match(text, figure.end):
        number = re.search(r"\d", text[figure.start : figure.end])
        begin = figure.start + number.start() if number else figure.start
        if changed["verb"] or _FROM.search(text, 0, begin):
            return changed
    return _HERE.match(text, figure.end)


def _sentence(text: str, figure: Figure) -> tuple[int, int]:
    first = max(text.rfind(mark, 0, figure.start) for mark in ".;\n") + 1
    ends = [at for at in (text.find(mark, figure.end) for mark in _SENTENCE_ENDS) if at >= 0]
    return first, min(ends, default=len(text))


def _wrong_until(text: str, first: int, last: int) -> int:
    """Up to which character the figures of a sentence are called wrong: none of them, or those
    before the words that set it right."""
    if _WRONG.search(text, first, last):
        right = _SET_RIGHT.search(text, first, last)
        return right.end() if right else last
    again = _DOUBTED.search(text, first, last)
    return again.end() if again else first


def _consciousness(facts: CaseFacts, worst: Mapping[str, float]) -> dict[str, Any]:
    score = worst.get(_SCORE)
    if score is None or facts.consciousness is not Consciousness.NOT_TAKEN:
        return {}
    state = state_of(score, is_confused="new_confusion" in worst)
    return {"consciousness": state} if state else {}


def _other_state(facts: CaseFacts, note: Note, figures: Sequence[Figure]) -> Told | None:
    """What the note says of the consciousness, where another one was entered."""
    entered = facts.consciousness
    if entered is Consciousness.NOT_TAKEN:
        return None
    scores = [one for one in figures if one.kind == _SCORE and not one.is_earlier]
    is_confused = any(one.kind == "new_confusion" and not one.is_earlier for one in figures)
    if not scores:
        words = awake_words(note.chars) if entered in _NOT_AWAKE else ""
        return Told(Consciousness.ALERT, words) if words else None
    worst = _lowest(scores)
    last = max(scores, key=lambda one: one.start)
    if entered is Consciousness.ALERT and is_confused and worst.value == _CONFUSED_SCORE:
        return Told(Consciousness.CONFUSED, _words(note, worst))
    if any(goes_with(one.value, entered) for one in (worst, last)):
        return None
    state = state_of(worst.value, is_confused=is_confused)
    return Told(state or Consciousness.CONFUSED, _words(note, worst))


def _told_by(note: Note, past: Sequence[Figure]) -> Told | None:
    """What the worst of the earlier scores tells."""
    scores = [one for one in past if one.kind == _SCORE]
    if not scores:
        return None
    worst = _lowest(scores)
    state = state_of(worst.value, is_confused=False)
    has_two = sum(one.begin == worst.begin for one in note.figures) > 1
    return (
        Told(state, f"GCS {worst.value:g}" if has_two else _words(note, worst)) if state else None
    )


def _lowest(scores: Sequence[Figure]) -> Figure:
    return min(scores, key=lambda one: one.value)


def _words(note: Note, figure: Figure) -> str:
    return " ".join(note.text[figure.start : figure.end].split())


def _oxygen(facts: CaseFacts, note: Note, worst: Mapping[str, float]) -> dict[str, Any]:
    """What the told saturation was measured on: "79 % on air, now 96 % on 15 L" is told as 79 %,
    and that was on air."""
    if facts.on_oxygen is not None:
        return {}
    entered = facts.value("spo2_percent")
    told = worst.get("spo2_percent") if entered is None else entered
    measured = {f.begin: f.value for f in note.figures if f.kind == "spo2_percent"}
    given = [f for f in note.figures if f.kind in _OXYGEN and not (f.is_old or f.is_of_other)]
    beside = [f for f in given if measured.get(f.begin, -1.0) == told]
    given = beside or [f for f in given if f.begin not in measured]
    return {"on_oxygen": any(f.value > _OXYGEN[f.kind] for f in given)} if given else {}
