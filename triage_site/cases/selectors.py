"""Reads of the clinical app that several pages need."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from scheduling import selectors as scheduling
from scheduling.selectors import QueuePlace
from triage_site.cases.models import Case, CaseStatus


def place_of(case: Case, now: datetime) -> QueuePlace | None:
    """Returns the place of a waiting case in the queue; None for other cases."""
    if case.status != CaseStatus.QUEUED:
        return None
    return places_by_case(now).get(str(case.id))


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


def timestamps(case: Case) -> list[dict[str, Any]]:
    """Returns when the case entered each status, oldest first."""
    statuses = set(CaseStatus.values)
    return [
        {"status": kind, "at": at}
        for kind, at in case.events.values_list("kind", "at")
        if kind in statuses
    ]


def queue_overview(now: datetime) -> dict[str, Any]:
    """Returns the policy, the running cases, and the waiting cases in the order of service."""
    places = places_by_case(now)
    cases = {str(case.id): case for case in Case.objects.filter(status=CaseStatus.QUEUED)}
    waiting = [
        {
            "id": case.id,
            "number": case.number,
            "priority": case.priority,
            "position": place.position,
            **place_times(place),
            "arrived_at": case.arrived_at,
        }
        for case_id, place in places.items()
        if (case := cases.get(case_id)) is not None
    ]
    running = Case.objects.filter(status=CaseStatus.RUNNING).order_by("priority", "arrived_at")
    return {
        "policy": scheduling.active_policy_name(),
        "running": list(running.values_list("id", flat=True)),
        "waiting": sorted(waiting, key=lambda item: item["position"]),
    }
