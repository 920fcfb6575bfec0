"""All writes of the console. A comparison moves by compare-and-set: one process runs it."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import PurePath
from threading import Lock
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q, QuerySet, Sum

from scheduling import recorded
from scheduling.comparisons.choices import MAX_REQUESTS, BadChoice, LoadKind, choices_from
from scheduling.simulator.load_check import num_requests
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
# Uploaded files: of one person, and of all.
MAX_UPLOADS_PER_HOUR: Final = 20
MAX_OWN_UPLOADS: Final = 30
MAX_OWN_BYTES: Final = 100_000_000
MAX_SITE_BYTES: Final = 1_000_000_000
# What a browser or a program calls CSV and JSON; many say nothing more than "bytes".
KINDS: Final = frozenset(
    {
        *("", "application/octet-stream", "text/plain", "text/csv", "application/csv"),
        *("application/vnd.ms-excel", "text/tab-separated-values", "application/json"),
        *("text/json", "application/jsonl", "application/x-ndjson", "application/x-jsonlines"),
    }
)
_is_reading: Final = Lock()


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
        if load.kind is LoadKind.FILE:
            Upload.objects.filter(id=load.upload).update(used_at=now)
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


def store_upload(
    name: str, content: bytes, *, actor: User | None, now: datetime, kind: str = ""
) -> Upload:
    """Keeps a file that can be read as a load. `kind` is the content type that it was sent with.

    Another process reads it, one file at a time. Raises ValueError that says what is wrong with
    the file or that the person's or the site's space is used up, and TooMany.
    """
    if len(content) > MAX_UPLOAD_BYTES:
        raise ValueError(f"file: at most {MAX_UPLOAD_BYTES // 1_000_000} MB")
    if kind.partition(";")[0].strip().lower() not in KINDS:
        raise ValueError("file: was sent as another kind of file; send CSV or JSON")
    _check_space(actor, len(content), now)
    path = PurePath(PurePath(name.replace("\\", "/")).name or "load.csv")
    if not _is_reading.acquire(blocking=False):
        raise TooMany("file", "another file is being read; send yours again in 10 s", 10)
    try:
        num = num_requests(path, content, MAX_REQUESTS)
    except ValueError as error:
        raise ValueError(f"file: {error}") from None
    finally:
        _is_reading.release()
    with transaction.atomic():
        if actor is not None:
            _take_turn(actor)
            _check_space(actor, len(content), now)
        return Upload.objects.create(
            name=path.name[:200],
            content=content.decode("utf-8-sig"),
            num_requests=num,
            num_bytes=len(content),
            created_by=actor,
            created_at=now,
            used_at=now,
        )


def _check_space(actor: User | None, num_bytes: int, now: datetime) -> None:
    used = _num_bytes(Upload.objects.all())
    if used + num_bytes > MAX_SITE_BYTES:
        raise ValueError(
            f"file: the uploaded files of the site may take {_megabytes(MAX_SITE_BYTES)}; remove "
            "one that is not used any more"
        )
    if actor is None:
        return
    own = Upload.objects.filter(created_by=actor)
    if _num_bytes(own) + num_bytes > MAX_OWN_BYTES:
        raise ValueError(
            f"file: your uploaded files may take {_megabytes(MAX_OWN_BYTES)}; remove one below"
        )
    if own.count() >= MAX_OWN_UPLOADS:
        raise ValueError(f"file: you may keep {MAX_OWN_UPLOADS} uploaded files; remove one below")
    wait = _wait_seconds(own.filter(created_at__gt=now - HOUR), MAX_UPLOADS_PER_HOUR, now)
    if wait:
        minutes = math.ceil(wait / 60)
        raise TooMany(
            "file",
            f"{MAX_UPLOADS_PER_HOUR} files were sent in an hour; send the next one in "
            f"{minutes} min",
            wait,
        )


def _num_bytes(uploads: QuerySet[Upload]) -> int:
    return int(uploads.aggregate(num=Sum("num_bytes"))["num"] or 0)


def _megabytes(num_bytes: int) -> str:
    return f"{num_bytes // 1_000_000:,} MB"


def remove_upload(upload_id: uuid.UUID, *, actor: User) -> None:
    """Removes an uploaded file of this person. Comparisons that have ended keep their load.

    Raises ValueError where one that waits or runs needs it, and Upload.DoesNotExist.
    """
    with transaction.atomic():
        _take_turn(actor)
        upload = Upload.objects.defer("content").get(id=upload_id, created_by=actor)
        unfinished = Comparison.objects.filter(status__in=UNFINISHED)
        chosen = unfinished.values_list("choices__load__upload", flat=True)
        if str(upload.id) in chosen:
            raise ValueError("upload: A comparison that waits or runs needs this file")
        upload.delete()


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
