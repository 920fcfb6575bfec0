"""Figures by minute in SQL: waits by level, and what the workers reported. All their writes.

Levels are counted from the jobs, so a minute can be counted again and a gap is filled later.
Worker figures exist only where a worker reported. Both are kept for `KEPT`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Final

from django.db.models import Exists, OuterRef, Q

from scheduling import selectors
from scheduling.core.request import PRIORITIES
from scheduling.level_figures import JobTimes, LevelFigures, Stretch, empty_stretch, stretches
from scheduling.models import Job, LevelMinute, WorkerMinute

MINUTE: Final = timedelta(minutes=1)
KEPT: Final = timedelta(days=14)
BACKFILL: Final = timedelta(days=1)
GRACE: Final = timedelta(seconds=5)  # a start is written a moment after it happened
BETWEEN_REPORTS: Final = timedelta(seconds=15)  # of a worker to its minute, at most
SILENT_SECONDS: Final = 30.0  # an older report says nothing about now


def minute_of(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def job_times(begin: datetime, end: datetime, *, replayed: bool) -> list[JobTimes]:
    """First jobs of all cases that waited, arrived or started from `begin` to before `end`."""
    earlier = Job.objects.filter(case_id=OuterRef("case_id"), created_at__lt=OuterRef("created_at"))
    touched = (
        Q(started_at__gte=begin)
        | Q(started_at__isnull=True, finished_at__isnull=True)
        | Q(started_at__isnull=True, finished_at__gte=begin)
    )
    jobs = Job.objects.filter(touched, arrival_at__lt=end, replayed=replayed)
    rows = jobs.filter(~Exists(earlier)).values_list(
        "priority", "arrival_at", "due_at", "started_at", "finished_at"
    )
    return [
        JobTimes(
            priority=priority,
            arrived=arrival.timestamp(),
            due=_seconds(due),
            started=_seconds(started),
            ended=_seconds(finished),
        )
        for priority, arrival, due, started, finished in rows
    ]


def has_arrivals(begin: datetime, end: datetime) -> bool:
    """Whether a case, real or replayed, came from `begin` to before `end`."""
    return Job.objects.filter(arrival_at__gte=begin, arrival_at__lt=end).exists()


def _seconds(moment: datetime | None) -> float:
    return inf if moment is None else moment.timestamp()


class LevelMinutes:
    """Writes each minute once it is over. A new one goes on after the newest minute in SQL."""

    def __init__(self) -> None:
        self._next: datetime | None = None

    def write(self, now: datetime) -> int:
        """Returns how many minutes were written."""
        end = minute_of(now - GRACE)
        begin = self._next or _first_missing(end)
        num = int((end - begin) / MINUTE)
        if num < 1:
            return 0
        rows = [row for replayed in (False, True) for row in _rows(begin, end, num, replayed)]
        LevelMinute.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["minute", "priority", "replayed"],
            update_fields=["arrived", "in_time", "waits", "waiting", "longest"],
        )
        self._next = end
        return num


def _first_missing(end: datetime) -> datetime:
    newest = LevelMinute.objects.order_by("-minute").values_list("minute", flat=True).first()
    return end - BACKFILL if newest is None else max(newest, end - BACKFILL)


def _rows(begin: datetime, end: datetime, num: int, replayed: bool) -> list[LevelMinute]:
    jobs = job_times(begin, end, replayed=replayed)
    if not jobs:
        return []
    found = stretches(jobs, begin.timestamp(), 60.0, num)
    return [
        LevelMinute(
            minute=begin + at * MINUTE,
            priority=priority,
            replayed=replayed,
            arrived=line.arrived,
            in_time=line.in_time,
            waits=line.waits,
            waiting=line.waiting,
            longest=line.longest,
        )
        for at, stretch in enumerate(found)
        for priority, line in enumerate(stretch)
        if not line.is_empty
    ]


def write_worker_minutes(now: datetime) -> None:
    """Adds the present report of each worker to its minute. Called every few seconds."""
    for name, state in selectors.workers().items():
        if now.timestamp() - state.get("at", 0.0) <= SILENT_SECONDS:
            _add_report(name, state, now)


def _add_report(name: str, state: Mapping[str, float], now: datetime) -> None:
    blocks = state.get("kv_blocks", 0.0)
    kv_share = state.get("kv_blocks_used", 0.0) / blocks if blocks else None
    used = state.get("slots_used", 0.0)
    row = WorkerMinute.objects.filter(minute=minute_of(now), worker=name[:80]).first()
    num = 0 if row is None else row.samples
    WorkerMinute.objects.update_or_create(
        minute=minute_of(now),
        worker=name[:80],
        defaults={
            "reported_at": datetime.fromtimestamp(state["at"], UTC),
            "slots": int(state.get("slots", 0)),
            "slots_used": used if row is None else (row.slots_used * num + used) / (num + 1),
            "kv_share": kv_share,
            "samples": num + 1,
            "tokens": int(state.get("tokens", 0)),
            "tokens_again": int(state.get("tokens_again", 0)),
            "preemptions": int(state.get("preemptions", 0)),
        },
    )


def forget_minutes(now: datetime) -> int:
    """Removes figures older than `KEPT`. Returns their number."""
    old = now - KEPT
    num_levels, _ = LevelMinute.objects.filter(minute__lt=old).delete()
    num_workers, _ = WorkerMinute.objects.filter(minute__lt=old).delete()
    return num_levels + num_workers


def level_minutes(begin: datetime, end: datetime, *, replayed: bool) -> dict[datetime, Stretch]:
    """The stored minutes from `begin` to before `end`; those in which nothing happened are left
    out."""
    rows = LevelMinute.objects.filter(minute__gte=begin, minute__lt=end, replayed=replayed)
    found: dict[datetime, Stretch] = {}
    for row in rows.order_by("minute"):
        if row.priority in PRIORITIES:
            stretch = found.setdefault(row.minute, empty_stretch())
            line: LevelFigures = stretch[row.priority]
            line.arrived, line.in_time, line.waiting = row.arrived, row.in_time, row.waiting
            line.longest = row.longest
            line.waits = [float(wait) for wait in row.waits]
    return found


def written_until(now: datetime) -> datetime:
    """The end of the last minute that must be in SQL by now, with time for the writer."""
    return minute_of(now - 3 * GRACE - MINUTE)


def worker_minutes(begin: datetime, end: datetime) -> Sequence[WorkerMinute]:
    rows = WorkerMinute.objects.filter(minute__gte=begin, minute__lt=end)
    return list(rows.order_by("minute", "worker"))
