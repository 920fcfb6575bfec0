"""Guidance follows the facts: the jobs of a case and their texts."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from scheduling import services as scheduling
from scheduling.core.guidance import WITHHELD_REASONS
from scheduling.core.status import JobStatus
from scheduling.models import Job
from scheduling.signals import job_moved
from triage_site.cases.models import Case, CaseEvent, CaseStatus
from triage_site.cases.services.records import Conflict, locked, record
from triage_site.triage.brief import build_brief
from triage_site.triage.length import predict_tokens

_BYTES_PER_TOKEN = 4  # an estimate; the engine counts the real tokens


def brief_of(case: Case) -> str:
    """Returns the brief of the case with its current facts."""
    assert case.priority is not None
    said = case.classification
    return build_brief(
        case.case_facts,
        priority=case.priority,
        danger_signs=said.get("danger_signs", ()),
        complaint=said.get("complaint"),
        complaint_words=said.get("complaint_words", ()),
    )


def submit_guidance(case: Case, now: datetime) -> Job:
    """Queues a new job at the position of the first arrival."""
    assert case.priority is not None
    return scheduling.submit_job(
        case_id=case.id,
        priority=case.priority,
        arrival_at=case.arrived_at,
        now=now,
        first_in_level=case.is_not_understood,
        replayed=case.replay_id is not None,
        **_prompt(brief_of(case)),
    )


def refresh_guidance(case: Case, job: Job | None, now: datetime, *, why: str) -> None:
    """Updates the guidance after a change of the facts or the level, in the same transaction.

    A waiting job gets the new brief. Text that is written or being written is marked stale and
    a new job is queued; the old job keeps its text.
    """
    if job is None or job.status == JobStatus.CANCELLED:
        return
    brief = brief_of(case)
    first = case.is_not_understood
    if brief == job.prompt and (case.priority, first) == (job.priority, job.first_in_level):
        return
    if job.status == JobStatus.WAITING:
        assert case.priority is not None
        scheduling.rewrite_job(
            job.id, priority=case.priority, now=now, first_in_level=first, **_prompt(brief)
        )
        return
    if job.status == JobStatus.RUNNING:
        scheduling.cancel_job(job.id, now=now)
    case.guidance_stale_at, case.guidance_withheld = now, False
    case.save(update_fields=["guidance_stale_at", "guidance_withheld"])
    data = {"why": why, "job": str(job.id), "was": job.status}
    record(case, CaseEvent.Kind.STALE, now, data=data)
    submit_guidance(case, now)
    case.refresh_from_db()


def retry_case(case_id: uuid.UUID, *, actor: User, now: datetime) -> Case:
    """Queues a case again whose guidance failed. Raises Conflict for other cases."""
    with transaction.atomic():
        case, job = locked(case_id)
        if case.is_closed:
            raise Conflict("status: The case is closed; reopen it first")
        if case.status != CaseStatus.FAILED or job is None:
            raise Conflict("status: Only failed guidance can be requested again")
        if not scheduling.requeue_failed(job, now=now):
            raise Conflict("status: The case has changed; reload the page")
    case.refresh_from_db()
    return case


def _prompt(brief: str) -> dict[str, Any]:
    return {
        "prompt": brief,
        "prompt_tokens": max(1, len(brief) // _BYTES_PER_TOKEN),
        "predicted_tokens": predict_tokens(brief),
    }


_STATUS_OF = {
    JobStatus.WAITING: CaseStatus.QUEUED,
    JobStatus.RUNNING: CaseStatus.RUNNING,
    JobStatus.DONE: CaseStatus.DONE,
    JobStatus.FAILED: CaseStatus.FAILED,
}


def follow_jobs() -> None:
    job_moved.connect(_on_job_moved, dispatch_uid="cases_follow_jobs")


def _on_job_moved(
    sender: object,
    *,
    job: Job,
    old: JobStatus | None,
    now: datetime,
    detail: dict[str, Any],
    **_: object,
) -> None:
    """Changes the status of the case with that of its job, in the same transaction."""
    status = _STATUS_OF.get(JobStatus(job.status))
    if (
        status is None
    ):  # cancelled: the service that cancelled the job has set the status of the case
        return
    case = Case.objects.select_for_update().filter(id=job.case_id).first()
    if case is None:  # a job without a case, such as one of a benchmark
        return
    case.status = status
    case.ended_at = now if status in (CaseStatus.DONE, CaseStatus.FAILED) else None
    if status == CaseStatus.DONE:
        _store_guidance(case, job, now)
    case.save(update_fields=["status", "ended_at", *_GUIDANCE_FIELDS])
    kind = _event_of(status, old, detail)
    if kind == CaseEvent.Kind.DONE and case.guidance_withheld:
        kind, detail = CaseEvent.Kind.WITHHELD, {**detail, "why": job.finish_reason}
    record(case, kind, now, data={**detail, "attempt": job.attempt})


_GUIDANCE_FIELDS = ("guidance", "guidance_withheld", "guidance_model", "guidance_stale_at")


def _store_guidance(case: Case, job: Job, now: datetime) -> None:
    """Stores the guidance, or that the worker's guard withheld it."""
    case.guidance_withheld = job.finish_reason in WITHHELD_REASONS
    case.guidance = "" if case.guidance_withheld else job.output
    case.guidance_model, case.guidance_stale_at = job.model_name, None


def _event_of(
    status: CaseStatus, old: JobStatus | None, detail: Mapping[str, Any]
) -> CaseEvent.Kind:
    if status == CaseStatus.QUEUED and old == JobStatus.RUNNING:
        preempted = detail.get("why") == "preempted"
        return CaseEvent.Kind.PREEMPTED if preempted else CaseEvent.Kind.RETURNED
    return CaseEvent.Kind(status.value)
