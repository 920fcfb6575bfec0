"""The case page as values, and its live fragments: status panel, guidance, tokens."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import format_html

from scheduling import selectors as scheduling
from scheduling.core.guidance import HEADINGS
from scheduling.models import Job
from triage_site.cases import selectors
from triage_site.cases.case_history import history
from triage_site.cases.clinical import GUIDANCE_WORDS
from triage_site.cases.guidance_text import Section, sections
from triage_site.cases.highlight import highlighted
from triage_site.cases.levels import level_of, rough_seconds
from triage_site.cases.models import (
    Case,
    CaseEvent,
    CaseStatus,
)
from triage_site.cases.people import who
from triage_site.cases.queue_view import QueueView
from triage_site.cases.standing import standing_of
from triage_site.cases.vitals_shown import trend_rows, trend_svg, vital_rows
from triage_site.triage import PHRASE
from triage_site.triage.facts import ArrivalMode, CaseFacts
from triage_site.triage.length import predict_quantiles
from triage_site.triage.medicines import read_history


def render_case_panel(case_id: uuid.UUID, now: datetime) -> str:
    """HTML of what changes about a case: level, clock, status, place, reason of the order."""
    return render_to_string("cases/_panel.html", panel_context(case_id, now))


def panel_context(case_id: uuid.UUID, now: datetime) -> dict[str, Any]:
    case = Case.objects.select_related("seen_by").get(id=case_id)
    queue = QueueView.read(now)
    place = queue.places.get(str(case.id)) if case.status == CaseStatus.QUEUED else None
    num_workers = len(scheduling.workers())
    standing = standing_of(case, now, is_online=num_workers > 0)
    return {
        "case": case,
        "level": level_of(case.priority),
        "suggested": level_of(case.suggested_priority),
        "proposed": level_of(case.proposed_priority),
        "clock": standing.clock,
        "standing": standing,
        "guidance_words": GUIDANCE_WORDS[standing.guidance],
        "job_id": _newest_job_id(case),
        "now_epoch": round(now.timestamp(), 1),
        "who": who(case.case_facts),
        "place": place,
        "position_shown": 0 if place is None else place.position + 1,
        "why": queue.why(case, place),
        "starts": _seconds_words(None if place is None else place.starts_in_seconds),
        "ends": _seconds_words(None if place is None else place.ends_in_seconds),
        "num_workers": num_workers,
    }


def _newest_job_id(case: Case) -> str:
    newest = Job.objects.filter(case_id=case.id).order_by("created_at")
    return str(newest.values_list("id", flat=True).last() or "")


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
        "earlier": earlier_texts(case),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierText:
    """Guidance that the facts have left behind. `why` and `until`: what came, and when."""

    sections: list[Section]
    model: str
    written_at: datetime | None
    until: datetime | None
    why: str


def earlier_texts(case: Case) -> list[EarlierText]:
    """Newest first."""
    ends = {event.data.get("job"): event for event in case.events.filter(kind=CaseEvent.Kind.STALE)}
    texts = []
    for job in selectors.earlier_guidance(case):
        end = ends.get(str(job.id))
        texts.append(
            EarlierText(
                sections=sections(job.output),
                model=job.model_name,
                written_at=job.finished_at,
                until=end.at if end else None,
                why=str(end.data.get("why", "")) if end else "",
            )
        )
    return texts


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
    submitted = CaseFacts.from_dict(case.facts)
    happened, viewed = history(case)
    reasons = reasons_shown(said)
    injury = {True: "yes", False: "no", None: "not recorded"}[facts.injury]
    arrival = facts.arrival_mode.value.replace("_", " ")
    return {
        "case": case,
        # Whole clauses would leave nothing that stands out.
        "words": highlighted(submitted.text, [r for r in reasons if r["code"] != PHRASE]),
        "reasons": reasons,
        "vitals": vital_rows(facts),
        "news2": said.get("news2"),
        "level_set": level_set_words(said),
        "confidence": round(100 * said.get("confidence", 0)),
        "history": happened,
        "views": viewed,
        "notes": case.notes.select_related("author"),
        "trend": trend_rows(case),
        "trend_svg": trend_svg(case),
        "read": read_history(facts.text),
        "arrival": "not recorded" if facts.arrival_mode == ArrivalMode.UNKNOWN else arrival,
        "injury": injury,
    }


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
