"""Reads of the clinical app that several pages need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from scheduling import selectors as scheduling
from scheduling.core.guidance import WITHHELD_REASONS, WITHHELD_WORDS
from scheduling.core.status import JobStatus
from scheduling.models import Job
from scheduling.selectors import QueuePlace
from triage_site.cases.departments import Sight
from triage_site.cases.models import Case, CaseEvent, CaseStatus
from triage_site.cases.place_words import moved_words, place_sentence
from triage_site.cases.readings import news2_of, readings_of
from triage_site.triage.facts import CaseFacts


def place_of(case: Case, now: datetime) -> QueuePlace | None:
    """Returns the place of a waiting case in the queue; None for other cases."""
    if case.status != CaseStatus.QUEUED:
        return None
    job = scheduling.open_job_of(case.id)
    return None if job is None else scheduling.place_of(job, now)


def places_by_case(now: datetime) -> dict[str, QueuePlace]:
    """Returns the place of every waiting case, by case id."""
    jobs = list(scheduling.open_jobs())
    cases = {str(job.id): str(job.case_id) for job in jobs}
    return {cases[job_id]: place for job_id, place in scheduling.places(now, jobs).items()}


def place_times(place: QueuePlace | None) -> dict[str, Any]:
    """Returns median and range, in seconds, of start and end; null where they are not known."""
    estimate = None if place is None else place.estimate
    if estimate is None:
        return dict.fromkeys(("starts_in_seconds", "starts_range", "ends_in_seconds", "ends_range"))
    starts, ends = estimate.starts, estimate.ends
    return {
        "starts_in_seconds": starts.median,
        "starts_range": (starts.low, starts.high),
        "ends_in_seconds": ends.median,
        "ends_range": (ends.low, ends.high),
    }


def place_out(place: QueuePlace | None) -> dict[str, str]:
    """Returns why a case stands where it stands, and how a person moved it."""
    words = "" if place is None else place_sentence(place.position, place.ahead)
    return {"place": words, "moved": moved_words(place)}


def admission() -> dict[str, Any]:
    """Returns whether admission is paused, since when, by whom and why."""
    pause = scheduling.pause()
    if pause is None:
        return {"paused": False, "since": None, "by": None, "reason": ""}
    by = None if pause.actor is None else pause.actor.get_username()
    return {"paused": True, "since": pause.changed_at, "by": by, "reason": pause.reason}


def timestamps(case: Case) -> list[dict[str, Any]]:
    """Returns when the case entered each status, oldest first."""
    statuses = set(CaseStatus.values)
    return [
        {"status": kind, "at": at}
        for kind, at in case.events.values_list("kind", "at")
        if kind in statuses
    ]


def queue_overview(now: datetime, sight: Sight) -> dict[str, Any]:
    """Returns the policy, the running cases, and the waiting cases in the order of service.

    Positions count the cases of all departments.
    """
    places = places_by_case(now)
    seen = sight.of(Case.objects.all())
    cases = {str(case.id): case for case in seen.filter(status=CaseStatus.QUEUED)}
    waiting = [
        {
            "id": case.id,
            "number": case.number,
            "priority": case.priority,
            "position": place.position,
            **place_times(place),
            "arrived_at": case.arrived_at,
            **place_out(place),
        }
        for case_id, place in places.items()
        if (case := cases.get(case_id)) is not None
    ]
    running = seen.filter(status=CaseStatus.RUNNING).order_by("priority", "arrived_at")
    return {
        "policy": scheduling.active_policy_name(),
        "admission": admission(),
        "running": list(running.values_list("id", flat=True)),
        "waiting": sorted(waiting, key=lambda item: item["position"]),
    }


_SETS_LEVEL: Final = (
    CaseEvent.Kind.CLASSIFIED,
    CaseEvent.Kind.CLASSIFIER_FAILED,
    CaseEvent.Kind.OVERRIDDEN,
    CaseEvent.Kind.RAISED,
    CaseEvent.Kind.ACCEPTED,
)


def level_setting(case: Case) -> CaseEvent | None:
    """Returns the event that set the present level; None before the classification."""
    return case.events.filter(kind__in=_SETS_LEVEL).select_related("actor").last()


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalsTaken:
    """Vital signs of one moment, and NEWS2 of all that was known then."""

    taken_at: datetime
    taken_by: str
    readings: Mapping[str, Any]
    news2: int | None
    news2_complete: bool


def vitals_over_time(case: Case) -> list[VitalsTaken]:
    """Oldest first. Those of the arrival are rows of their own once there are others."""
    rows = [
        VitalsTaken(
            taken_at=row.taken_at,
            taken_by=row.taken_by.get_username(),
            readings=row.readings,
            news2=row.news2,
            news2_complete=row.news2_complete,
        )
        for row in case.vital_sets.select_related("taken_by")
    ]
    return rows or _of_arrival(case)


def _of_arrival(case: Case) -> list[VitalsTaken]:
    facts = CaseFacts.from_dict(case.facts)
    readings, score = readings_of(facts), news2_of(facts)
    if not readings:
        return []
    return [
        VitalsTaken(
            taken_at=case.arrived_at,
            taken_by=case.created_by.get_username(),
            readings=readings,
            news2=None if score is None else score.score,
            news2_complete=score is not None and score.complete,
        )
    ]


def withheld_words(case: Case) -> str:
    """Why the guidance of the case is withheld, as a sentence; empty where it is not."""
    if not case.guidance_withheld:
        return ""
    newest = Job.objects.filter(case_id=case.id).order_by("created_at")
    reason = newest.values_list("finish_reason", flat=True).last()
    return WITHHELD_WORDS.get(reason or "", "")


def earlier_guidance(case: Case) -> list[Job]:
    """Jobs of the case whose text a newer one replaces or will replace, newest first."""
    jobs = list(Job.objects.filter(case_id=case.id).order_by("-created_at").defer("prompt"))
    return [
        job
        for job in jobs[1:]
        if job.status == JobStatus.DONE and job.output and job.finish_reason not in WITHHELD_REASONS
    ]
