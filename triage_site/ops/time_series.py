"""The charts of the operations page as values: one question each, the same for chart and table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from scheduling import minutes
from scheduling.core.request import PRIORITIES
from scheduling.level_figures import Stretch, empty_stretch, merged, stretches
from scheduling.models import WorkerMinute
from triage_site.cases.levels import LEVELS
from triage_site.ops.today import Work, work_by_minute

Values = Sequence[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """How far back the charts reach, and how long one step is."""

    name: str
    words: str
    length: timedelta
    step: timedelta


SPANS: Final = {
    span.name: span
    for span in (
        Span(
            name="10m",
            words="10 minutes",
            length=timedelta(minutes=10),
            step=timedelta(seconds=10),
        ),
        Span(name="6h", words="6 hours", length=timedelta(hours=6), step=timedelta(minutes=5)),
        Span(name="24h", words="24 hours", length=timedelta(hours=24), step=timedelta(minutes=20)),
        Span(name="7d", words="7 days", length=timedelta(days=7), step=timedelta(hours=2)),
    )
}
SHORTEST_SPAN: Final = "10m"
DEFAULT_SPAN: Final = "6h"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSeries:
    """`times` are the ends of the steps in seconds; `values` one row for each of `columns`."""

    id: str
    title: str
    unit: str
    digits: int
    columns: Sequence[str]
    labels: Sequence[str]  # short, at the end of each line
    times: Sequence[float]
    values: Sequence[Values]

    def to_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in TimeSeries.__slots__}

    def rows(self) -> list[tuple[datetime, list[str]]]:
        """The table behind the chart, newest first."""
        lines = zip(self.times, *self.values, strict=True)
        return [
            (datetime.fromtimestamp(line[0] or 0, UTC), [self._text(v) for v in line[1:]])
            for line in reversed(list(lines))
        ]

    def _text(self, value: float | None) -> str:
        return "–" if value is None else f"{value:.{self.digits}f}"


def all_series(span: Span, now: datetime, *, replayed: bool) -> list[TimeSeries]:
    begin = _begin(span, now)
    times = _times(begin, span.step, span)
    levels = _levels(span, begin, now, replayed=replayed)
    names = [f"{level.priority} {level.short}" for level in LEVELS]
    labels = [str(priority) for priority in PRIORITIES]
    waits = [[_mean_wait(s, priority) for s in levels] for priority in PRIORITIES]
    waiting = [[float(s[priority].waiting) for s in levels] for priority in PRIORITIES]
    longest = [[s[priority].longest for s in levels] for priority in PRIORITIES]
    in_time = [[_percent_in_time(s, priority) for s in levels] for priority in PRIORITIES]
    figures = (
        ("longest", "How long has the longest one waited so far?", "seconds", 0, longest),
        ("waits", "How long did cases wait for guidance?", "mean wait, seconds", 1, waits),
        ("waiting", "How many cases wait for guidance?", "cases waiting", 0, waiting),
        ("in-time", "How many start before the deadline?", "% of those that start", 0, in_time),
    )
    found = [
        TimeSeries(
            id=name,
            title=title,
            unit=unit,
            digits=digits,
            columns=names,
            labels=labels,
            times=times,
            values=values,
        )
        for name, title, unit, digits, values in figures
    ]
    return found + _worker_series(span, now)


def _begin(span: Span, now: datetime) -> datetime:
    """Steps begin at round times, so that a figure stays where it is while time goes on."""
    step = span.step.total_seconds()
    return datetime.fromtimestamp(now.timestamp() // step * step + step, UTC) - span.length


def _times(begin: datetime, step: timedelta, span: Span) -> list[float]:
    num = round(span.length / step)
    return [(begin + (at + 1) * step).timestamp() for at in range(num)]


def _levels(span: Span, begin: datetime, now: datetime, *, replayed: bool) -> list[Stretch]:
    num = round(span.length / span.step)
    if span.step < minutes.MINUTE:
        return _counted(begin, span.step, num, now, replayed=replayed)
    written = max(begin, minutes.written_until(now))
    parts: list[list[Stretch]] = [[] for _ in range(num)]
    for minute, stretch in minutes.level_minutes(begin, written, replayed=replayed).items():
        parts[int((minute - begin) / span.step)].append(stretch)
    ends = begin + num * span.step
    tail = max(1, -((written - ends) // minutes.MINUTE))
    for at, stretch in enumerate(
        _counted(written, minutes.MINUTE, tail, now, replayed=replayed) if written < ends else ()
    ):
        parts[int((written + at * minutes.MINUTE - begin) / span.step)].append(stretch)
    return [merged(part) for part in parts]


def _counted(
    begin: datetime, step: timedelta, num: int, now: datetime, *, replayed: bool
) -> list[Stretch]:
    jobs = minutes.job_times(begin, begin + num * step, replayed=replayed)
    if not jobs:
        return [empty_stretch() for _ in range(num)]
    return stretches(jobs, begin.timestamp(), step.total_seconds(), num, now.timestamp())


def _mean_wait(stretch: Stretch, priority: int) -> float | None:
    found = stretch[priority].summary
    return None if found is None else round(found.mean, 2)


def _percent_in_time(stretch: Stretch, priority: int) -> float | None:
    share = stretch[priority].share_in_time
    return None if share is None else round(100 * share, 1)


def _worker_series(span: Span, now: datetime) -> list[TimeSeries]:
    step = max(span.step, minutes.MINUTE)
    wide = Span(name=span.name, words=span.words, length=span.length, step=step)
    begin = _begin(wide, now)
    times = _times(begin, step, wide)
    rows = minutes.worker_minutes(begin - minutes.MINUTE, now)
    parts: list[list[WorkerMinute]] = [[] for _ in times]
    work = [Work() for _ in times]
    for row in rows:
        if row.minute >= begin:
            parts[int((row.minute - begin) / step)].append(row)
    for minute, done in work_by_minute(rows).items():
        if minute >= begin:
            work[int((minute - begin) / step)] += done
    return [
        TimeSeries(
            id="slots",
            title="Are the slots full?",
            unit="slots",
            digits=1,
            columns=["Slots used", "Slots"],
            labels=["used", "all"],
            times=times,
            values=[[_slots(p, "slots_used") for p in parts], [_slots(p, "slots") for p in parts]],
        ),
        TimeSeries(
            id="kv",
            title="How full is the KV memory?",
            unit="% of the blocks",
            digits=0,
            columns=["KV memory"],
            labels=["used"],
            times=times,
            values=[[_kv_percent(part) for part in parts]],
        ),
        TimeSeries(
            id="tokens",
            title="How fast is guidance written?",
            unit="tokens per second",
            digits=1,
            columns=["Written", "Computed again"],
            labels=["new", "again"],
            times=times,
            values=[
                [_rate(p, w.tokens, step) for p, w in zip(parts, work, strict=True)],
                [_rate(p, w.tokens_again, step) for p, w in zip(parts, work, strict=True)],
            ],
        ),
    ]


def _kv_percent(rows: Sequence[WorkerMinute]) -> float | None:
    """Of the fullest worker in each minute, as a mean over the minutes."""
    by_minute: dict[datetime, float] = {}
    for row in rows:
        if row.kv_share is not None:
            by_minute[row.minute] = max(row.kv_share, by_minute.get(row.minute, 0.0))
    return round(100 * sum(by_minute.values()) / len(by_minute), 1) if by_minute else None


def _slots(rows: Sequence[WorkerMinute], name: str) -> float | None:
    """Of all workers together: the sum over each minute, as a mean over the minutes."""
    by_minute: dict[datetime, list[WorkerMinute]] = {}
    for row in rows:
        by_minute.setdefault(row.minute, []).append(row)
    sums = [sum(getattr(row, name) for row in _at_its_end(part)) for part in by_minute.values()]
    return round(sum(sums) / len(sums), 2) if sums else None


def _at_its_end(rows: Sequence[WorkerMinute]) -> list[WorkerMinute]:
    """Of the workers of one minute, those that still reported when the last one did: a worker
    that was started again has another name, and its slots count once."""
    last = max(row.reported_at for row in rows)
    return [row for row in rows if last - row.reported_at < minutes.BETWEEN_REPORTS]


def _rate(rows: Sequence[WorkerMinute], num: int, step: timedelta) -> float | None:
    return round(num / step.total_seconds(), 2) if rows else None


def has_waiting_or_started(series: Sequence[TimeSeries]) -> bool:
    """Whether anything happened in the charts of levels."""
    shown = [values for one in series if one.id in ("waits", "waiting") for values in one.values]
    return any(value for values in shown for value in values)


def zone_name() -> str:
    return timezone.get_current_timezone_name()
