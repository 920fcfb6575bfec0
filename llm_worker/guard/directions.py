"""Direction words (fast, slow, fever, normal) against the bands of the vital signs. Pure.

A claim is a fault where the brief has the opposite. Where the vital sign is usual, or was not
taken, it is a fault only as a plain statement ("the fast heart rate"): causes, warnings and
what somebody said are not claims.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from llm_worker.guard.answer import Answer, is_cautious
from scheduling.core.brief import Brief, Reading

HIGH, LOW, USUAL = "high", "low", ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Vital:
    """The label in the brief, names of the vital sign, and phrases for each direction."""

    labels: tuple[str, ...]
    names: str
    high: str
    low: str


_UP: Final = "(?:very )?(?:fast|rapid|racing|high|raised|elevated|increased)"
_DOWN: Final = "(?:very )?(?:slow|low|reduced|decreased|falling)"
_VITALS: Final = (
    _Vital(
        labels=("Heart rate",),
        names=r"heart(?: rate)?|heartbeat|pulse(?: rate)?|hr",
        high=r"tachycardi\w*",
        low=r"bradycardi\w*",
    ),
    _Vital(
        labels=("Respiratory rate",),
        names=r"breathing(?: rate)?|respiratory rate|respirations?|rr",
        high=r"tachypn\w*",
        low=r"bradypn\w*",
    ),
    _Vital(
        labels=("Temperature",),
        names=r"(?:body )?temperature|temp",
        high=r"fever(?:ish)?|febrile|pyrexi\w*|hypertherm\w*",
        low=r"hypotherm\w*",
    ),
    _Vital(
        labels=("Blood pressure", "Systolic blood pressure"),
        names=r"(?:systolic )?blood pressure|bp",
        high=r"hypertensive",
        low=r"hypotens\w*",
    ),
    _Vital(
        labels=("Oxygen saturation",),
        names=r"(?:oxygen )?saturations?|spo2|sats|oxygen level",
        high=r"(?!)",
        low=r"hypox\w*|desaturat\w*",
    ),
)
_NOT: Final = re.compile(r"\b(?:no|not|without|denies|never|nor|isn't)\W+(?:\w+\W+){0,1}$")
_DEFINITE: Final = re.compile(r"\b(?:the|this|is|has|remains|with)\s+(?:\w+\s+)?$")
_TOLD: Final = re.compile(
    r"\b(?:ask|report\w*|says?|said|told|feels?|felt|history|known|earlier|before|previous\w*)\b"
)
_IF: Final = re.compile(r"\b(?:if|should|unless|in case|becom\w+|develop\w*)\b")
_TAUGHT: Final = re.compile(r"slow breathing (?:together|exercises?)\b")  # as a help
_MARK: Final = (
    r"\W{1,3}(?:(?:is|was|of|at)\W)?\d[\d./]*[^,.;()\n]{0,30}\(((?:very )?(?:low|high))\)"
)


def contradicts_directions(answer: Answer) -> bool:
    """Whether the text says high, low or usual of a vital sign that is not so."""
    readings = {reading.label: reading for reading in answer.brief.readings}
    pain = readings.get("Pain")
    if pain is not None and (_wrong_mark(answer.own, "pain", pain) or _denies_pain(answer, pain)):
        return True
    return any(_is_contradicted(answer, vital, readings) for vital in _VITALS)


def _is_contradicted(answer: Answer, vital: _Vital, readings: Mapping[str, Reading]) -> bool:
    reading = next((readings[label] for label in vital.labels if label in readings), None)
    if reading is not None and _wrong_mark(answer.own, vital.names, reading):
        return True
    return any(
        _is_wrong(sentence, start, said, reading, answer.brief)
        for sentence in answer.claims
        for start, said in _said(sentence, vital)
    )


def _wrong_mark(own: str, names: str, reading: Reading) -> bool:
    """`heart rate 44 /min (high)` where the brief has `(low)`."""
    marks = re.findall(rf"\b(?:{names}){_MARK}", own)
    return any(mark not in reading.bands for mark in marks)


def _said(sentence: str, vital: _Vital) -> Iterator[tuple[int, str]]:
    """Where the sentence says something of the direction, and which it says."""
    names = rf"(?:{vital.names})"
    verb = r"(?:\s+(?:is|was|remains|looks|seems))?\s+"
    for words, said, noun in ((_UP, HIGH, vital.high), (_DOWN, LOW, vital.low)):
        pattern = rf"\b(?:{noun})\b|\b{words}\s+{names}\b|\b{names}{verb}{words}\b(?!\W*\d)"
        for match in re.finditer(pattern, sentence):
            if not _TAUGHT.match(sentence, match.start()):
                yield match.start(), said
    for match in re.finditer(rf"\bnormal\s+{names}\b|\b{names}{verb}normal\b", sentence):
        yield match.start(), USUAL
    if "Temperature" in vital.labels:
        for match in re.finditer(r"\bafebrile\b", sentence):
            yield match.start(), USUAL


def _is_wrong(sentence: str, start: int, said: str, reading: Reading | None, brief: Brief) -> bool:
    before = sentence[:start]
    band = "" if reading is None else reading.band.removeprefix("very ")
    if _NOT.search(before):
        return said != USUAL and band == said
    if said == USUAL:
        return band != USUAL and not is_cautious(sentence)
    is_none = reading is not None and bool(reading.absent)  # which is not slow
    if (band == said and not is_none) or _IF.search(sentence):
        return False
    is_definite = _DEFINITE.search(before) is not None
    if band:  # the opposite
        return is_definite or not is_cautious(sentence)
    if reading is None and _stands_in(brief, sentence[start:]):
        return False
    return is_definite and not _TOLD.search(before)


def _stands_in(brief: Brief, phrase: str) -> bool:
    """Whether words, complaint or danger signs use the first word of the phrase."""
    first = phrase.split()[0].strip(".,;")
    told = f"{brief.words} {brief.line('Complaint')} {' '.join(brief.danger_signs)}".lower()
    return first[:5] in told


def _denies_pain(answer: Answer, pain: Reading) -> bool:
    if not pain.band:
        return False
    denied = re.compile(r"\b(?:no pain\b(?! relief)|pain[- ]free|without pain|painless)")
    return any(denied.search(each) and not is_cautious(each) for each in answer.claims)
