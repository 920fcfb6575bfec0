"""The part of the operations page that is pushed each second, and workers in words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.template.loader import render_to_string

from scheduling import minutes
from scheduling import selectors as scheduling
from scheduling.models import WorkerMinute
from triage_site.cases.levels import duration_text
from triage_site.cases.standing import wait_lines
from triage_site.ops import selectors
from triage_site.ops.comparisons.charts import seconds_text
from triage_site.ops.selectors import WorkerLine
from triage_site.ops.today import TodayLine, last_reports, start_of_day, today_lines, work_today

LATE_SECONDS: Final = 5.0  # a worker reports each second
REMEMBERED: Final = timedelta(hours=1)  # a worker that fell silent is shown for this long


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """One worker in words."""

    name: str
    words: str
    is_bad: bool


def render_live(now: datetime) -> str:
    return render_to_string("ops/_state.html", live_context(now))


def live_context(now: datetime) -> dict[str, Any]:
    rows = minutes.worker_minutes(min(start_of_day(now), now - REMEMBERED), now)
    levels, workers = selectors.levels(), selectors.workers(now)
    todays = [row for row in rows if row.minute >= start_of_day(now)]
    replayed = today_lines(now, replayed=True)
    return {
        "pause": scheduling.pause(),
        "levels": [
            {"now": line, "patients": wait}
            for line, wait in zip(levels, wait_lines(now), strict=True)
        ],
        "num_waiting": sum(line.waiting for line in levels),
        "num_running": sum(line.running for line in levels),
        "workers": workers,
        "slots": sum(worker.slots for worker in workers),
        "slots_used": sum(worker.slots_used for worker in workers),
        "tokens_per_second": sum(worker.tokens_per_second for worker in workers),
        "kv_percent": max(
            (w.kv_percent for w in workers if w.kv_percent is not None), default=None
        ),
        "health": worker_health(workers, selectors.problems_of_workers(), rows, now),
        "work": work_today(todays),
        "withheld": selectors.withheld(now),
        "policy_title": scheduling.active_policy().title,
        "last_switch": selectors.newest_switch(),
        "today": _shown(today_lines(now, replayed=False)),
        "replayed_today": _shown(replayed) if any(line.started for line in replayed) else [],
    }


def _shown(lines: Sequence[TodayLine]) -> list[dict[str, Any]]:
    return [
        {
            "level": line.level,
            "started": line.started,
            "in_time": "–" if line.percent_in_time is None else f"{line.percent_in_time} %",
            "waits": [
                seconds_text(value)
                for value in (line.mean, line.p50, line.p90, line.p99, line.longest)
            ],
        }
        for line in lines
    ]


def worker_health(
    workers: Sequence[WorkerLine],
    problems: Mapping[str, str],
    rows: Sequence[WorkerMinute],
    now: datetime,
) -> list[Health]:
    """One sentence a worker: those that report, those with a problem, those that fell silent."""
    found = [_reporting(worker) for worker in workers]
    found += [
        Health(name=name, words=f"takes no case: {problem}", is_bad=True)
        for name, problem in problems.items()
    ]
    known = {health.name for health in found}
    begun = _first_minutes(rows, known)
    for name, at in sorted(last_reports(rows).items()):
        if name not in known and now - at < REMEMBERED and not _is_replaced(name, at, begun):
            ago = duration_text((now - at).total_seconds())
            words = f"last heartbeat {ago} ago, stopped or down"
            found.append(Health(name=name, words=words, is_bad=True))
    return found


def _first_minutes(rows: Sequence[WorkerMinute], names: Collection[str]) -> dict[str, datetime]:
    """The first minute of each named worker, as far back as `rows` reach."""
    found: dict[str, datetime] = {}
    for row in rows:
        if row.worker in names:
            found[row.worker] = min(row.minute, found.get(row.worker, row.minute))
    return found


def _is_replaced(name: str, silent_since: datetime, begun: Mapping[str, datetime]) -> bool:
    """Whether a worker of the same host began when this one ended: it was only restarted.

    The name of a worker is `host:process`.
    """
    host, mark, _ = name.rpartition(":")
    since = minutes.minute_of(silent_since)
    return bool(mark) and any(
        other.rpartition(":")[0] == host and at >= since for other, at in begun.items()
    )


def _reporting(worker: WorkerLine) -> Health:
    ago = worker.seen_seconds_ago
    if ago is None or ago > LATE_SECONDS:
        since = "never reported" if ago is None else f"last heartbeat {ago:.0f} s ago"
        return Health(name=worker.name, words=f"{since}, probably down", is_bad=True)
    kv = "" if worker.kv_percent is None else f", KV cache {worker.kv_percent} % full"
    words = (
        f"works: {worker.slots_used} of {worker.slots} slots, "
        f"{worker.tokens_per_second:.0f} tokens/s{kv}, last heartbeat {ago:.0f} s ago"
    )
    return Health(name=worker.name, words=words, is_bad=False)
