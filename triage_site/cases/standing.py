"""The wait of a patient: clock, target, next assessment. All figures of waits come from here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from django.conf import settings
from django.db.models import Q

from scheduling import selectors as scheduling
from triage_site.cases.clinical import (
    ClinicalStatus,
    GuidanceStatus,
    guidance_status,
    reassess_at,
)
from triage_site.cases.levels import LEVELS, Clock, Level, clock_of
from triage_site.cases.models import Case, CaseStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The wait of one patient at one moment."""

    clock: Clock  # stops when the patient is seen or the case is closed
    is_overdue: bool  # waits longer than the target of the level
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
    """Returns the filter for cases for which `guidance_of` returns `status`."""
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


def overdue_filter(now: datetime) -> Q:
    """Returns the filter for patients for whom `standing_of` says that they are overdue."""
    late = Q(pk__in=[])
    for level in LEVELS:
        since = now - timedelta(seconds=level.target_seconds)
        late |= Q(priority=level.priority, arrived_at__lte=since)
    return Q(clinical_status=ClinicalStatus.WAITING) & late


SEEN_WITHIN: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitLine:
    """Patients of one level: those who wait, and those seen in the last 24 hours."""

    level: Level
    num_waiting: int
    num_overdue: int
    longest_seconds: float  # of those who wait
    num_seen: int
    median_seconds: float | None  # from arrival to being seen


def wait_lines(now: datetime) -> list[WaitLine]:
    """Returns one line per level. Cases without a level, and replayed ones, are not counted."""
    columns = ("priority", "arrived_at")
    real = Case.objects.filter(replay__isnull=True)
    waiting = list(real.filter(clinical_status=ClinicalStatus.WAITING).values_list(*columns))
    seen = list(real.filter(seen_at__gte=now - SEEN_WITHIN).values_list(*columns, "seen_at"))
    return [_wait_line(level, waiting, seen, now) for level in LEVELS]


def _wait_line(
    level: Level,
    waiting: list[tuple[int | None, datetime]],
    seen: list[tuple[int | None, datetime, datetime | None]],
    now: datetime,
) -> WaitLine:
    clocks = [clock_of(at, level.priority, now) for p, at in waiting if p == level.priority]
    waits = [
        (end - at).total_seconds() for p, at, end in seen if p == level.priority and end is not None
    ]
    return WaitLine(
        level=level,
        num_waiting=len(clocks),
        num_overdue=sum(clock.state == "red" for clock in clocks),
        longest_seconds=max((clock.waited_seconds for clock in clocks), default=0.0),
        num_seen=len(waits),
        median_seconds=median(waits) if waits else None,
    )
