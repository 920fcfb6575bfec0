"""The case page as values, and its live fragments: status panel, guidance, tokens."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.template.loader import render_to_string
from django.utils.html import format_html

from scheduling import selectors as scheduling
from scheduling.core.guidance import HEADINGS
from scheduling.models import Job
from triage_site.cases.guidance_text import sections
from triage_site.cases.highlight import highlighted
from triage_site.cases.levels import LEVELS, clock_of, clock_text, level_of, rough_seconds
from triage_site.cases.models import Case, CaseEvent, CaseStatus, OverrideReason
from triage_site.cases.people import who
from triage_site.cases.queue_view import QueueView
from triage_site.triage import PHRASE
from triage_site.triage.facts import UNMEASURABLE, ArrivalMode, CaseFacts, Consciousness
from triage_site.triage.length import predict_quantiles
from triage_site.triage.vitals import VITAL_RANGES, vital_band

_CONSCIOUSNESS: Final = {
    Consciousness.ALERT: "Alert",
    Consciousness.CONFUSED: "New confusion",
    Consciousness.VOICE: "Responds to voice",
    Consciousness.PAIN: "Responds to pain",
    Consciousness.UNRESPONSIVE: "Unresponsive",
    Consciousness.NOT_TAKEN: "",
}


def render_case_panel(case_id: uuid.UUID, now: datetime) -> str:
    """HTML of what changes about a case: level, clock, status, place, reason of the order."""
    return render_to_string("cases/_panel.html", panel_context(case_id, now))


def panel_context(case_id: uuid.UUID, now: datetime) -> dict[str, Any]:
    case = Case.objects.get(id=case_id)
    queue = QueueView.read(now)
    place = queue.places.get(str(case.id)) if case.status == CaseStatus.QUEUED else None
    end = case.ended_at if case.ended_at and not case.is_open else now
    return {
        "case": case,
        "level": level_of(case.priority),
        "suggested": level_of(case.suggested_priority),
        "clock": clock_of(case.arrived_at, case.priority, end),
        "now_epoch": round(now.timestamp(), 1),
        "who": who(case.case_facts),
        "place": place,
        "position_shown": 0 if place is None else place.position + 1,
        "why": queue.why(case, place),
        "starts": _seconds_words(None if place is None else place.starts_in_seconds),
        "ends": _seconds_words(None if place is None else place.ends_in_seconds),
        "num_workers": len(scheduling.workers()) if case.is_open else 0,
    }


def _seconds_words(seconds: float | None) -> str:
    return "" if seconds is None else rough_seconds(seconds)


def render_guidance(case_id: uuid.UUID) -> str:
    """HTML of the guidance, or of why there is none. Escaped; numbers were guarded before."""
    return render_to_string("cases/_guidance.html", guidance_context(case_id))


def guidance_context(case_id: uuid.UUID) -> dict[str, Any]:
    case = Case.objects.get(id=case_id)
    job = Job.objects.filter(case_id=case_id).order_by("created_at").defer("prompt").last()
    return {
        "case": case,
        "sections": sections(case.guidance),
        "headings": HEADINGS,
        "job": job,
        "length": _length_words(job) if case.is_open and job else "",
        "num_workers": len(scheduling.workers()),
    }


def _length_words(job: Job) -> str:
    """How long the guidance will probably be, by what its brief holds."""
    usual, rarely_more = predict_quantiles(job.prompt)
    return f"about {usual} tokens, in nine of ten cases at most {rarely_more}"


def render_token(text: str) -> str:
    """One piece of streamed text, escaped, in an element of its own."""
    return format_html('<span class="token">{}</span>', text)


def facts_context(case: Case) -> dict[str, Any]:
    """What is known of the case, and why its level is what it is."""
    facts, said = case.case_facts, case.classification
    happened, viewed = history(case)
    reasons = reasons_shown(said)
    injury = {True: "yes", False: "no", None: "not recorded"}[facts.injury]
    arrival = facts.arrival_mode.value.replace("_", " ")
    return {
        "case": case,
        # Whole clauses would leave nothing that stands out.
        "words": highlighted(facts.text, [r for r in reasons if r["code"] != PHRASE]),
        "reasons": reasons,
        "vitals": vital_rows(facts),
        "news2": said.get("news2"),
        "level_set": level_set_words(said),
        "confidence": round(100 * said.get("confidence", 0)),
        "history": happened,
        "views": viewed,
        "arrival": "not recorded" if facts.arrival_mode == ArrivalMode.UNKNOWN else arrival,
        "injury": injury,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalRow:
    """`text` is what was read; `absent` says which of the two kinds of absence it is."""

    label: str
    text: str = ""
    unit: str = ""
    absent: str = ""
    band: str = ""  # how far from usual for the age, in words


def vital_rows(facts: CaseFacts) -> list[VitalRow]:
    """All vital signs in NEWS2's order, taken or not."""
    rows = [_vital_row(facts, name) for name in VITAL_RANGES]
    oxygen = {True: "On oxygen", False: "Room air", None: ""}[facts.on_oxygen]
    rows.insert(2, _word_row("Air or oxygen", oxygen))
    alertness = _CONSCIOUSNESS[facts.consciousness]
    abnormal = facts.consciousness not in (Consciousness.ALERT, Consciousness.NOT_TAKEN)
    rows.append(_word_row("Consciousness", alertness, band="not alert" if abnormal else ""))
    return rows


def _word_row(label: str, text: str, band: str = "") -> VitalRow:
    return VitalRow(label=label, text=text, absent="" if text else "not taken", band=band)


def _vital_row(facts: CaseFacts, name: str) -> VitalRow:
    limits = VITAL_RANGES[name]
    value = facts.value(name)
    if value is None:
        failed = getattr(facts, name) == UNMEASURABLE
        return VitalRow(
            label=limits.label, absent="could not be measured" if failed else "not taken"
        )
    band = vital_band(
        name,
        value,
        age_years=facts.age_years,
        on_oxygen=bool(facts.on_oxygen),
        spo2_scale_2=facts.spo2_scale_2,
    )
    return VitalRow(label=limits.label, text=f"{value:g}", unit=limits.unit, band=band)


def reasons_shown(classification: dict[str, Any]) -> list[dict[str, Any]]:
    """The reasons as stored, with the size of a weight in words of levels."""
    return [
        {**reason, "weight_size": _levels_words(abs(reason.get("weight") or 0.0))}
        for reason in classification.get("reasons", [])
    ]


def _levels_words(size: float) -> str:
    return f"{size:.1f} of a level" if size < 0.95 else f"{size:.1f} levels"


def level_set_words(classification: dict[str, Any]) -> str:
    """ "2–3" where the classifier hesitates, empty where it does not."""
    levels = sorted(classification.get("level_set") or ())
    return f"{levels[0]}–{levels[-1]}" if len(levels) > 1 else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    at: datetime
    after: str  # time since arrival
    words: str
    detail: str
    actor: str


def history(case: Case) -> tuple[list[HistoryLine], list[HistoryLine]]:
    """What happened to the case, and who looked at it; oldest first."""
    happened: list[HistoryLine] = []
    viewed: list[HistoryLine] = []
    for event in case.events.select_related("actor"):
        lines = viewed if event.kind == CaseEvent.Kind.VIEWED else happened
        lines.append(_history_line(case, event))
    return happened, viewed


def _history_line(case: Case, event: CaseEvent) -> HistoryLine:
    return HistoryLine(
        at=event.at,
        after=clock_text(max(0.0, (event.at - case.arrived_at).total_seconds())),
        words=str(event.get_kind_display()).capitalize(),
        detail=_detail(event),
        actor=event.actor.get_username() if event.actor else "",
    )


def _detail(event: CaseEvent) -> str:
    data = event.data
    if event.kind == CaseEvent.Kind.OVERRIDDEN:
        reasons = dict(OverrideReason.choices)
        why = reasons.get(data.get("reason"), data.get("reason", ""))
        note = f": {data['note']}" if data.get("note") else ""
        return f"{_level_words(data.get('from'))} → {_level_words(data.get('to'))}. {why}{note}"
    if event.kind == CaseEvent.Kind.CLASSIFIED:
        return _level_words(data.get("priority"))
    if event.kind == CaseEvent.Kind.CLASSIFIER_FAILED:
        return f"{data.get('why', '')}; safe level {_level_words(data.get('priority'))}"
    if event.kind == CaseEvent.Kind.CANCELLED:
        return str(data.get("reason", ""))
    if event.kind == CaseEvent.Kind.VIEWED:
        return str(data.get("what", data.get("via", "")))
    if event.kind == CaseEvent.Kind.WITHHELD:
        return "it held a number that the case does not hold"
    return str(data.get("why", ""))


def _level_words(priority: int | None) -> str:
    return "no level" if priority is None else f"{priority} {LEVELS[priority].word}"
