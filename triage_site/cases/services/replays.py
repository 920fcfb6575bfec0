"""Replays: start, one step after the other, stop, and the removal of their cases."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from math import isfinite
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from scheduling import append_only
from scheduling import services as scheduling
from scheduling.core.status import OPEN
from scheduling.models import AppendOnly, Job, QueueMove
from triage_site.audit.services import record_removal
from triage_site.cases.announcements import announce
from triage_site.cases.calls import Call, CallsFileError, fixture_calls, fixture_names
from triage_site.cases.models import ENDED, Case, OverrideReason
from triage_site.cases.replay_models import Replay, ReplayEvent, ReplayStatus
from triage_site.cases.services.intake import submit_case
from triage_site.cases.services.levels import override_priority
from triage_site.classifiers.models import ShadowAnswer

MIN_SPEED: Final = 0.1
MAX_SPEED: Final = 600.0


def start_replay(fixture: str, speed: float, *, actor: User, now: datetime) -> Replay:
    """Raises ValueError that names the field where it cannot start, or while another one runs."""
    if fixture not in fixture_names():
        raise ValueError(f"fixture: Choose one of {', '.join(fixture_names())}")
    if not isfinite(speed) or not MIN_SPEED <= speed <= MAX_SPEED:
        raise ValueError(f"speed: Enter a number from {MIN_SPEED:g} to {MAX_SPEED:g}")
    try:
        num_calls = len(fixture_calls(fixture))
    except CallsFileError as error:
        raise ValueError(f"fixture: {error}") from None
    try:
        with transaction.atomic():
            replay = Replay.objects.create(
                fixture=fixture,
                speed=speed,
                started_at=now,
                heartbeat_at=now,
                started_by=actor,
                num_calls=num_calls,
            )
            _record(replay, ReplayEvent.Kind.STARTED, now, actor, calls=num_calls, speed=speed)
    except IntegrityError:
        raise ValueError("fixture: Another replay is running; stop it first") from None
    return replay


def stop_replay(replay_id: uuid.UUID, *, actor: User, now: datetime) -> bool:
    """Sends no further call. Cases that were sent stay. False when it has ended already."""
    with transaction.atomic():
        if not _end(replay_id, ReplayStatus.STOPPED, now):
            return False
        replay = Replay.objects.get(id=replay_id)
        _record(replay, ReplayEvent.Kind.STOPPED, now, actor, calls=replay.num_sent)
    return True


def end_replay(replay: Replay, now: datetime, *, error: str = "") -> bool:
    """All calls were sent, or, with an error, it cannot go on."""
    status = ReplayStatus.FAILED if error else ReplayStatus.SENT
    with transaction.atomic():
        if not _end(replay.id, status, now, error=error[:300]):
            return False
        _record(replay, ReplayEvent.Kind.ENDED, now, None, status=status.value)
    return True


def _end(replay_id: uuid.UUID, status: ReplayStatus, now: datetime, **values: Any) -> bool:
    running = Replay.objects.filter(id=replay_id, status=ReplayStatus.SENDING)
    return bool(running.update(status=status, ended_at=now, **values))


def beat_replay(replay: Replay, now: datetime) -> None:
    Replay.objects.filter(id=replay.id, status=ReplayStatus.SENDING).update(heartbeat_at=now)


def send_call(replay: Replay, call: Call, *, now: datetime) -> bool:
    """Submits the call as the next step. False where another process did it, or it was stopped."""
    with transaction.atomic():
        if not _step(replay, now, num_sent=replay.num_sent + 1):
            return False
        submit_case(
            facts=call.facts,
            actor=replay.started_by,
            submission_key=_key(replay, call),
            now=now,
            replay=replay,
        )
    return True


def worsen_call(replay: Replay, call: Call, *, now: datetime) -> bool:
    """The patient of an earlier call gets worse: a person changes the level, as the next step."""
    assert call.escalation is not None
    if not _step(replay, now):
        return False
    case = Case.objects.filter(replay=replay, submission_key=_key(replay, call)).first()
    if case is None or case.status in ENDED:
        return True
    with suppress(ValueError):  # closed by a person, or still being classified
        override_priority(
            case.id,
            priority=call.escalation.priority,
            reason=OverrideReason.WORSE,
            note=call.escalation.why,
            actor=replay.started_by,
            now=now,
        )
    return True


def _step(replay: Replay, now: datetime, **values: int) -> bool:
    """Takes the next step by compare-and-set on the position."""
    rows = Replay.objects.filter(
        id=replay.id, status=ReplayStatus.SENDING, position=replay.position
    )
    if not rows.update(position=replay.position + 1, heartbeat_at=now, **values):
        return False
    replay.position += 1
    replay.num_sent = values.get("num_sent", replay.num_sent)
    return True


def _key(replay: Replay, call: Call) -> str:
    return f"replay-{replay.id.hex}-{call.id}"[:80]


def remove_replay(replay_id: uuid.UUID, *, actor: User | None, now: datetime) -> int:
    """Removes all cases of a replay with their history and jobs, also from the queue. Returns
    their number. Raises ValueError while it sends calls, and NotTheOwner where this process may
    not remove records: then `manage.py remove_replay` does."""
    cases = Case.objects.filter(replay_id=replay_id)
    with append_only.unlocked():
        replay = Replay.objects.select_for_update().get(id=replay_id)
        if replay.status == ReplayStatus.SENDING:
            raise ValueError("replay: Stop it first")
        ids = list(cases.values_list("id", flat=True))
        jobs = Job.objects.filter(case_id__in=ids)
        for job_id in jobs.filter(status__in=OPEN).values_list("id", flat=True):
            scheduling.cancel_job(job_id, now=now)
        for rows in _histories(replay_id, ids, jobs):
            numbers = list(rows.values_list("pk", flat=True))
            record_removal(rows.model, numbers, now, actor=actor, why="replay removed")
            rows.delete()
        jobs.delete()
        cases.delete()
        Replay.objects.filter(id=replay_id, removed_at=None).update(removed_at=now)
        _record(replay, ReplayEvent.Kind.REMOVED, now, actor, cases=len(ids))
        transaction.on_commit(lambda: announce({"kind": "removed"}))
    return len(ids)


def _histories(
    replay_id: uuid.UUID, case_ids: list[uuid.UUID], jobs: QuerySet[Job]
) -> Iterator[QuerySet[Any]]:
    """The append-only rows of the cases of a replay, table by table."""
    yield ShadowAnswer.objects.filter(case_id__in=case_ids)
    yield QueueMove.objects.filter(job__in=jobs)
    yield from _append_only_rows(Case, "replay_id", replay_id)


def _append_only_rows(model: type[Any], path: str, replay_id: uuid.UUID) -> Iterator[QuerySet[Any]]:
    """Rows that refer to those of `model`, and before them what refers to these."""
    for relation in model._meta.related_objects:
        if issubclass(relation.related_model, AppendOnly):
            longer = f"{relation.field.name}__{path}"
            yield from _append_only_rows(relation.related_model, longer, replay_id)
            rows: Any = relation.related_model._base_manager
            yield rows.filter(**{longer: replay_id})


def _record(
    replay: Replay, kind: ReplayEvent.Kind, now: datetime, actor: User | None, **data: Any
) -> None:
    ReplayEvent.objects.create(replay=replay, kind=kind, at=now, actor=actor, data=data)
