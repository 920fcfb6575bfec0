"""The case page as values, and its HTML fragments: status panel, guidance, tokens."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.html import format_html

from scheduling import selectors as scheduling
from scheduling.core.guidance import HEADINGS, WITHHELD_WORDS
from scheduling.models import Job
from scheduling.simulator.forecast import Estimate
from triage_site.cases import selectors
from triage_site.cases.case_history import history
from triage_site.cases.case_words import patient_doubt, patient_words
from triage_site.cases.clinical import GUIDANCE_WORDS
from triage_site.cases.departments import has_several
from triage_site.cases.guidance_text import Section, sections
from triage_site.cases.highlight import highlighted
from triage_site.cases.level_story import level_story
from triage_site.cases.levels import level_of, rough_range
from triage_site.cases.models import Case, CaseEvent, CaseStatus
from triage_site.cases.patient import ARRIVAL_LABELS
from triage_site.cases.place_words import moved_words, place_sentence
from triage_site.cases.queue_view import CaseInQueue, QueueView
from triage_site.cases.reason_words import reasons_shown
from triage_site.cases.standing import standing_of
from triage_site.cases.vitals_shown import trend_rows, trend_svg, vital_rows
from triage_site.triage import PHRASE, news2
from triage_site.triage.brief import MAX_DANGER_SIGNS
from triage_site.triage.facts import CaseFacts
from triage_site.triage.history.medicines import read_history
from triage_site.triage.length import predict_quantiles


def render_case_panel(case_id: uuid.UUID, now: datetime, queue: QueueView | None = None) -> str:
    """Returns the HTML of level, clock, status, position and the reason for the position."""
    return render_to_string("cases/_panel.html", panel_context(case_id, now, queue))


def panel_context(
    case_id: uuid.UUID, now: datetime, queue: QueueView | None = None
) -> dict[str, Any]:
    case = Case.objects.select_related("seen_by", "department").get(id=case_id)
    found = CaseInQueue.read(case, now) if queue is None else CaseInQueue.seen(case, queue)
    place = found.place if case.status == CaseStatus.QUEUED else None
    num_workers = len(scheduling.workers())
    standing = standing_of(case, now, is_online=num_workers > 0)
    return {
        "case": case,
        "department": case.department.name if has_several() else "",
        "level": level_of(case.priority),
        "story": level_story(case),
        "proposed": level_of(case.proposed_priority),
        "clock": standing.clock,
        "standing": standing,
        "guidance_words": GUIDANCE_WORDS[standing.guidance],
        "job_id": _newest_job_id(case),
        "now_epoch": round(now.timestamp(), 1),
        "patient": patient_words(case) + patient_doubt(case),
        "place": place,
        "reason": found.reason if place else "",
        "place_sentence": "" if place is None else place_sentence(place.position, place.ahead),
        "moved": moved_words(place),
        "pause": scheduling.pause() if found.is_paused else None,
        **_times(found.estimate),
        "hits": scheduling.forecast_hits(now) if case.is_open else None,
        "num_workers": num_workers,
    }


def _newest_job_id(case: Case) -> str:
    newest = Job.objects.filter(case_id=case.id).order_by("created_at")
    return str(newest.values_list("id", flat=True).last() or "")


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
        "withheld_reason": WITHHELD_WORDS.get(job.finish_reason, "") if job else "",
        "model_name": model_label(case.guidance_model),
        "length": _length_text(job) if case.is_open and job else "",
        "num_workers": len(scheduling.workers()),
        "earlier": earlier_texts(case),
        "num_signs": len(case.classification.get("danger_signs", ())),
        "max_signs": MAX_DANGER_SIGNS,
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
                model=model_label(job.model_name),
                written_at=job.finished_at,
                until=end.at if end else None,
                why=str(end.data.get("why", "")) if end else "",
            )
        )
    return texts


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
    submitted = CaseFacts.from_dict(case.facts)
    changes, views = history(case)
    reasons = reasons_shown(classification.get("reasons", []))
    # Phrases are not marked: marks on whole clauses would hide the important words.
    marked = [reason for reason in reasons if reason["code"] != PHRASE]
    return {
        "case": case,
        "words": highlighted(submitted.text, marked),
        "reasons": reasons,
        "grounds": marked,
        "vitals": vital_rows(facts),
        "news2": classification.get("news2"),
        "news2_absent": news2_absent_reason(facts),
        "level_set": level_set_text(classification),
        "story": level_story(case),
        "confidence": round(100 * classification.get("confidence", 0)),
        "history": changes,
        "views": views,
        "notes": [
            (note, highlighted(note.text, marked)) for note in case.notes.select_related("author")
        ],
        "trend": trend_rows(case),
        "trend_svg": trend_svg(case),
        "named": read_history(facts.text),
        "arrival": ARRIVAL_LABELS.get(facts.arrival_mode, "Not recorded"),
        "injury": {True: "Yes", False: "No", None: "Not recorded"}[facts.injury],
    }


def news2_absent_reason(facts: CaseFacts) -> str:
    """Returns why there is no NEWS2 score."""
    return "no vital sign measured" if news2.applies(facts) else "not used under 16 years"


def level_set_text(classification: dict[str, Any]) -> str:
    """Returns "2–3" for a level set of several levels, else an empty string."""
    levels = sorted(classification.get("level_set") or ())
    return f"{levels[0]}–{levels[-1]}" if len(levels) > 1 else ""
