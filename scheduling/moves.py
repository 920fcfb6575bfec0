"""Changes of a job's status: compare-and-set in SQL, then a notification after the commit."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import redis
import structlog
from django.db import transaction

from scheduling.core.status import JobStatus, sources_of
from scheduling.models import Job
from scheduling.signals import job_moved

log = structlog.get_logger(__name__)


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
        job = rows.first()
        if job is None:
            return False
        old = JobStatus(job.status)
        Job.objects.filter(id=job_id).update(status=new, **values)
        job.refresh_from_db()
        notify(job, old, now, detail)
    return True


def notify(
    job: Job, old: JobStatus | None, now: datetime, detail: Mapping[str, Any] | None = None
) -> None:
    """Sends `job_moved` inside the transaction. `old` is None for a new job."""
    job_moved.send(sender=Job, job=job, old=old, now=now, detail=dict(detail or {}))


def after_commit(action: Callable[[], object]) -> None:
    """Runs `action` after the commit and ignores an outage."""
    transaction.on_commit(lambda: ignore_outage(action))


def ignore_outage(action: Callable[[], object]) -> None:
    """Runs `action` and logs an outage of Redis or of the broker.

    SQL has recorded the change already, so an outage must not raise an error.
    """
    try:
        action()
    except (redis.RedisError, OSError) as error:
        log.warning("redis_unreachable", error=type(error).__name__)
    except Exception as error:
        if type(error).__module__.split(".")[0] not in {"kombu", "celery", "amqp"}:
            raise
        log.warning("broker_unreachable", error=type(error).__name__)
