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
from functools import cache
from typing import Any, Final

from triage_site.triage.age_bands import is_adult
from triage_site.triage.facts import NOT_TAKEN, CaseFacts, Consciousness
from triage_site.triage.reading.awareness import Told, awake_words, goes_with, is_worse, state_of
from triage_site.triage.reading.earlier import NOW, with_earlier
from triage_site.triage.reading.figures import NO_MEASURE, OTHER, Figure, is_plausible
from triage_site.triage.reading.note import Note
from triage_site.triage.reading.person import is_of_other_sex, known_age, of_another_age, spoken_age
from triage_site.triage.reading.terms import TermIndex
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
_ALL_USUAL: Final = re.compile(
    r"\b(?:(?:obs|observations|vitals?(?: signs)?)\b[ :=]*(?:are |is |all ){0,2}"
    r"(?:fine|ok|okay|normal|good|wnl|unremarkable)"
    r"|(?:normal|unremarkable) (?:obs|observations|vitals?(?: signs)?))\b"
    r"(?![^.;\n]{0,20}\b(?:apart|except|but|other than|bar)\b)", re.I,
)  # fmt: skip
_GIVEN_OXYGEN: Final = re.compile(
    r"(?<!not )\b(?:on|needs|needing|requir\w+) (?:\d{1,2} ?l\S* ?(?:of |via |by )?"
    r"(?:nasal|nc|mask|o2|oxygen|nrb)|o2|oxygen|nrb)\b(?! (?:level|sat))", re.I,
)  # fmt: skip
_OFF_OXYGEN: Final = re.compile(r"\b(?:air|ra|off (?:the )?(?:o2|oxygen))\b", re.I)
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
_RATES: Final = frozenset({"hr_bpm", "rr_bpm"})
_FASTEST_BREATH, _FAST_BREATH, _SLOW_HEART = 90.0, 40.0, 40.0  # a minute
LIKE_A_PULSE: Final = "rr_like_pulse"  # in `Measured.contradicted`
_NOT_AWAKE: Final = ("voice", "pain", "unresponsive")
_SCORE: Final = "gcs"
_CONFUSED_SCORE: Final = 14
_MOTHER_YEARS: Final = 10.0
_NEAR: Final = 4  # words
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
_PART_ENDS: Final = re.compile(r"[,;()\n]|\.(?!\d)")
# A value that is not named again: "temp 41 in ear, repeat 37.2", "HR 80, now 140".
_UNNAMED: Final = re.compile(
    rf"(?:\s?(?:-|to)\s?\d{{1,3}}(?=,))?"  # "usual sats 88-92, now 85"
    rf"(?:[^\d;\n]{{0,30}}?\b(?:{_AGAIN})"
    rf"|[^\d.;\n]{{0,24}}?\b(?:earlier|at home|initially|on scene)\b[\s,:-]{{1,3}}(?:{NOW})"
    rf"|[\s%°c,(-]{{1,6}}(?:(?:and|but) )?(?:{NOW}|then)|\s?(?:/10)?\s?(?:-+>|\u2192)\s?)"
    rf"(?:,? (?:is|was|at|of|to|up to|down to|it was|i meant?))?"
    rf",? (\d{{1,3}}(?:\.\d)?){NO_MEASURE}(?![\w/-])",
    re.IGNORECASE,
)
_WHOLE: Final = frozenset({"hr_bpm", "spo2_percent", "pain_score"})
_READ_UNNAMED: Final = _WHOLE | {"temp_c", "glucose"}
_REACH: Final = 60  # characters around a value
# Figures that say oxygen is given, where they are above this.
_OXYGEN: Final = {"oxygen_litres": 0.0, "on_oxygen": 0.0, "fio2_percent": 21.0}
_PRESSURE: Final = frozenset({"sbp_mmhg", "dbp_mmhg"})
_EARLIER: Final = frozenset(
    {"was", "were", "been", "earlier", "initially", "home", "scene", "crew", "settled", "resolved"}
)


@dataclass(frozen=True, slots=True)
class Measured:
    """`extra` holds figures that no field of the facts takes; `contradicted` names the fields
    where text and form differ, and `noted` has the value of the text where it tells one. `told` is
    the consciousness of the text where another one was entered. `impossible` are the words of the
    text for a vital sign that cannot be right."""

    facts: CaseFacts
    extra: Mapping[str, float]
    contradicted: tuple[str, ...] = ()
    noted: Mapping[str, float] = field(default_factory=dict)
    told: Told | None = None
    impossible: Mapping[str, str] = field(default_factory=dict)

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
    filled |= _consciousness(facts, worst) | _oxygen(facts, note, worst)
    if not facts.age_years:
        filled["age_years"] = known_age(facts.age_years, spoken_age(note))
    contradicted = [*noted, *of_another_age(facts, note), *_called_usual(facts, note.chars)]
    contradicted += _called_far(facts, note) + _all_called_usual(facts, note.text)
    given = _says_now(_GIVEN_OXYGEN, note.text) and not _OFF_OXYGEN.search(note.text)
    contradicted += ["on_oxygen"] if given and facts.on_oxygen is False else []
    state = _other_state(facts, note, figures)
    contradicted += ["consciousness"] if state else []
    contradicted += ["sex"] if is_of_other_sex(facts, note) else []
    contradicted += [LIKE_A_PULSE] if like_pulse else []
    extra = {
        name: value
        for name, value in worst.items()
        if filled.get(name) != value and not _is_nearer(name, value, facts)
    }
    whole = replace(facts, **filled) if filled else facts
    return Measured(
        whole, extra, tuple(dict.fromkeys(contradicted)), noted, state, _impossible(note)
    )


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


def _called_usual(facts: CaseFacts, chars: str) -> list[str]:
    return [
        vital
        for vital, pattern, low, high in _CALLED_USUAL
        if (value := facts.value(vital)) is not None
        and not low <= value <= high
        and pattern.search(chars)
    ]


def _all_called_usual(facts: CaseFacts, text: str) -> list[str]:
    """Which vital signs are very far from usual where all are called so; pain is none of them."""
    if not _says_now(_ALL_USUAL, text):
        return []
    return [v for v in VITAL_RANGES if v != "pain_score" and facts.band(v).startswith("very")]


def _says_now(words: re.Pattern[str], text: str) -> bool:
    """And not of another day, place or time."""
    parts = [_part(text, *found.span()) for found in words.finditer(text)]
    return any(not OF_OLD.search(p) and _EARLIER.isdisjoint(p.lower().split()) for p in parts)


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
        part = _part(note.text, figure.start, figure.end)
        if figure.start >= judged[place] and not OF_OLD.search(part):
            kept.append(figure)
        elif figure.kind in VITAL_RANGES and facts.value(figure.kind) is not None:
            continue
        elif figure.kind not in left or not _WRONG.search(part):
            left[figure.kind] = figure
    kinds = {figure.kind for figure in kept}
    return [*kept, *(figure for figure in left.values() if figure.kind not in kinds)]


def _part(text: str, start: int, end: int) -> str:
    before = _PART_ENDS.split(text[max(0, start - _REACH) : start])[-1]
    return before + text[start:end] + _PART_ENDS.split(text[end : end + _REACH])[0]


def _unnamed(note: Note) -> Iterator[Figure]:
    for figure in note.figures:
        again = _UNNAMED.match(note.text, figure.end) if figure.kind in _READ_UNNAMED else None
        value = float(again[1]) if again else 0.0
        is_fit = value.is_integer() or figure.kind not in _WHOLE
        if again and is_fit and is_plausible(figure.kind, value):
            start, end = again.start(1), again.end()
            yield replace(figure, value=value, start=start, end=end, is_old=False)


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
    worst = min(scores, key=lambda one: one.value)
    last = max(scores, key=lambda one: one.start)
    if entered is Consciousness.ALERT and is_confused and worst.value == _CONFUSED_SCORE:
        return Told(Consciousness.CONFUSED, _words(note, worst))
    if any(goes_with(one.value, entered) for one in (worst, last)):
        return None
    state = state_of(worst.value, is_confused=is_confused)
    return Told(state or Consciousness.CONFUSED, _words(note, worst))


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
