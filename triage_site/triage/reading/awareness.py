"""How awake a note says that the patient is, and whether the form says another thing. Pure.

Scores and letters (GCS, AVPU, Blantyre, FOUR, RLS) are read as a Glasgow score (`conversions`).
Each state of the form goes with a range of it; a score outside of that range tells another state.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from triage_site.triage.facts import Consciousness

_ORDER: Final = tuple(Consciousness)  # from alert to unresponsive
# With how many points somebody may be called so. 14 may be how somebody always is.
_GOES_WITH: Final = {
    Consciousness.ALERT: (14, 15),
    Consciousness.CONFUSED: (12, 14),
    Consciousness.VOICE: (9, 14),
    Consciousness.PAIN: (4, 10),
    Consciousness.UNRESPONSIVE: (3, 6),
}
_ALERT, _CONFUSED, _VOICE, _PAIN = 15, 14, 9, 5  # the least score of each state
_AWAKE: Final = re.compile(
    r"\b(?:(?:alert|awake|orient(?:at)?ed)(?: and|,| &|/) ?(?:alert|awake|orient(?:at)?ed|chat\w*"
    r"|talk\w*|well|comfortable|playing|smiling|walking)"
    r"|(?:(?:is|now|fully|wide) )?(?:awake|(?<!pre-)(?<!pre )(?<!medic )(?<!stroke )(?<!trauma )"
    r"(?<!sepsis )(?<!red )alert(?! (?:call|bracelet|button|card|system|fired|to)\b))"
    r"|a ?& ?o ?x ?[34]|(?:is|sitting up|sat up|now|walking and|playing and|,) (?:chatting|talking)"
    r"|(?:talks?|talking|speaks?|speaking) in (?:full|whole|complete) sentences)\b",
    re.IGNORECASE,
)
# Where one of these stands in the note, words for awake may be of another time or person.
_NOT_AWAKE: Final = re.compile(
    r"\b(?:un(?:responsive|conscious|rous\w+)|coma\w*|collaps\w*|drows\w*"
    r"|not (?:alert|awake|respond|rousable)\w*|was|were|had been|usually|normally|until|before"
    r"|earlier|previously|then|later"
    r"|respon\w+ (?:only )?to|(?:hard|difficult) to (?:wake|rouse)|no longer|less|became|mother"
    r"|mum|mom|father|dad|wife|husband|other|driver|passenger)\b",
    re.IGNORECASE,
)

_AWAKE_NOW: Final = re.compile(
    r"\bnow (?:is |he is |she is |fully |wide )?(?P<state>alert|awake|orient\w+|talking"
    r"|chatting)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Told:
    """The state that a note tells, with its words for it."""

    state: Consciousness
    words: str


def state_of(score: float, *, is_confused: bool) -> Consciousness | None:
    """Of a Glasgow score; None of 14 unless newly confused: it may be how somebody always is."""
    if score >= _ALERT:
        return Consciousness.ALERT
    if score >= _CONFUSED:
        return Consciousness.CONFUSED if is_confused else None
    if score >= _VOICE:
        return Consciousness.VOICE
    return Consciousness.PAIN if score >= _PAIN else Consciousness.UNRESPONSIVE


def goes_with(score: float, entered: Consciousness) -> bool:
    """Whether somebody with this score may be called as entered."""
    low, high = _GOES_WITH.get(entered, (0, 15))
    return low <= score <= high


def is_worse(state: Consciousness, other: Consciousness) -> bool:
    return _ORDER.index(state) > _ORDER.index(other)


def awake_words(text: str) -> str:
    """The words that call the patient awake, where nothing beside them speaks of another state."""
    found = _AWAKE.search(text)
    return found.group() if found and not _NOT_AWAKE.search(text) else ""


def is_awake_after(text: str, words: str) -> bool:
    """Whether a note tells these words of another state and then that the patient is awake now."""
    return awake_now(text, text.find(words) + len(words)) is not None


def awake_now(text: str, place: int) -> tuple[int, int] | None:
    """Where a note says behind a character, as the last thing that it says of it, that the patient
    is awake now: "alert" of "drowsy earlier, now alert"."""
    found = [*_AWAKE_NOW.finditer(text, place)]
    if not found or _NOT_AWAKE.search(text, found[-1].end()):
        return None
    return found[-1].span("state")
