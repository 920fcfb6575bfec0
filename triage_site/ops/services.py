"""All writes of the console. A comparison moves by compare-and-set: one process runs it."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q, QuerySet

from scheduling import recorded
from scheduling.comparisons.choices import BadChoice, LoadKind, choices_from
from scheduling.simulator.trace_formats import PriorityRule
from scheduling.simulator.workload_files import Reading, parse_workload
from triage_site.cases.calls import fixture_names
from triage_site.cases.submission_limit import TooMany
from triage_site.ops.models import UNFINISHED, Comparison, ComparisonStatus, Upload

MAX_UPLOAD_BYTES: Final = 32_000_000
STALE_AFTER: Final = timedelta(seconds=15)
MAX_ATTEMPTS: Final = 3
HOUR: Final = timedelta(hours=1)
# Of one person, so that comparisons of others have their turn.
MAX_UNFINISHED: Final = 3
MAX_PER_HOUR: Final = 30


def create_comparison(data: Mapping[str, Any], *, actor: User | None, now: datetime) -> Comparison:
    """Queues a comparison.

    Raises BadChoice for the first field that cannot be used, and TooMany where the person has
    too many that wait or run, or that were begun in the last hour.
    """
    choices = choices_from(data)
    load = choices.load
    if load.kind is LoadKind.FIXTURE and load.name not in fixture_names():
        raise BadChoice("name", f"no such fixture; there are {', '.join(fixture_names())}")
    if load.kind is LoadKind.FILE:
        _check_upload(load.upload)
    if load.kind is LoadKind.RECORDED and load.since and load.until:
        _check_window(load.since, load.until)
    with transaction.atomic():
        if actor is not None:
            _take_turn(actor)
            _check_share(actor, now)
        return Comparison.objects.create(choices=dict(data), created_by=actor, created_at=now)


def _take_turn(actor: User) -> None:
    """Until the end of the transaction nothing else is counted for this person."""
    User.objects.select_for_update(no_key=True).get(pk=actor.pk)


def _check_share(actor: User, now: datetime) -> None:
    own = Comparison.objects.filter(created_by=actor)
    if own.filter(status__in=UNFINISHED).count() >= MAX_UNFINISHED:
        raise TooMany(
            "comparisons",
            f"{MAX_UNFINISHED} comparisons of yours wait or run; start another one when one of "
            "them has ended, or cancel one",
            None,
        )
    wait = _wait_seconds(own.filter(created_at__gt=now - HOUR), MAX_PER_HOUR, now)
    if wait:
        raise TooMany(
            "comparisons",
            f"{MAX_PER_HOUR} comparisons were started in an hour; start the next one in "
            f"{math.ceil(wait / 60)} min",
            wait,
        )


def _wait_seconds(rows: QuerySet[Any], limit: int, now: datetime) -> int:
    """Returns when one more row is within the limit of an hour; 0 where it is now."""
    times = rows.order_by("-created_at").values_list("created_at", flat=True)
    oldest = times[limit - 1 : limit].first()
    return 0 if oldest is None else max(1, math.ceil((oldest + HOUR - now).total_seconds()))


def _check_window(since: datetime, until: datetime) -> None:
    if not recorded.has_recorded_jobs(since, until):
        window = f"{since:%Y-%m-%d %H:%M:%S} to {until:%Y-%m-%d %H:%M:%S}"
        raise BadChoice("since", f"no recorded case with guidance arrived in the window {window}")


def _check_upload(upload: str) -> None:
    try:
        known = Upload.objects.filter(id=uuid.UUID(upload)).exists()
    except ValueError:
        known = False
    if not known:
        raise BadChoice("upload", "no such upload")


def store_upload(name: str, content: bytes, *, actor: User | None, now: datetime) -> Upload:
    """Keeps a file that can be read as a load. Raises ValueError that says what is wrong."""
    if len(content) > MAX_UPLOAD_BYTES:
        raise ValueError(f"file: at most {MAX_UPLOAD_BYTES // 1_000_000} MB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("file: is not UTF-8 text") from None
    path = PurePath(PurePath(name.replace("\\", "/")).name or "load.csv")
    reading = Reading(priorities=PriorityRule.UNIFORM)
    try:
        loaded = parse_workload(path, text, reading)
    except ValueError as error:
        raise ValueError(f"file: {error}") from None
    return Upload.objects.create(
        name=path.name[:200],
        content=text,
        num_requests=len(loaded.works),
        created_by=actor,
        created_at=now,
    )


def claim_comparison(now: datetime) -> Comparison | None:
    """The oldest comparison that waits, or whose process has fallen silent; None without one."""
    stale = Q(status=ComparisonStatus.RUNNING, heartbeat_at__lt=now - STALE_AFTER)
    ready = Comparison.objects.filter(Q(status=ComparisonStatus.QUEUED) | stale)
    for comparison in ready.order_by("created_at").only("id", "attempt", "status"):
        if comparison.attempt >= MAX_ATTEMPTS:
            error = f"its process stopped {comparison.attempt} times"
            _end(comparison, ComparisonStatus.FAILED, now, error=error)
            continue
        mine = Comparison.objects.filter(
            id=comparison.id, attempt=comparison.attempt, status=comparison.status
        )
        if mine.update(
            status=ComparisonStatus.RUNNING,
            attempt=F("attempt") + 1,
            progress=0.0,
            started_at=now,
            heartbeat_at=now,
        ):
            return Comparison.objects.get(id=comparison.id)
    return None


def report_progress(comparison: Comparison, progress: float, now: datetime) -> bool:
    """False when this attempt is no longer the one that counts: cancelled, or taken over."""
    return bool(_mine(comparison).update(progress=progress, heartbeat_at=now))


def give_back_comparison(comparison: Comparison) -> bool:
    """The process stops in an orderly way: the comparison waits again, and this was no attempt."""
    return bool(
        _mine(comparison).update(
            status=ComparisonStatus.QUEUED, progress=0.0, attempt=F("attempt") - 1
        )
    )


def finish_comparison(comparison: Comparison, now: datetime, **values: Any) -> bool:
    """Stores the results, once. `values` are fields of the row."""
    return _end(comparison, ComparisonStatus.DONE, now, progress=1.0, **values)


def fail_comparison(comparison: Comparison, reason: str, now: datetime) -> bool:
    return _end(comparison, ComparisonStatus.FAILED, now, error=reason[:500])


def cancel_comparison(comparison_id: uuid.UUID, *, now: datetime) -> bool:
    """False when it has ended already."""
    return bool(
        Comparison.objects.filter(id=comparison_id, status__in=UNFINISHED).update(
            status=ComparisonStatus.CANCELLED, ended_at=now
        )
    )


def _mine(comparison: Comparison) -> Any:
    return Comparison.objects.filter(
        id=comparison.id, attempt=comparison.attempt, status=ComparisonStatus.RUNNING
    )


def _end(comparison: Comparison, status: ComparisonStatus, now: datetime, **values: Any) -> bool:
    rows = Comparison.objects.filter(
        id=comparison.id, attempt=comparison.attempt, status__in=UNFINISHED
    )
    return bool(rows.update(status=status, ended_at=now, **values))
