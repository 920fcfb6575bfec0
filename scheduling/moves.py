"""Changes of a job's status: compare-and-set in SQL, a receipt, then a notification."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import redis
from django.db import transaction

from scheduling import connection, receipts
from scheduling.core.status import JobStatus, sources_of
from scheduling.models import Job
from scheduling.queue.protocol import UnknownPolicy
from scheduling.signals import job_moved

# What those who follow a job read of it.
_TOLD = ("case_id", "status", "attempt", "output", "finish_reason", "model_name")


def move(
    job_id: uuid.UUID,
    new: JobStatus,
    *,
    now: datetime,
    token: str | None = None,
    sources: frozenset[JobStatus] | None = None,
    detail: Mapping[str, Any] | None = None,
    **values: Any,
) -> bool:
    """Compare-and-set of the status. Returns True for the one caller that changed it."""
    allowed = sources_of(new) if sources is None else sources
    with transaction.atomic():
        rows = Job.objects.select_for_update().filter(id=job_id, status__in=allowed)
        if token is not None:
            rows = rows.filter(claim_token=token)
        old = rows.values_list("status", flat=True).first()
        if old is None:
            return False
        Job.objects.filter(id=job_id).update(status=new, **values)
        # Not the whole row: a job of which a part cannot be read must still be able to end.
        notify(Job.objects.only(*_TOLD).get(id=job_id), JobStatus(old), now, detail)
    return True


def notify(
    job: Job, old: JobStatus | None, now: datetime, detail: Mapping[str, Any] | None = None
) -> None:
    """Writes the receipt and sends `job_moved`, inside the transaction.

    `old` is None for a new job.
    """
    receipts.record_status(job, old, now, detail or {})
    job_moved.send(sender=Job, job=job, old=old, now=now, detail=dict(detail or {}))


def after_commit(action: Callable[[], object]) -> None:
    """Runs `action` after the commit and ignores an outage."""
    transaction.on_commit(lambda: ignore_outage(action))


def ignore_outage(action: Callable[[], object]) -> None:
    """Runs `action`. SQL has recorded the change already, so an outage of Redis is no error."""
    try:
        action()
    except (redis.RedisError, UnknownPolicy, OSError) as error:
        connection.log_store_error("redis_refused", error)
