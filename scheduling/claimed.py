"""Writes of a job under a claim: the part of the services that only touches SQL.

Each is one transaction and a compare-and-set on the token of the claim. Done twice, it changes
nothing the second time and says how the job stands, so a caller that got no answer may ask again.
What Redis must hear is a step of its own, for the worker to repeat until it is done.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Coalesce

from scheduling.core.status import OPEN, JobStatus
from scheduling.models import Job
from scheduling.moves import move, notify

MAX_FAILURES = 5  # attempts that failed while the same worker wrote other jobs
_SHORT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Whether a write was done, and the status of the job; None where it does not exist."""

    done: bool
    status: JobStatus | None

    def __bool__(self) -> bool:
        return self.done


@dataclass(frozen=True, slots=True, kw_only=True)
class Started(Standing):
    """`job` is the row that now runs under the claim; None where the start was refused."""

    job: Job | None = None


def start_job(
    job_id: uuid.UUID, *, token: str, worker: str, model_name: str, policy: str, now: datetime
) -> Started:
    """The job runs under `token`. A claim that Redis granted voids an older one in SQL.

    A row that cannot be read becomes a failed job with one sentence.
    """
    with transaction.atomic():
        row = Job.objects.select_for_update().filter(id=job_id)
        found = row.values_list("status", "claim_token").first()
        status, old_token = found or (None, "")
        if status not in OPEN:
            return Started(done=False, status=known_status(status))
        if (status, old_token) != (JobStatus.RUNNING, token):
            # Where it still runs here, its worker's lease ended and nobody has said so.
            lost = _failed(row, now, is_lost=True) if status == JobStatus.RUNNING else {}
            row.update(
                status=JobStatus.RUNNING,
                worker=worker,
                claim_token=token,
                model_name=model_name,
                attempt=F("attempt") + 1,
                started_at=Coalesce("started_at", Value(now)),
                **lost,
            )
        job = _readable(job_id)
        if job is None:
            return _refuse_unreadable(job_id, now)
        if (status, old_token) != (JobStatus.RUNNING, token):
            notify(job, JobStatus(status), now, {"policy": policy})
    return Started(done=True, status=JobStatus.RUNNING, job=job)


def _readable(job_id: uuid.UUID) -> Job | None:
    """The whole row, if each of its fields means something."""
    try:
        job = Job.objects.get(id=job_id)
        job.to_request()
        tuple(map(int, job.progress_token_ids))
    except (ValueError, TypeError, AttributeError):
        return None
    return job


def _refuse_unreadable(job_id: uuid.UUID, now: datetime) -> Started:
    error = "its record in the database cannot be read"
    move(job_id, JobStatus.FAILED, now=now, error=error, finished_at=now, claim_token="")
    return Started(done=False, status=JobStatus.FAILED)


def record_first_token(job_id: uuid.UUID, *, token: str, now: datetime) -> None:
    Job.objects.filter(id=job_id, claim_token=token, first_token_at=None).update(first_token_at=now)


def release_job(
    job_id: uuid.UUID,
    *,
    token: str,
    token_ids: Sequence[int] | None,
    text: str,
    now: datetime,
    why: str,
    by: str = "",
    first_token_at: datetime | None = None,
) -> Standing:
    """Puts a running job back with its progress; None keeps the progress that SQL has.

    `by` is the id of the job that takes its slot.
    """
    return _move(
        job_id,
        JobStatus.WAITING,
        token,
        now,
        first_token_at,
        detail={"why": why} | ({"by": by} if by else {}),
        worker="",
        num_preemptions=F("num_preemptions") + int(why == "preempted"),
        **_progress(token_ids, text),
    )


def _progress(token_ids: Sequence[int] | None, text: str) -> dict[str, Any]:
    if token_ids is None:
        return {}
    return {
        "progress_token_ids": list(token_ids),
        "progress_text": text,
        "generated_tokens": len(token_ids),
    }


def finish_job(
    job_id: uuid.UUID,
    *,
    token: str,
    output: str,
    num_tokens: int,
    finish_reason: str,
    now: datetime,
    first_token_at: datetime | None = None,
) -> Standing:
    """Stores the result, once: a second call, or one under an old claim, changes nothing."""
    return _move(
        job_id,
        JobStatus.DONE,
        token,
        now,
        first_token_at,
        output=output,
        generated_tokens=num_tokens,
        finish_reason=finish_reason,
        finished_at=now,
        progress_token_ids=[],
        progress_text="",
    )


def fail_job(job_id: uuid.UUID, *, token: str, error: str, now: datetime) -> Standing:
    """Records that the generation itself failed. The case stays, with its priority."""
    return _move(job_id, JobStatus.FAILED, token, now, None, error=error[:_SHORT], finished_at=now)


def return_job(
    job_id: uuid.UUID,
    *,
    token: str,
    now: datetime,
    why: str,
    failure: str,
    token_ids: Sequence[int] | None = None,
    text: str = "",
    is_lost: bool = False,
) -> Standing:
    """Puts a job back after an attempt that failed; fails it after `MAX_FAILURES` that count.

    `why` is for the history, `failure` is what people read if it was the last attempt. `is_lost`
    says that the worker itself is gone.
    """
    with transaction.atomic():
        row = Job.objects.select_for_update().filter(id=job_id, status=JobStatus.RUNNING)
        row = row.filter(claim_token=token)
        values = _failed(row, now, is_lost=is_lost)
        if not values:
            return _standing(job_id)
        values |= {"claim_token": "", "worker": ""}
        if values["num_failures"] >= MAX_FAILURES:
            error = f"{failure} (attempt {values['num_failures']})"[:_SHORT]
            values |= {"error": error, "finished_at": now}
            move(job_id, JobStatus.FAILED, now=now, token=token, **values)
            return Standing(done=True, status=JobStatus.FAILED)
        values |= _progress(token_ids, text)
        move(job_id, JobStatus.WAITING, now=now, token=token, detail={"why": why}, **values)
    return Standing(done=True, status=JobStatus.WAITING)


def _failed(row: QuerySet[Job], now: datetime, *, is_lost: bool) -> dict[str, Any]:
    """The fields of a job after one more failed attempt; empty where `row` has no job.

    An attempt counts only if its worker has written another job since the attempt before failed:
    else the fault may be the engine's, and an engine that cannot work fails no case. A worker
    that was lost is followed by another process on its host.
    """
    known = row.values_list("num_failures", "failed_at", "worker").first()
    if known is None:
        return {}
    num_failures, failed_at, worker = known
    if failed_at is not None:
        host, colon, _ = worker.partition(":")
        same = {"worker__startswith": host + colon} if is_lost else {"worker": worker}
        others = Job.objects.filter(status=JobStatus.DONE, finished_at__gt=failed_at, **same)
        num_failures += int(others.exists())
    else:
        num_failures += 1
    return {"num_failures": num_failures, "failed_at": now}


def _move(
    job_id: uuid.UUID,
    new: JobStatus,
    token: str,
    now: datetime,
    first_token_at: datetime | None,
    **values: Any,
) -> Standing:
    if first_token_at is not None:
        values["first_token_at"] = Coalesce("first_token_at", Value(first_token_at))
    if move(job_id, new, now=now, token=token, claim_token="", **values):
        return Standing(done=True, status=new)
    return _standing(job_id)


def _standing(job_id: uuid.UUID) -> Standing:
    status = Job.objects.filter(id=job_id).values_list("status", flat=True).first()
    return Standing(done=False, status=known_status(status))


def known_status(status: str | None) -> JobStatus | None:
    """None for a status that this release does not know: to it, such a job does not exist."""
    return JobStatus(status) if status in set(JobStatus) else None
