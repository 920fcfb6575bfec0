"""Cases as the HTTP API shows them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from triage_site.cases import selectors
from triage_site.cases.api_schemas import CaseFilter, Reason
from triage_site.cases.clinical import GuidanceStatus
from triage_site.cases.departments import Sight
from triage_site.cases.entry import Finding
from triage_site.cases.find import Wanted, find_cases
from triage_site.cases.level_story import level_story
from triage_site.cases.models import Case
from triage_site.cases.reason_words import reasons_shown
from triage_site.cases.standing import standing_of, workers_online
from triage_site.triage.history.medicines import read_history


def case_brief(case: Case, now: datetime, *, is_online: bool) -> dict[str, Any]:
    standing = standing_of(case, now, is_online=is_online)
    return {
        "id": case.id,
        "number": case.number,
        "label": case.label,
        "department": case.department.code,
        "replayed": case.replay_id is not None,
        "clinical_status": case.clinical_status,
        "guidance_status": standing.guidance,
        "priority": case.priority,
        "needs_person": case.needs_person,
        "person_reasons": case.person_reasons if case.needs_person else [],
        "arrived_at": case.arrived_at,
        "seen_at": case.seen_at,
        "seen_by": case.seen_by.get_username() if case.seen_by else None,
        "closed_at": case.closed_at,
        "disposition": case.disposition,
        "anonymised_at": case.anonymised_at,
        "age_band": case.age_band,
        "wait_seconds": round(standing.clock.waited_seconds, 1),
        "overdue": standing.is_overdue,
        "reassess_at": standing.reassess_at,
    }


def case_out(case: Case, now: datetime, warnings: Iterable[Finding] = ()) -> dict[str, Any]:
    case.refresh_from_db()
    place = selectors.place_of(case, now)
    reasons = reasons_shown(case.classification.get("reasons", []))
    history = read_history(case.case_facts.text)
    story = level_story(case)
    return {
        **case_brief(case, now, is_online=workers_online()),
        "version": case.version,
        "status": case.status,
        "suggested_priority": case.suggested_priority,
        "classifier_priority": story.now,
        "level_set_at": story.at,
        "level_set_by": story.by,
        "classifier_priority_then": story.then,
        "level_words": story.words,
        "proposed_priority": case.proposed_priority,
        "reasons": [{k: r.get(k) for k in Reason.model_fields} for r in reasons],
        "position": None if place is None else place.position,
        **selectors.place_times(place),
        **selectors.place_out(place),
        "paused": selectors.admission()["paused"],
        "timestamps": selectors.timestamps(case),
        "warnings": [{"field": w.field, "reason": w.reason} for w in warnings],
        "vitals": [_vitals(one) for one in selectors.vitals_over_time(case)],
        "allergies": history.allergy_words,
        "medicines": [*history.medicines, *history.not_read],
        "guidance": case.guidance,
        "guidance_withheld": case.guidance_withheld,
        "guidance_withheld_reason": selectors.withheld_words(case),
        "guidance_model": case.guidance_model,
        "guidance_stale": case.guidance_stale_at is not None,
    }


def case_page(wanted: CaseFilter, now: datetime, sight: Sight) -> dict[str, Any]:
    """One page of the cases that fit and that the person sees, in the order of `find_cases`."""
    is_online = workers_online()
    status = wanted.guidance_status
    fits = Wanted(
        clinical_status=wanted.clinical_status,
        guidance_status=None if status is None else GuidanceStatus(status),
        priority=wanted.priority,
        needs_person=wanted.needs_person,
        is_overdue=wanted.overdue,
        arrived_from=wanted.arrived_from,
        arrived_until=wanted.arrived_until,
        words=wanted.q,
    )
    found = find_cases(fits, now, sight, is_online=is_online)
    page = found[wanted.offset : wanted.offset + wanted.limit]
    return {
        "count": found.count(),
        "limit": wanted.limit,
        "offset": wanted.offset,
        "items": [case_brief(case, now, is_online=is_online) for case in page],
    }


def _vitals(one: selectors.VitalsTaken) -> dict[str, Any]:
    return {
        "taken_at": one.taken_at,
        "taken_by": one.taken_by,
        "readings": dict(one.readings),
        "news2": one.news2,
        "news2_complete": one.news2_complete,
    }
