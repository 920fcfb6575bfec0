"""Words for the facts of a patient, such as "71 y F"."""

from __future__ import annotations

from typing import Final

from triage_site.triage.facts import ArrivalMode, CaseFacts, Consciousness, Sex

ARRIVAL_LABELS: Final = {
    ArrivalMode.WALKING: "Walked in",
    ArrivalMode.AMBULANCE: "Ambulance",
    ArrivalMode.PRIVATE_VEHICLE: "Private vehicle",
    ArrivalMode.PRIVATE_AMBULANCE: "Private ambulance",
    ArrivalMode.CALL: "Emergency call, not here yet",
    ArrivalMode.OTHER: "Other",
}
CONSCIOUSNESS_LABELS: Final = {
    Consciousness.ALERT: "Alert",
    Consciousness.CONFUSED: "New confusion",
    Consciousness.VOICE: "Responds to voice",
    Consciousness.PAIN: "Responds to pain",
    Consciousness.UNRESPONSIVE: "Unresponsive",
}
OXYGEN_LABELS: Final[dict[bool | None, str]] = {True: "On oxygen", False: "Room air"}
_SEX_LETTERS: Final = {Sex.FEMALE: "F", Sex.MALE: "M", Sex.OTHER: "X", Sex.UNKNOWN: ""}
_DAYS_PER_YEAR: Final = 365.25


def patient_summary(facts: CaseFacts) -> str:
    """Returns age and sex: "71 y F", "5 mo M", "Age unknown"."""
    separator = " " if facts.age_years is not None else ", "
    parts = (age_text(facts.age_years), _SEX_LETTERS[facts.sex])
    return separator.join(filter(None, parts))


def age_text(years: float | None) -> str:
    """Uses days below four weeks, weeks below three months, months below two years, years."""
    if years is None:
        return "Age unknown"
    days = years * _DAYS_PER_YEAR
    if round(days) < 28:
        return f"{round(days)} d"
    if years < 0.25:
        return f"{round(days / 7)} wk"
    if years < 2:
        return f"{round(years * 12)} mo"
    return f"{int(years)} y"
