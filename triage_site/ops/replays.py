"""The page of replays as values: the one that runs, its progress, and those before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from django.db.models import Count, Q, QuerySet
from django.template.loader import render_to_string

from triage_site.cases.calls import fixture_calls, fixture_names
from triage_site.cases.levels import duration_text
from triage_site.cases.models import ENDED, OPEN_STATUSES, Case, CaseStatus
from triage_site.cases.replay_models import Replay, ReplayEvent, ReplayStatus

NUM_SHOWN: Final = 20
SILENT_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FixtureLine:
    name: str
    num_calls: int
    length: str  # in words, at speed 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayLine:
    """One replay; counts are of its cases."""

    replay: Replay
    num_cases: int
    num_ended: int
    num_ready: int
    is_sending: bool
    silent_seconds: int | None  # where the process that sends has fallen silent
    events: Sequence[ReplayEvent]

    @property
    def percent_sent(self) -> int:
        return round(100 * self.replay.num_sent / max(1, self.replay.num_calls))

    @property
    def percent_ended(self) -> int:
        return round(100 * self.num_ended / max(1, self.replay.num_calls))


def replay_is_running() -> bool:
    """Whether calls are sent, or guidance for replayed cases is still to come."""
    return (
        Replay.objects.filter(status=ReplayStatus.SENDING).exists()
        or Case.objects.filter(replay__isnull=False, status__in=OPEN_STATUSES).exists()
    )


def real_cases_wait() -> bool:
    return Case.objects.filter(replay__isnull=True, status__in=OPEN_STATUSES).exists()


@cache
def fixtures() -> tuple[FixtureLine, ...]:
    found = []
    for name in fixture_names():
        calls = fixture_calls(name)
        length = duration_text(calls[-1].offset_seconds)
        found.append(FixtureLine(name=name, num_calls=len(calls), length=length))
    return tuple(found)


def find_replay(replay_id: Any) -> Replay | None:
    return Replay.objects.filter(id=replay_id).first()


def render_replays(now: datetime) -> str:
    return render_to_string("ops/replays/_state.html", replays_context(now))


def replays_context(now: datetime) -> dict[str, Any]:
    lines = [_line(replay, now) for replay in _with_counts()[:NUM_SHOWN]]
    running = next((line for line in lines if line.is_sending), None)
    return {"running": running, "lines": lines}


def _with_counts() -> QuerySet[Replay]:
    replays = Replay.objects.select_related("started_by").prefetch_related("events__actor")
    # Django leaves the ordering of the model out of a query that counts.
    return replays.order_by("-started_at").annotate(
        num_cases=Count("cases"),
        num_ended=Count("cases", filter=Q(cases__status__in=ENDED)),
        num_ready=Count("cases", filter=Q(cases__status=CaseStatus.DONE)),
    )


def _line(replay: Any, now: datetime) -> ReplayLine:
    is_sending = replay.status == ReplayStatus.SENDING
    silent = (now - replay.heartbeat_at).total_seconds()
    return ReplayLine(
        replay=replay,
        num_cases=replay.num_cases,
        num_ended=replay.num_ended,
        num_ready=replay.num_ready,
        is_sending=is_sending,
        silent_seconds=round(silent) if is_sending and silent > SILENT_SECONDS else None,
        events=list(replay.events.all()),
    )
