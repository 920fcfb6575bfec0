"""Reads of the operations page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, F

from scheduling import recorded
from scheduling import selectors as scheduling
from scheduling.core.guidance import WITHHELD_WORDS
from scheduling.core.policies import POLICIES
from scheduling.core.request import PRIORITIES
from scheduling.core.status import OPEN, JobStatus
from scheduling.models import Job, PolicyChange, SwitchOutcome
from scheduling.simulator.judgement import judge
from triage_site.cases.levels import LEVELS, Level

NUM_SWITCHES_SHOWN = 20
NUM_MARKED: Final = 30  # policy changes in the charts
ETA_WITHIN = timedelta(days=1)
NUM_JUDGED: Final = 2_000  # the newest forecasts that the record of the page counts
WITHHELD_PERIOD = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLine:
    """One worker by its last heartbeat; None for a value that it does not report."""

    name: str
    slots: int
    slots_used: int
    tokens_per_second: float
    kv_percent: int | None
    seen_seconds_ago: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelLine:
    level: Level
    waiting: int
    running: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyLine:
    """A policy without its key function, which a template would call."""

    name: str
    title: str
    description: str
    good_for: str
    bad_for: str
    is_active: bool


def policies() -> list[PolicyLine]:
    active = scheduling.active_policy_name()
    return [
        PolicyLine(
            name=name,
            title=policy.title,
            description=policy.description,
            good_for=policy.good_for,
            bad_for=policy.bad_for,
            is_active=name == active,
        )
        for name, policy in POLICIES.items()
    ]


def workers(now: datetime) -> list[WorkerLine]:
    return [
        WorkerLine(
            name=name,
            slots=int(state.get("slots", 0)),
            slots_used=int(state.get("slots_used", 0)),
            tokens_per_second=state.get("tokens_per_second", 0.0),
            kv_percent=_percent(state.get("kv_blocks_used"), state.get("kv_blocks")),
            seen_seconds_ago=max(0.0, now.timestamp() - state["at"]) if "at" in state else None,
        )
        for name, state in sorted(scheduling.workers().items())
    ]


def problems_of_workers() -> dict[str, str]:
    """Returns one sentence for each GPU worker that runs but cannot work, by name."""
    return scheduling.problems_of_workers()


def _percent(part: float | None, whole: float | None) -> int | None:
    return None if part is None or not whole else round(100 * part / whole)


def levels() -> list[LevelLine]:
    """Returns the numbers of waiting and running jobs per level."""
    open_jobs = Job.objects.filter(status__in=OPEN)
    rows = open_jobs.values_list("status", "priority").annotate(num=Count("id"))
    counts = {(status, priority): num for status, priority, num in rows}
    return [
        LevelLine(
            level=LEVELS[priority],
            waiting=counts.get((JobStatus.WAITING, priority), 0),
            running=counts.get((JobStatus.RUNNING, priority), 0),
        )
        for priority in PRIORITIES
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeLine:
    """Mean start of the waiting cases of one level after a switch, in seconds."""

    level: Level
    cases: int
    forecast: float
    low: float | None
    high: float | None
    actual: float

    @property
    def is_within(self) -> bool:
        return (
            self.low is not None
            and self.high is not None
            and (self.low <= self.actual <= self.high)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchLine:
    """A policy change, and its forecast beside what happened once that is known."""

    change: PolicyChange
    outcome: Sequence[OutcomeLine]
    words: str  # where there is no outcome by level

    @property
    def old_title(self) -> str:
        return policy_title(self.change.old)

    @property
    def new_title(self) -> str:
        return policy_title(self.change.new)


def policy_title(name: str) -> str:
    return POLICIES[name].title if name in POLICIES else name


def recent_switches() -> Sequence[SwitchLine]:
    changes = PolicyChange.objects.select_related("actor", "outcome")[:NUM_SWITCHES_SHOWN]
    return [_switch_line(change) for change in changes]


def _switch_line(change: PolicyChange) -> SwitchLine:
    found: SwitchOutcome | None = getattr(change, "outcome", None)
    lines = [
        OutcomeLine(level=LEVELS[int(priority)], **line)
        for priority, line in sorted((found.levels if found else {}).items())
    ]
    if found:
        words = "Not scored: another change came before its cases had started."
    elif any(level.get("starts_after") is not None for level in change.preview.values()):
        words = "Forecast made; its cases have not all started yet."
    elif any(level["waiting"] for level in change.preview.values()):
        words = "No forecast: how fast guidance is written was not known."
    else:
        words = "No forecast: no one waited." if change.preview else "No forecast was made."
    return SwitchLine(change=change, outcome=lines, words=words)


def eta_record(now: datetime) -> dict[str, Any]:
    """How good the forecasts of ready guidance were in the last 24 hours: `judge`, of real cases,
    and how many cases that waited were never shown a time."""
    since = now - ETA_WITHIN
    found = judge(recorded.judged_ends(recorded.judged_forecasts(since, None, newest=NUM_JUDGED)))
    return {**found, "untold": recorded.num_untold(since, None)}


@dataclass(frozen=True, slots=True, kw_only=True)
class WithheldLines:
    """Guidance of real cases that ended in the last day: how many answers, and how many of them
    were withheld for what."""

    num_ended: int
    num_withheld: int
    lines: list[tuple[str, int]]


def withheld(now: datetime) -> WithheldLines:
    num_ended, counts = scheduling.withheld_counts(now - WITHHELD_PERIOD)
    most_first = sorted(counts.items(), key=lambda pair: -pair[1])
    return WithheldLines(
        num_ended=num_ended,
        num_withheld=sum(counts.values()),
        lines=[(WITHHELD_WORDS[reason], num) for reason, num in most_first],
    )


def newest_switch() -> PolicyChange | None:
    return PolicyChange.objects.select_related("actor").first()


def switches_since(moment: datetime) -> list[PolicyChange]:
    """Changes to another policy, oldest first; the newest of many."""
    later = PolicyChange.objects.filter(changed_at__gte=moment).exclude(old=F("new"))
    return list(reversed(later[:NUM_MARKED]))
