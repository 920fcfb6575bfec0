"""What the form and the note say differently, in words for people. Pure."""

from __future__ import annotations

from typing import Final

from triage_site.triage.facts import CaseFacts, Consciousness
from triage_site.triage.reading.measured import LIKE_A_PULSE, Measured
from triage_site.triage.vitals import VITAL_RANGES

_CANNOT_BE: Final = " cannot be"  # behind the name of a vital sign
_OTHER: Final = {
    "age_years": "the note tells another age than was entered",
    "sex": "the note tells another sex than was entered",
    LIKE_A_PULSE: "the respiratory rate looks like a heart rate: the two may be exchanged",
}
# By whether it was entered.
_EITHER: Final = {
    "on_oxygen": {
        False: "air was entered, and the note tells of oxygen",
        True: "oxygen was entered, and the note tells of air",
    },
    "injury": {
        False: "no injury was entered, and the note tells of one",
        True: "an injury was entered, and the note tells of none",
    },
}
STATE_WORDS: Final = {
    Consciousness.ALERT: "alert",
    Consciousness.CONFUSED: "newly confused",
    Consciousness.VOICE: "responds to voice only",
    Consciousness.PAIN: "responds to pain only",
    Consciousness.UNRESPONSIVE: "unresponsive",
}


def disagreements(measured: Measured, facts: CaseFacts) -> dict[str, str]:
    """For each field of the form (`facts`) that the note contradicts, what both say, and for each
    vital sign of the note that cannot be right, that it is so."""
    told = {name: _words(name, measured, facts) for name in measured.contradicted}
    wrong = {
        f"{name}{_CANNOT_BE}": f"{told_wrong(words)}: measure"
        for name, words in measured.impossible.items()
    }
    return told | wrong


def other_words(name: str, facts: CaseFacts) -> str:
    """What both say of something that is no vital sign with a number; empty of such a one."""
    if name in _EITHER:
        return _EITHER[name][getattr(facts, name)]
    return _OTHER.get(name, "")


def told_wrong(words: str) -> str:
    return f"the note's '{words}' cannot be right"


def _words(name: str, measured: Measured, facts: CaseFacts) -> str:
    if name == "consciousness":
        return state_words(facts, f"'{measured.told.words}'" if measured.told else "")
    limits = VITAL_RANGES.get(name)
    if limits is None:
        return other_words(name, facts)
    noted = measured.noted.get(name)
    told = "the note tells another" if noted is None else f"the note tells {noted:g}"
    return f"{limits.label.lower()}: {facts.value(name):g} {limits.unit} was entered, {told}"


def state_words(entered: CaseFacts, told: str = "") -> str:
    """What was entered as the consciousness, and what the note tells instead."""
    if entered.consciousness is Consciousness.NOT_TAKEN:
        return "consciousness: the note tells two states"
    named = STATE_WORDS[entered.consciousness]
    return f"consciousness: {named} was entered, the note tells {told or 'another state'}"
