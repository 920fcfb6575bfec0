"""What the form and the note say differently, in words for people. Pure."""

from __future__ import annotations

from typing import Final

from triage_site.triage.facts import CaseFacts, Consciousness
from triage_site.triage.reading.measured import LIKE_A_PULSE, Measured
from triage_site.triage.vitals import VITAL_RANGES

_OTHER: Final = {
    "age_years": "the note tells another age than was entered",
    "sex": "the note tells another sex than was entered",
    LIKE_A_PULSE: "the respiratory rate looks like a heart rate: the two may be exchanged",
    "on_oxygen": "air was entered, and the note tells of oxygen",
}


STATE_WORDS: Final = {
    Consciousness.ALERT: "alert",
    Consciousness.CONFUSED: "newly confused",
    Consciousness.VOICE: "responds to voice only",
    Consciousness.PAIN: "responds to pain only",
    Consciousness.UNRESPONSIVE: "unresponsive",
}


def disagreements(measured: Measured, facts: CaseFacts) -> dict[str, str]:
    """For each field of the form (`facts`) that the note contradicts, what both say."""
    return {name: _words(name, measured, facts) for name in measured.contradicted}


def _words(name: str, measured: Measured, facts: CaseFacts) -> str:
    if name == "consciousness":
        return state_words(facts, f"'{measured.told.words}'" if measured.told else "")
    limits = VITAL_RANGES.get(name)
    if limits is None:
        return _OTHER[name]
    noted = measured.noted.get(name)
    told = "the note tells another" if noted is None else f"the note tells {noted:g}"
    return f"{limits.label.lower()}: {facts.value(name):g} {limits.unit} was entered, {told}"


def state_words(entered: CaseFacts, told: str = "") -> str:
    """What was entered as the consciousness, and what the note tells instead."""
    if entered.consciousness is Consciousness.NOT_TAKEN:
        return "consciousness: the note tells two states"
    named = STATE_WORDS[entered.consciousness]
    return f"consciousness: {named} was entered, the note tells {told or 'another state'}"
