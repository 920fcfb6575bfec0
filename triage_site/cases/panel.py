"""The case page as values, and its HTML fragments: status panel, guidance, tokens."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.html import format_html

from scheduling import selectors as scheduling
from scheduling.core.guidance import HEADINGS
from scheduling.models import Job
from scheduling.simulator.forecast import Estimate
from triage_site.cases.guidance_text import sections
from triage_site.cases.highlight import highlighted
from triage_site.cases.levels import LEVELS, clock_of, clock_text, level_of, rough_range
from triage_site.cases.models import Case, CaseEvent, CaseStatus, OverrideReason
from triage_site.cases.patient import ARRIVAL_LABELS, CONSCIOUSNESS_LABELS, patient_summary
from triage_site.cases.queue_view import QueueView
from triage_site.triage import PHRASE, news2
from triage_site.triage.facts import UNMEASURABLE, CaseFacts, Consciousness
from triage_site.triage.length import predict_quantiles
from triage_site.triage.vitals import VITAL_RANGES, vital_band

# Names of finish reasons of the worker's guard -> why the text is withheld.
_WITHHELD_WORDS: Final = {
    "looping": "The model repeated itself.",
    "withheld": "The text contained a number that is not in the facts of this case.",
}


def render_case_panel(case_id: uuid.UUID, now: datetime, queue: QueueView | None = None) -> str:
    """Returns the HTML of level, clock, status, position and the reason for the position."""
    return render_to_string("cases/_panel.html", panel_context(case_id, now, queue))


def panel_context(
    case_id: uuid.UUID, now: datetime, queue: QueueView | None = None
) -> dict[str, Any]:
    case = Case.objects.get(id=case_id)
    queue = queue or QueueView.read(now)
    place = queue.places.get(str(case.id)) if case.status == CaseStatus.QUEUED else None
    end = case.ended_at if case.ended_at and not case.is_open else now
    return {
        "case": case,
        "level": level_of(case.priority),
        "suggested": level_of(case.suggested_priority),
        "clock": clock_of(case.arrived_at, case.priority, end),
        "now_epoch": round(now.timestamp(), 1),
        "patient": patient_summary(case.case_facts),
        "place": place,
        "position_shown": 0 if place is None else place.position + 1,
        "reason": queue.reason(case, place),
        **_times(queue.estimates.get(str(case.id))),
        "hits": scheduling.forecast_hits(now) if case.is_open else None,
        "num_workers": len(scheduling.workers()) if case.is_open else 0,
    }


def _times(estimate: Estimate | None) -> dict[str, str]:
    """Returns the ranges of start and end as text, empty where they are not known."""
    if estimate is None:
        return {"starts": "", "ends": ""}
    return {
        "starts": rough_range(estimate.starts.low, estimate.starts.high),
        "ends": rough_range(estimate.ends.low, estimate.ends.high),
    }


def render_guidance(case_id: uuid.UUID) -> str:
    """Returns the HTML of the guidance or of the reason for its absence. All text is escaped."""
    return render_to_string("cases/_guidance.html", guidance_context(case_id))


def guidance_context(case_id: uuid.UUID) -> dict[str, Any]:
    case = Case.objects.get(id=case_id)
    job = Job.objects.filter(case_id=case_id).order_by("created_at").defer("prompt").last()
    return {
        "case": case,
        "sections": sections(case.guidance),
        "headings": HEADINGS,
        "job": job,
        "withheld_reason": _WITHHELD_WORDS.get(job.finish_reason, "") if job else "",
        "model_name": model_label(case.guidance_model),
        "length": _length_text(job) if case.is_open and job else "",
        "num_workers": len(scheduling.workers()),
    }


def model_label(model_name: str) -> str:
    """Returns the name of a language model for the pages."""
    if model_name == settings.EMBEDDED_LLM.name:
        return "the demo model"
    return model_name or "a language model"


def _length_text(job: Job) -> str:
    """Returns the predicted length of the guidance: median and 90th percentile in tokens."""
    median, percentile_90 = predict_quantiles(job.prompt)
    return f"about {median} tokens, in nine of ten cases at most {percentile_90}"


def render_token(text: str) -> str:
    """Returns one piece of streamed text, escaped, in its own element."""
    return format_html('<span class="token">{}</span>', text)


def facts_context(case: Case) -> dict[str, Any]:
    """Returns the facts of the case, the reasons for its level, and its history."""
    facts, classification = case.case_facts, case.classification
    changes, views = history(case)
    reasons = reasons_shown(classification)
    return {
        "case": case,
        # Phrases are not marked: marks on whole clauses would hide the important words.
        "words": highlighted(facts.text, [r for r in reasons if r["code"] != PHRASE]),
        "reasons": reasons,
        "vitals": vital_rows(facts),
        "news2": classification.get("news2"),
        "news2_absent": news2_absent_reason(facts),
        "level_set": level_set_text(classification),
        "confidence": round(100 * classification.get("confidence", 0)),
        "history": changes,
        "views": views,
        "arrival": ARRIVAL_LABELS.get(facts.arrival_mode, "Not recorded"),
        "injury": {True: "Yes", False: "No", None: "Not recorded"}[facts.injury],
    }


def news2_absent_reason(facts: CaseFacts) -> str:
    """Returns why there is no NEWS2 score."""
    return "no vital sign measured" if news2.applies(facts) else "not used under 16 years"


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalRow:
    """`text` is the reading; `absent` is the reason why there is none."""

    label: str
    text: str = ""
    unit: str = ""
    absent: str = ""
    band: str = ""  # deviation from the usual range of the age, such as "very high"


def vital_rows(facts: CaseFacts) -> list[VitalRow]:
    """Returns all vital signs in the order of NEWS2, also those that were not taken."""
    rows = [_vital_row(facts, name) for name in VITAL_RANGES]
    oxygen = {True: "On oxygen", False: "Room air", None: ""}[facts.on_oxygen]
    rows.insert(2, _word_row("Air or oxygen", oxygen))
    alertness = CONSCIOUSNESS_LABELS.get(facts.consciousness, "")
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
    """Returns the stored reasons, with the size of a weight as a number of levels in words."""
    return [
        {**reason, "weight_size": _weight_text(abs(reason.get("weight") or 0.0))}
        for reason in classification.get("reasons", [])
    ]


def _weight_text(size: float) -> str:
    return f"{size:.1f} of a level" if size < 0.95 else f"{size:.1f} levels"


def level_set_text(classification: dict[str, Any]) -> str:
    """Returns "2–3" for a level set of several levels, else an empty string."""
    levels = sorted(classification.get("level_set") or ())
    return f"{levels[0]}–{levels[-1]}" if len(levels) > 1 else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    at: datetime
    after: str  # time since arrival
    event: str
    detail: str
    actor: str


def history(case: Case) -> tuple[list[HistoryLine], list[HistoryLine]]:
    """Returns the changes of the case and its views, each oldest first."""
    changes: list[HistoryLine] = []
    views: list[HistoryLine] = []
    for event in case.events.select_related("actor"):
        lines = views if event.kind == CaseEvent.Kind.VIEWED else changes
        lines.append(_history_line(case, event))
    return changes, views


def _history_line(case: Case, event: CaseEvent) -> HistoryLine:
    return HistoryLine(
        at=event.at,
        after=clock_text(max(0.0, (event.at - case.arrived_at).total_seconds())),
        event=str(event.get_kind_display()).capitalize(),
        detail=_detail(event),
        actor=event.actor.get_username() if event.actor else "",
    )


def _detail(event: CaseEvent) -> str:
    data = event.data
    if event.kind == CaseEvent.Kind.OVERRIDDEN:
        reasons = dict(OverrideReason.choices)
        why = reasons.get(data.get("reason"), data.get("reason", ""))
        note = f": {data['note']}" if data.get("note") else ""
        return f"{_level_text(data.get('from'))} → {_level_text(data.get('to'))}. {why}{note}"
    if event.kind == CaseEvent.Kind.CLASSIFIED:
        return _level_text(data.get("priority"))
    if event.kind == CaseEvent.Kind.CLASSIFIER_FAILED:
        return f"{data.get('why', '')}; safe level {_level_text(data.get('priority'))}"
    if event.kind == CaseEvent.Kind.CANCELLED:
        return str(data.get("reason", ""))
    if event.kind == CaseEvent.Kind.VIEWED:
        return str(data.get("what", data.get("via", "")))
    if event.kind == CaseEvent.Kind.WITHHELD:
        return _WITHHELD_WORDS.get(data.get("why", ""), "")
    return str(data.get("why", ""))


def _level_text(priority: int | None) -> str:
    return "no level" if priority is None else f"{priority} {LEVELS[priority].word}"
