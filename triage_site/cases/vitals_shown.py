"""Vital signs for the pages: the newest of each, and the trend."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.utils import timezone
from django.utils.safestring import SafeString

from triage_site.cases import selectors
from triage_site.cases.levels import clock_text
from triage_site.cases.models import Case
from triage_site.cases.patient import CONSCIOUSNESS_LABELS, OXYGEN_LABELS
from triage_site.cases.readings import DIASTOLIC
from triage_site.cases.told_facts import measured_told
from triage_site.cases.trend import Point, news2_svg
from triage_site.triage.facts import NOT_TAKEN, UNMEASURABLE, CaseFacts, Consciousness
from triage_site.triage.reading.measured import Measured
from triage_site.triage.vitals import VITAL_RANGES

NOT_THIS_TIME: Final = "not measured this time"  # the last one was of another measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendRow:
    """One time at which vital signs were taken: a cell for each vital sign, "" where none."""

    at: datetime
    after: str
    by: str
    cells: list[str]
    news2: int | None
    complete: bool


def trend_rows(case: Case) -> list[TrendRow]:
    """Newest first; empty while there is only one."""
    taken = selectors.vitals_over_time(case)
    rows = [
        TrendRow(
            at=one.taken_at,
            after=clock_text(max(0.0, (one.taken_at - case.arrived_at).total_seconds())),
            by=one.taken_by,
            cells=[_cell(one.readings.get(name)) for name in VITAL_RANGES],
            news2=one.news2,
            complete=one.news2_complete,
        )
        for one in taken
    ]
    return rows[::-1] if len(rows) > 1 else []


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return "unable" if value == UNMEASURABLE else f"{value:g}"


def trend_svg(case: Case) -> SafeString:
    points = [
        Point(
            minutes=(one.taken_at - case.arrived_at).total_seconds() / 60,
            score=one.news2,
            at=f"{timezone.localtime(one.taken_at):%H:%M}",
        )
        for one in selectors.vitals_over_time(case)
        if one.news2 is not None
    ]
    return news2_svg(points)


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalRow:
    """`text` is the reading; `absent` is the reason why there is none. `told`: the words have the
    reading, and nothing was entered. `differs`: what the words say instead of what was entered."""

    label: str
    text: str = ""
    unit: str = ""
    absent: str = ""
    band: str = ""  # deviation from the usual range of the age, such as "very high"
    told: bool = False
    differs: str = ""


def vital_rows(facts: CaseFacts) -> list[VitalRow]:
    """Returns all vital signs in the order of NEWS2, also those that were not taken. What was not
    entered is read from the words."""
    measured = measured_told(facts)
    told = measured.facts
    rows = [
        replace(
            _vital_row(told, name, told=facts.value(name) is None), differs=_differs(measured, name)
        )
        for name in VITAL_RANGES
    ]
    if told.dbp_mmhg == NOT_TAKEN and dict(facts.words_before).keys() >= {DIASTOLIC}:
        at = list(VITAL_RANGES).index(DIASTOLIC)
        rows[at] = replace(rows[at], absent=NOT_THIS_TIME)
    oxygen = OXYGEN_LABELS.get(told.on_oxygen, "")
    row = _word_row("Air or oxygen", oxygen, told=facts.on_oxygen is None)
    rows.insert(2, replace(row, differs=_differs(measured, "on_oxygen")))
    alertness = CONSCIOUSNESS_LABELS.get(told.consciousness, "")
    abnormal = told.consciousness not in (Consciousness.ALERT, Consciousness.NOT_TAKEN)
    rows.append(
        _word_row(
            "Consciousness",
            alertness,
            band="not alert" if abnormal else "",
            told=facts.consciousness is Consciousness.NOT_TAKEN,
        )
    )
    rows[-1] = replace(rows[-1], differs=_differs(measured, "consciousness"))
    return rows


def _differs(measured: Measured, name: str) -> str:
    if name in measured.impossible:
        return f"the note: {measured.impossible[name]}, cannot be right"
    if name not in measured.contradicted:
        return _earlier(measured, name)
    if name == "consciousness" and measured.told is not None:
        return f"the note: {measured.told.words}"
    noted = measured.noted.get(name)
    return "differs from the note" if noted is None else f"the note: {noted:g}"


def _earlier(measured: Measured, name: str) -> str:
    """What the note tells of earlier, where that is another value."""
    if name == "consciousness" and measured.was is not None:
        return f"the note, earlier: {measured.was.words}"
    past = measured.earlier_value(name) if name in VITAL_RANGES else None
    return "" if past is None else f"the note, earlier: {past:g}"


def _word_row(label: str, text: str, band: str = "", *, told: bool = False) -> VitalRow:
    absent = "" if text else "not taken"
    return VitalRow(label=label, text=text, absent=absent, band=band, told=told and bool(text))


def _vital_row(facts: CaseFacts, name: str, *, told: bool = False) -> VitalRow:
    limits = VITAL_RANGES[name]
    value = facts.value(name)
    if value is None:
        failed = getattr(facts, name) == UNMEASURABLE
        return VitalRow(
            label=limits.label, absent="could not be measured" if failed else "not taken"
        )
    band = facts.band(name)
    return VitalRow(label=limits.label, text=f"{value:g}", unit=limits.unit, band=band, told=told)
