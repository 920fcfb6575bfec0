"""The forecast of a policy change beside what then happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean, median
from typing import Any, Final

from django.db.models import Q

from scheduling.models import Job, PolicyChange, SwitchOutcome

WITHIN: Final = timedelta(days=1)  # older changes are not judged any more
SETTLED: Final = timedelta(seconds=2)
NUM_JUDGED: Final = 200  # the newest changes that the hit rate counts


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastQuality:
    """Of `levels` forecasts of a level's mean start: error in seconds, share within the range."""

    changes: int
    levels: int
    median_error_seconds: float
    median_error: float  # as a share of what happened
    within_range: float


def judge_switches(now: datetime) -> int:
    """Stores the outcome of each change whose cases have all started. Returns their number."""
    open_changes = PolicyChange.objects.filter(outcome__isnull=True, changed_at__gt=now - WITHIN)
    changes = [change for change in open_changes.order_by("changed_at") if _has_times(change)]
    return sum(_judge(change, now) for change in changes)


def _has_times(change: PolicyChange) -> bool:
    return any(level.get("starts_after") is not None for level in change.preview.values())


def _judge(change: PolicyChange, now: datetime) -> bool:
    if now - change.changed_at < SETTLED:
        return False
    next_change = (
        PolicyChange.objects.filter(
            Q(changed_at__gt=change.changed_at) | Q(changed_at=change.changed_at, id__gt=change.id)
        )
        .order_by("changed_at", "id")
        .first()
    )
    until = now if next_change is None else next_change.changed_at
    starts = _starts(change.changed_at)
    if all(started is not None and started <= until for _, started in starts):
        levels = _levels(change, starts)
    elif next_change is not None:
        levels = {}  # another policy served the rest
    else:
        return False
    SwitchOutcome.objects.create(change=change, judged_at=now, levels=levels)
    return True


def _starts(moment: datetime) -> list[tuple[int, datetime | None]]:
    """Level and start of each case that waited at `moment` and had never run. Cases that left
    the queue without a start are left out."""
    waited = Job.objects.filter(arrival_at__lte=moment, created_at__lte=moment)
    waited = waited.filter(Q(started_at__gt=moment) | Q(started_at__isnull=True))
    rows = waited.exclude(started_at__isnull=True, finished_at__isnull=False)
    return list(rows.values_list("priority", "started_at"))


def _levels(
    change: PolicyChange, starts: Sequence[tuple[int, datetime | None]]
) -> dict[str, dict[str, Any]]:
    found = {}
    for level, line in change.preview.items():
        actual = [
            (started - change.changed_at).total_seconds()
            for priority, started in starts
            if str(priority) == level and started is not None
        ]
        if actual and line.get("starts_after") is not None:
            found[level] = {
                "cases": len(actual),
                "forecast": line["starts_after"],
                "low": line.get("starts_low"),
                "high": line.get("starts_high"),
                "actual": round(fmean(actual), 2),
            }
    return found


def quality() -> ForecastQuality | None:
    """How good the forecasts of policy changes have been; None while none was judged."""
    newest = SwitchOutcome.objects.order_by("-judged_at").values_list("levels", flat=True)
    judged = [levels for levels in newest[:NUM_JUDGED] if levels]
    lines: list[Mapping[str, Any]] = [line for levels in judged for line in levels.values()]
    if not lines:
        return None
    errors = [abs(line["forecast"] - line["actual"]) for line in lines]
    shares = [error / max(1.0, line["actual"]) for error, line in zip(errors, lines, strict=True)]
    return ForecastQuality(
        changes=len(judged),
        levels=len(lines),
        median_error_seconds=round(median(errors), 2),
        median_error=round(median(shares), 4),
        within_range=round(sum(_is_within(line) for line in lines) / len(lines), 4),
    )


def _is_within(line: Mapping[str, Any]) -> bool:
    low, high = line["low"], line["high"]
    return low is not None and high is not None and bool(low <= line["actual"] <= high)
