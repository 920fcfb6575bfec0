"""Sends the calls of a running replay at their times. The state is in SQL, so any process goes on
where another one stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from threading import Event as Flag
from typing import Final

from django.db import close_old_connections
from django.utils import timezone

from scheduling.outage_log import OutageLog
from triage_site.cases import services
from triage_site.cases.calls import Call, CallsFileError, fixture_calls
from triage_site.cases.replay_models import Replay, ReplayStatus

IDLE_SECONDS: Final = 0.5
ACTIVE_SECONDS: Final = 0.1
BEAT_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Step:
    """A call, or the change for the worse after it, `at` seconds after the start at speed 1."""

    at: float
    number: int
    worsens: bool = False


def steps_of(calls: Sequence[Call]) -> list[Step]:
    """All steps in order of time."""
    found = [Step(at=call.offset_seconds, number=number) for number, call in enumerate(calls)]
    found += [
        Step(at=call.offset_seconds + call.escalation.after_seconds, number=number, worsens=True)
        for number, call in enumerate(calls)
        if call.escalation is not None
    ]
    return sorted(found)


@lru_cache(maxsize=2)
def _plan(fixture: str) -> tuple[list[Call], list[Step]]:
    calls = fixture_calls(fixture)
    return calls, steps_of(calls)


def turn(now: datetime) -> bool:
    """Takes all steps that are due. Returns whether a replay is running."""
    replay = Replay.objects.filter(status=ReplayStatus.SENDING).select_related("started_by").first()
    if replay is None:
        return False
    try:
        calls, steps = _plan(replay.fixture)
    except CallsFileError as error:
        services.end_replay(replay, now, error=str(error))
        return False
    elapsed = (now - replay.started_at).total_seconds() * replay.speed
    for step in steps[replay.position :]:
        if step.at > elapsed:
            break
        act = services.worsen_call if step.worsens else services.send_call
        if not act(replay, calls[step.number], now=now):
            return True  # stopped, or another process is at it
    if replay.position >= len(steps):
        services.end_replay(replay, now)
    elif (now - replay.heartbeat_at).total_seconds() >= BEAT_SECONDS:
        services.beat_replay(replay, now)
    return True


def run_replays(stop: Flag, clock: Callable[[], datetime] = timezone.now) -> None:
    """Until `stop`. No error ends it."""
    outage = OutageLog("replays")
    while not stop.is_set():
        try:
            is_running = turn(clock())
            outage.worked()
        except Exception as error:
            outage.failed(error)
            is_running = False
        close_old_connections()
        stop.wait(ACTIVE_SECONDS if is_running else IDLE_SECONDS)
