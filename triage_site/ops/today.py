"""Waits for guidance of today, by level, and what the workers did: figures of the live page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import groupby

from django.utils import timezone

from scheduling import minutes
from scheduling.level_figures import LevelFigures, Stretch, empty_stretch, merged, stretches
from scheduling.models import WorkerMinute
from triage_site.cases.levels import LEVELS, Level


@dataclass(frozen=True, slots=True, kw_only=True)
class TodayLine:
    """Guidance of one level that started today. Seconds; None where none started."""

    level: Level
    started: int
    mean: float | None
    p50: float | None
    p90: float | None
    p99: float | None
    longest: float | None
    percent_in_time: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What the workers did in a stretch of time: tokens written, computed again, preemptions."""

    tokens: int = 0
    tokens_again: int = 0
    preemptions: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(
            tokens=self.tokens + other.tokens,
            tokens_again=self.tokens_again + other.tokens_again,
            preemptions=self.preemptions + other.preemptions,
        )

    @property
    def percent_again(self) -> float | None:
        """The share of all computed answer and prompt tokens that were computed before."""
        whole = self.tokens + self.tokens_again
        return 100 * self.tokens_again / whole if whole else None


def start_of_day(now: datetime) -> datetime:
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)


def today_lines(now: datetime, *, replayed: bool) -> list[TodayLine]:
    written = max(minutes.written_until(now), start_of_day(now))
    whole = merged([_closed(start_of_day(now), written, replayed), _tail(written, now, replayed)])
    return [_line(level, line) for level, line in zip(LEVELS, whole, strict=True)]


@lru_cache(maxsize=4)
def _closed(begin: datetime, end: datetime, replayed: bool) -> Stretch:
    """The minutes that are over do not change, so each process reads them once a minute."""
    return merged(minutes.level_minutes(begin, end, replayed=replayed).values())


def _tail(begin: datetime, now: datetime, replayed: bool) -> Stretch:
    seconds = (now - begin).total_seconds() + 1.0
    jobs = minutes.job_times(begin, now + timedelta(seconds=1), replayed=replayed)
    return stretches(jobs, begin.timestamp(), seconds, 1)[0] if jobs else empty_stretch()


def _line(level: Level, line: LevelFigures) -> TodayLine:
    found, share = line.summary, line.share_in_time
    return TodayLine(
        level=level,
        started=line.started,
        mean=None if found is None else found.mean,
        p50=None if found is None else found.p50,
        p90=None if found is None else found.p90,
        p99=None if found is None else found.p99,
        longest=None if found is None else found.max,
        percent_in_time=None if share is None else round(100 * share),
    )


def work_by_minute(rows: Iterable[WorkerMinute]) -> dict[datetime, Work]:
    """What all workers did in each minute. Counts of a worker that started again begin at 0."""
    found: dict[datetime, Work] = {}
    by_worker = sorted(rows, key=lambda row: (row.worker, row.minute))
    for _, group in groupby(by_worker, key=lambda row: row.worker):
        before: WorkerMinute | None = None
        for row in group:
            found[row.minute] = found.get(row.minute, Work()) + _since(before, row)
            before = row
    return found


def _since(before: WorkerMinute | None, row: WorkerMinute) -> Work:
    if before is None:  # what it did before the first minute is not known
        return Work()

    def grown(name: str) -> int:
        old, new = getattr(before, name), getattr(row, name)
        return int(new - old if new >= old else new)

    return Work(
        tokens=grown("tokens"),
        tokens_again=grown("tokens_again"),
        preemptions=grown("preemptions"),
    )


def work_today(rows: Sequence[WorkerMinute]) -> Work:
    return sum(work_by_minute(rows).values(), Work())


def last_reports(rows: Sequence[WorkerMinute]) -> Mapping[str, datetime]:
    """When each worker reported last, by name."""
    found: dict[str, datetime] = {}
    for row in rows:
        found[row.worker] = max(row.reported_at, found.get(row.worker, row.reported_at))
    return found
