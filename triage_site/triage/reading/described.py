"""What a note describes in words, against what was entered. Pure.

"Afebrile" beside 39.6, "tachycardic" beside 72, "normal observations" beside a pulse of 170,
"on 2 l of oxygen" beside air, and "no injury" beside an injury.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from triage_site.triage.age_bands import is_adult
from triage_site.triage.facts import CaseFacts
from triage_site.triage.reading.note import Note
from triage_site.triage.reading.terms import TermIndex
from triage_site.triage.reading.times import OF_OLD
from triage_site.triage.vitals import VITAL_RANGES

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
    ("pain_score", re.compile(
        r"\b(?:no pain at all|pain[- ]free|nil pain)\b(?! (?:at rest|on|in|when|with|over))", re.I),
     0.0, 3.0),
)  # fmt: skip
_ALL_USUAL: Final = re.compile(
    r"\b(?:(?:obs|observations|vitals?(?: signs)?)\b[ :=]*(?:are |is |all ){0,2}"
    r"(?:fine|ok|okay|normal|good|wnl|unremarkable)"
    r"|(?:normal|unremarkable) (?:obs|observations|vitals?(?: signs)?))\b"
    r"(?![^.;\n]{0,20}\b(?:apart|except|but|other than|bar)\b)", re.I,
)  # fmt: skip
_GIVEN_OXYGEN: Final = re.compile(
    r"(?<!not )\b(?:on|needs|needing|requir\w+) (?:\d{1,2} ?l\S* ?(?:of |via |by )?"
    r"(?:nasal|nc|mask|o2|oxygen|nrb|non[- ]?rebreath\w*|venturi|reservoir)|o2|oxygen|nrb)\b"
    r"(?! (?:level|sat))", re.I,
)  # fmt: skip
_ON_AIR: Final = re.compile(r"\bon (?:room )?air\b|\bon RA\b", re.I)
_OXYGEN: Final = re.compile(
    r"\b(?:o2|oxygen|\d{1,2} ?(?:l|lpm|litres?|liters?)|mask|nasal|nc|nrbm?|cpap|bipap|niv)\b", re.I
)
_NO_INJURY: Final = re.compile(
    r"\b(?:not injured|uninjured)\b"
    r"|\b(?:no|denies(?: any)?|without(?: any)?) (?:known |recent |preceding |history of |h/o )?"
    r"(?:injury|injuries|trauma)\b(?! (?:to|of|seen|visible|apparent|found|noted|elsewhere|in|on))",
    re.I,
)
_HURT: Final = re.compile(
    r"\b(?:fell|fall|fallen|hit|struck|crash\w*|collision|rt[ac]|mv[ac]|cut|wound|bite|bitten|burn\w*"
    r"|twist\w*|sprain\w*|fractur\w*|broke\w*|stab\w*|kick\w*|punch\w*|assault\w*|tripp\w*"
    r"|slip\w*|head|(?<!not )injured|accident)\b",
    re.I,
)
# Of a wound of another day, person or kind.
_ONCE: Final = re.compile(
    r"\b(?:old|previous\w*|years?|months?|weeks?|ago|healed|healing|suture\w*|stitch\w*|dressing"
    r"|review|check|removal|follow[- ]?up|infected|worried|afraid|lacerating|pains?|rabies)\b",
    re.I,
)
_PARTS: Final = ("hand", "finger", "thumb", "arm", "leg", "foot", "head", "face", "scalp", "knee")
_MUCH_OXYGEN: Final = 5.0  # litres a minute: nobody has so much at home
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
_NEAR: Final = 4  # words
_REACH: Final = 60  # characters around a value
_PART_ENDS: Final = re.compile(r"[,;()\n]|\.(?!\d)")
_EARLIER: Final = frozenset(
    {"was", "were", "been", "earlier", "initially", "home", "scene", "crew", "settled", "resolved"}
)


def described_otherwise(facts: CaseFacts, note: Note) -> list[str]:
    """The fields of the form that words of the note contradict."""
    usual = [*_called_usual(facts, note), *_all_called_usual(facts, note)]
    far = _called_far(facts, note)
    return [*usual, *far, *_on_oxygen(facts, note), *_injury(facts, note)]


def part_of(text: str, start: int, end: int) -> str:
    """The part of a sentence around some characters."""
    before = _PART_ENDS.split(text[max(0, start - _REACH) : start])[-1]
    return before + text[start:end] + _PART_ENDS.split(text[end : end + _REACH])[0]


def _called_usual(facts: CaseFacts, note: Note) -> list[str]:
    return [
        vital
        for vital, pattern, low, high in _CALLED_USUAL
        if (value := facts.value(vital)) is not None
        and not low <= value <= high
        and pattern.search(_words_since(facts, note, vital))
    ]


def _all_called_usual(facts: CaseFacts, note: Note) -> list[str]:
    """Which vital signs are very far from usual where all are called so; pain is none of them."""
    far = [v for v in VITAL_RANGES if v != "pain_score" and facts.band(v).startswith("very")]
    return [v for v in far if _says_now(_ALL_USUAL, _words_since(facts, note, v))]


def _on_oxygen(facts: CaseFacts, note: Note) -> list[str]:
    """Whether the note gives oxygen where air was entered, or air where oxygen was."""
    words = _words_since(facts, note, "on_oxygen")
    much = [one for one in note.figures if one.kind == "oxygen_litres" and not one.is_old]
    is_much = any(one.value >= _MUCH_OXYGEN and not one.is_of_other for one in much)
    given = facts.on_oxygen is False and (is_much or _says_now(_GIVEN_OXYGEN, words))
    on_air = facts.on_oxygen is True and _says_now(_ON_AIR, words) and not _OXYGEN.search(words)
    if on_air:  # a saturation that was measured on air may be of before the oxygen
        entered = facts.value("spo2_percent")
        measured = [one.value for one in note.figures if one.kind == "spo2_percent"]
        on_air = all(value == entered for value in measured)
    return ["on_oxygen"] if on_air or (given and not _OFF_OXYGEN.search(words)) else []


def _injury(facts: CaseFacts, note: Note) -> list[str]:
    """Whether the note denies an injury that was entered, or tells a wound where none was."""
    if facts.injury is True:
        denied = _NO_INJURY.search(note.chars) and not _HURT.search(note.chars)
        return ["injury"] if denied else []
    if facts.injury is None or _ONCE.search(note.chars):
        return []
    return ["injury"] if any(one.is_present for _, one in note.find(_wounds())) else []


@cache
def _wounds() -> TermIndex:
    bites = "dog/cat/human/animal bite/bit/bitten", "bite/bitten by [a/the/his/her] dog/cat"
    cuts = "stab/stabbed", "stab wound*", "gunshot", "lacerat*", "cut to [the/his/her] @part"
    return TermIndex([*bites, *cuts], {"part": _PARTS})


def _words_since(facts: CaseFacts, note: Note, vital: str) -> str:
    """The words that are not older than what was measured again on the page."""
    since = facts.older_words(vital)
    return note.text[since:] if since else note.chars


def _says_now(words: re.Pattern[str], text: str) -> bool:
    """And not of another day, place or time."""
    parts = [part_of(text, *found.span()) for found in words.finditer(text)]
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
        is_now = is_now and note.words[mention.first].start >= facts.older_words(vital)
        if is_now and value is not None and low <= value <= high:
            found.append(vital)
    return list(dict.fromkeys(found))


@cache
def _far_words() -> TermIndex:
    """Built at the first note, because it reads the dictionary."""
    return TermIndex([words for _, words, _, _ in _CALLED_FAR], {})
