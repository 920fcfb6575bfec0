"""Checks of entered values. Impossible values are errors, unusual values are warnings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from triage_site.cases.typed import written
from triage_site.triage.facts import CaseFacts
from triage_site.triage.vitals import VITAL_RANGES

MAX_TEXT_CHARACTERS = 10_000
MAX_LABEL_CHARACTERS = 60
COMPLAINT_REQUIRED = "Describe the complaint in a few words"
MAX_AGE_YEARS = 125
MAX_DECIMALS = 2  # of a temperature
USUAL_AGE_YEARS = 110
FAHRENHEIT = (80, 115)  # a temperature in this range is certainly not in Celsius


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    field: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`errors` prevent submission; values with `warnings` must be confirmed."""

    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]


def check_entry(facts: CaseFacts) -> Entry:
    return Entry(errors=tuple(_errors(facts)), warnings=tuple(_warnings(facts)))


def _errors(facts: CaseFacts) -> Iterator[Finding]:
    if not written(facts.text):
        yield Finding(field="text", reason=COMPLAINT_REQUIRED)
    if facts.age_years is not None and not 0 <= facts.age_years <= MAX_AGE_YEARS:
        yield Finding(field="age_years", reason=f"Age must be 0 to {MAX_AGE_YEARS} years")
    for name, limits in VITAL_RANGES.items():
        value = facts.value(name)
        if value is None:
            continue
        low, high = limits.hard
        if name == "temp_c" and FAHRENHEIT[0] <= value <= FAHRENHEIT[1]:
            yield Finding(
                field=name,
                reason=f"Temperature {value:g} looks like °F ({celsius(value):.1f} °C)",
            )
        elif not low <= value <= high:
            unit = "" if limits.unit == f"/{high:g}" else f" {limits.unit}"  # "/10" of a score
            yield Finding(field=name, reason=f"{limits.label} must be {low:g} to {high:g}{unit}")
        elif limits.whole and value != int(value):
            yield Finding(field=name, reason=f"{limits.label} must be a whole number")
        elif round(value, MAX_DECIMALS) != value:
            reason = f"{limits.label} must have at most {MAX_DECIMALS} decimals"
            yield Finding(field=name, reason=reason)
    sbp, dbp = facts.value("sbp_mmhg"), facts.value("dbp_mmhg")
    if sbp is not None and dbp is not None and dbp >= sbp:
        yield Finding(field="dbp_mmhg", reason="Diastolic pressure must be below systolic")


def _warnings(facts: CaseFacts) -> Iterator[Finding]:
    if facts.age_years is not None and facts.age_years > USUAL_AGE_YEARS:
        yield Finding(field="age_years", reason=f"Age is over {USUAL_AGE_YEARS} years")
    for name, limits in VITAL_RANGES.items():
        value = facts.value(name)
        if value is None:
            continue
        low, high = limits.usual
        if not low <= value <= high:
            yield Finding(
                field=name, reason=f"{limits.label} {value:g} {limits.unit} is very unusual"
            )
    if facts.value("spo2_percent") is not None and facts.on_oxygen is None:
        yield Finding(field="on_oxygen", reason="Select room air or oxygen for this saturation")


def celsius(fahrenheit: float) -> float:
    return (fahrenheit - 32) * 5 / 9
