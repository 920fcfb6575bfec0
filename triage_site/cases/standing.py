"""Where a patient stands in the department: the clock, what is due, who saw them. Pure of views.

Every figure "waits to be seen" comes from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Q

from scheduling import selectors as scheduling
from triage_site.cases.clinical import (
    GuidanceStatus,
    guidance_status,
    reassess_at,
)
from triage_site.cases.levels import Clock, clock_of
from triage_site.cases.models import Case, CaseStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One case at one moment."""

    clock: Clock  # stands once the patient is seen, or the case closed
    is_overdue: bool  # waits, longer than the target of the level
    overdue_seconds: float
    reassess_at: datetime | None  # while the patient waits
    is_reassess_due: bool
    guidance: GuidanceStatus


def standing_of(case: Case, now: datetime, *, is_online: bool) -> Standing:
    clock = clock_of(case.arrived_at, case.priority, case.waited_until or now)
    over = clock.waited_seconds - (clock.target_seconds or 0.0)
    is_overdue = case.is_waiting and clock.state == "red"
    due = None
    if case.is_waiting:
        due = reassess_at(case.assessed_at, case.priority, settings.TRIAGE_REASSESS_MINUTES)
    return Standing(
        clock=clock,
        is_overdue=is_overdue,
        overdue_seconds=over if is_overdue else 0.0,
        reassess_at=due,
        is_reassess_due=due is not None and due <= now,
        guidance=guidance_of(case, is_online=is_online),
    )


def guidance_of(case: Case, *, is_online: bool) -> GuidanceStatus:
    return guidance_status(
        case.status,
        withheld=case.guidance_withheld,
        is_stale=case.guidance_stale_at is not None,
        is_online=is_online,
    )


def workers_online() -> bool:
    return bool(scheduling.workers())


def guidance_filter(status: GuidanceStatus, *, is_online: bool) -> Q:
    """The cases for which `guidance_of` says `status`."""
    pending = Q(status__in=[CaseStatus.RECEIVED, CaseStatus.CLASSIFYING, CaseStatus.QUEUED])
    is_stale = Q(guidance_stale_at__isnull=False)
    nothing = Q(pk__in=[])
    return {
        GuidanceStatus.WRITING: Q(status=CaseStatus.RUNNING),
        GuidanceStatus.READY: Q(status=CaseStatus.DONE, guidance_withheld=False),
        GuidanceStatus.WITHHELD: Q(status=CaseStatus.DONE, guidance_withheld=True),
        GuidanceStatus.FAILED: Q(status=CaseStatus.FAILED),
        GuidanceStatus.CANCELLED: Q(status=CaseStatus.CANCELLED),
        GuidanceStatus.STALE: pending & is_stale,
        GuidanceStatus.QUEUED: pending & ~is_stale if is_online else nothing,
        GuidanceStatus.OFFLINE: nothing if is_online else pending & ~is_stale,
    }[status]
