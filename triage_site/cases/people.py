"""A patient in a few words: "71 F", "5 mo M", "age unknown"."""

from __future__ import annotations

from triage_site.triage.facts import CaseFacts, Sex

_SEX = {Sex.FEMALE: "F", Sex.MALE: "M", Sex.OTHER: "X", Sex.UNKNOWN: ""}
_DAYS_PER_YEAR = 365.25


def who(facts: CaseFacts) -> str:
    return f"{age(facts.age_years)} {_SEX[facts.sex]}".strip()


def age(years: float | None) -> str:
    """Days under a month, months under two years, else whole years."""
    if years is None:
        return "age ?"
    if years < 1 / 12:
        return f"{round(years * _DAYS_PER_YEAR)} d"
    if years < 2:
        return f"{round(years * 12)} mo"
    return f"{int(years)}"
