"""All writes of the clinical app. Every change of a case adds a row to its history."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from scheduling import messages
from scheduling import services as scheduling
from scheduling.core.guidance import WITHHELD_REASONS
from scheduling.core.request import PRIORITIES
from scheduling.core.status import JobStatus
from scheduling.messages import Message
from scheduling.models import Job
from scheduling.signals import job_moved
from triage_site.cases.announcements import announce
from triage_site.cases.models import (
    OPEN_STATUSES,
    UNCLASSIFIED,
    Case,
    CaseEvent,
    CaseStatus,
    OverrideReason,
)
from triage_site.triage import Classification, screen
from triage_site.triage.brief import build_brief
from triage_site.triage.facts import CaseFacts
from triage_site.triage.length import predict_tokens

log = structlog.get_logger(__name__)

CLASSIFY_TASK = "cases.classify"
SAFE_PRIORITY = 1  # the priority of a case without a classification
_TIMEOUT_GRACE_SECONDS = 0.5  # the worker itself reports a classification that is too slow
LAST_IN_TURN = 9  # priority of a Celery message on Redis; 0, the default, is first
_MOST_RESCUED = 25  # in one round, so that a surge does not occupy the process of the pages
_BYTES_PER_TOKEN = 4  # an estimate; the engine counts the real tokens


def submit_case(
    *,
    facts: CaseFacts,
    actor: User,
    submission_key: str,
    now: datetime,
    label: str = "",
    is_flood: bool = False,
) -> tuple[Case, bool]:
    """Returns the case and whether it is new: the same key of the same user makes one case.

    A case of a submitter who sends a flood is classified after those of others.
    """
    with_same_key = Case.objects.filter(created_by=actor, submission_key=submission_key)
    try:
        with transaction.atomic():
            case = Case.objects.create(
                facts=facts.to_dict(),
                created_by=actor,
                submission_key=submission_key,
                label=label,
                arrived_at=now,
            )
            record(case, CaseEvent.Kind.RECEIVED, now, actor=actor)
    except IntegrityError:
        existing = with_same_key.first()
        if existing is None:
            raise
        return existing, False
    priority = LAST_IN_TURN if is_flood else None
    transaction.on_commit(lambda: ask_classifier(case.id, priority=priority))
    return case, True


def ask_classifier(case_id: uuid.UUID, *, priority: int | None = None) -> bool:
    """Sends the case to the classify workers. Returns False during an outage: see the upkeep."""
    return messages.send(
        Message(task=CLASSIFY_TASK, args=[str(case_id)], queue="classify", priority=priority)
    )


def begin_classification(case_id: uuid.UUID, *, now: datetime) -> Case | None:
    """Returns the case if this call changed its status from received to classifying."""
    with transaction.atomic():
        rows = Case.objects.filter(id=case_id, status=CaseStatus.RECEIVED)
        if not rows.update(status=CaseStatus.CLASSIFYING):
            return None
        case = Case.objects.get(id=case_id)
        record(case, CaseEvent.Kind.CLASSIFYING, now)
    return case


def record_classification(
    case_id: uuid.UUID, classification: Classification, *, now: datetime
) -> bool:
    """Stores the classification and queues the case. Only the first classification counts."""
    return _enqueue(
        case_id,
        classification,
        priority=classification.priority,
        needs_person=classification.needs_person,
        kind=CaseEvent.Kind.CLASSIFIED,
        data=classified_data(classification),
        now=now,
    )


def classified_data(classification: Classification) -> dict[str, Any]:
    """Returns what the history keeps of a classification."""
    return {
        "priority": classification.priority,
        "confidence": round(classification.confidence, 3),
        "rules": [r.code for r in classification.reasons if r.kind == "rule"],
        "rules_version": classification.rules_version,
        "model_version": classification.model_version,
    }


def classify_without_model(case_id: uuid.UUID, *, why: str, now: datetime) -> bool:
    """Queues a case after a failure of the classifier, at the safe priority or that of a rule."""
    case = Case.objects.filter(id=case_id, status__in=UNCLASSIFIED).first()
    if case is None:
        return False
    screened: Classification | None = None
    try:
        screened = screen(case.case_facts)
    except Exception as error:  # the case is queued even when the rules fail
        log.error("screen_failed", error=type(error).__name__)
    priority = SAFE_PRIORITY if screened is None else min(SAFE_PRIORITY, screened.priority)
    return _enqueue(
        case_id,
        screened,
        priority=priority,
        needs_person=True,
        kind=CaseEvent.Kind.CLASSIFIER_FAILED,
        data={"why": why, "priority": priority},
        now=now,
    )


def rescue_unclassified(*, now: datetime) -> int:
    """Gives a provisional level to cases that waited too long. Returns their number.

    A case waits for a free classify worker first, then for the answer: each has its own limit.
    """
    waits_since = now - timedelta(seconds=settings.TRIAGE_CLASSIFY_WAIT_SECONDS)
    begun_before = now - timedelta(
        seconds=settings.TRIAGE_CLASSIFY_TIMEOUT_SECONDS + _TIMEOUT_GRACE_SECONDS
    )
    begun = CaseEvent.objects.filter(
        case=OuterRef("pk"), kind=CaseEvent.Kind.CLASSIFYING, at__gte=begun_before
    )
    late = Case.objects.filter(status=CaseStatus.RECEIVED, arrived_at__lt=waits_since)
    stuck = Case.objects.filter(status=CaseStatus.CLASSIFYING).exclude(Exists(begun))
    rescued = [
        classify_without_model(case_id, why="no answer in time", now=now)
        for rows in (late, stuck)
        for case_id in rows.order_by("arrived_at").values_list("id", flat=True)[:_MOST_RESCUED]
    ]
    return sum(rescued)


def _enqueue(
    case_id: uuid.UUID,
    classification: Classification | None,
    *,
    priority: int,
    needs_person: bool,
    kind: CaseEvent.Kind,
    data: Mapping[str, Any],
    now: datetime,
) -> bool:
    with transaction.atomic():
        rows = Case.objects.filter(id=case_id, status__in=UNCLASSIFIED)
        moved = rows.update(
            status=CaseStatus.QUEUED,
            priority=priority,
            suggested_priority=priority,
            needs_person=needs_person,
            classification={} if classification is None else classification.to_dict(),
            classified_at=now,
        )
        if not moved:
            return False
        case = Case.objects.get(id=case_id)
        record(case, kind, now, data=data)
        submit_guidance(case, classification, now)
    return True


def submit_guidance(case: Case, classification: Classification | None, now: datetime) -> Job:
    """Submits the job that writes the guidance of a case."""
    assert case.priority is not None
    brief = build_brief(
        case.case_facts,
        priority=case.priority,
        danger_signs=() if classification is None else classification.danger_signs,
        complaint=None if classification is None else classification.complaint,
    )
    return scheduling.submit_job(
        case_id=case.id,
        prompt=brief,
        priority=case.priority,
        prompt_tokens=max(1, len(brief) // _BYTES_PER_TOKEN),
        predicted_tokens=predict_tokens(brief),
        arrival_at=case.arrived_at,
        now=now,
    )


def override_priority(
    case_id: uuid.UUID,
    *,
    priority: int,
    reason: str,
    note: str,
    actor: User,
    now: datetime,
) -> Case:
    """Sets the priority that a person chose and keeps the suggested one. Raises ValueError.

    The new priority applies at once, in the queue and in the running batch.
    """
    if priority not in PRIORITIES:
        raise ValueError(f"priority: must be {PRIORITIES[0]} to {PRIORITIES[-1]}")
    if reason not in OverrideReason.values:
        raise ValueError(f"reason: must be one of {', '.join(OverrideReason.values)}")
    if reason == OverrideReason.OTHER and not note.strip():
        raise ValueError("note: Enter the reason as a note")
    with transaction.atomic():
        job = scheduling.lock_newest_job(case_id)
        case = Case.objects.select_for_update().get(id=case_id)
        if case.status == CaseStatus.CANCELLED:
            raise ValueError("priority: The case is cancelled")
        if case.status in UNCLASSIFIED:
            raise ValueError("priority: The case is being classified; try again in a moment")
        old, case.priority, case.needs_person = case.priority, priority, False
        case.save(update_fields=["priority", "needs_person"])
        data = {"from": old, "to": priority, "reason": reason, "note": note.strip()}
        record(case, CaseEvent.Kind.OVERRIDDEN, now, actor=actor, data=data)
        if job is not None:
            scheduling.reprioritise_job(job.id, priority, now=now)
    return case


def cancel_case(case_id: uuid.UUID, *, reason: str, actor: User, now: datetime) -> Case:
    """Cancels an open case in any status. Raises ValueError when it has ended."""
    with transaction.atomic():
        job = scheduling.lock_newest_job(case_id)
        case = Case.objects.select_for_update().get(id=case_id)
        if case.status not in OPEN_STATUSES:
            status = case.get_status_display()
            raise ValueError(f"status: The case has already ended ({status.lower()})")
        case.status, case.ended_at = CaseStatus.CANCELLED, now
        case.save(update_fields=["status", "ended_at"])
        data = {"reason": reason.strip()}
        record(case, CaseEvent.Kind.CANCELLED, now, actor=actor, data=data)
        if job is not None:
            scheduling.cancel_job(job.id, now=now)
    return case


def retry_case(case_id: uuid.UUID, *, actor: User, now: datetime) -> Case:
    """Queues a case again whose guidance failed. Raises ValueError for other cases."""
    with transaction.atomic():
        job = scheduling.lock_newest_job(case_id)
        case = Case.objects.select_for_update().get(id=case_id)
        if case.status != CaseStatus.FAILED or job is None:
            raise ValueError("status: Only failed guidance can be requested again")
        if not scheduling.requeue_failed(job, now=now):
            raise ValueError("status: The case has changed; reload the page")
    case.refresh_from_db()
    return case


def record(
    case: Case,
    kind: CaseEvent.Kind,
    at: datetime,
    *,
    actor: User | None = None,
    data: Mapping[str, Any] | None = None,
) -> CaseEvent:
    """Appends an event to the history and notifies open pages."""
    event = CaseEvent.objects.create(
        case=case, kind=kind, at=at, actor=actor, data=dict(data or {})
    )
    if kind != CaseEvent.Kind.VIEWED:
        case_id = str(case.id)
        transaction.on_commit(lambda: announce({"case": case_id, "kind": str(kind)}))
    return event


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
    if status is None:  # cancelled: `cancel_case` has set the status of the case
        return
    case = Case.objects.select_for_update().filter(id=job.case_id).first()
    if case is None:  # a job without a case, such as one of a benchmark
        return
    case.status = status
    case.ended_at = now if status in (CaseStatus.DONE, CaseStatus.FAILED) else None
    if status == CaseStatus.DONE:
        _store_guidance(case, job, now)
    case.save(update_fields=["status", "ended_at", *_GUIDANCE_FIELDS])
    record(case, _event_of(status, old, detail), now, data={**detail, "attempt": job.attempt})


_GUIDANCE_FIELDS = ("guidance", "guidance_withheld", "guidance_model")


def _store_guidance(case: Case, job: Job, now: datetime) -> None:
    """Stores the guidance, or that the worker's guard withheld it."""
    case.guidance_withheld = job.finish_reason in WITHHELD_REASONS
    case.guidance = "" if case.guidance_withheld else job.output
    case.guidance_model = job.model_name
    if case.guidance_withheld:
        record(case, CaseEvent.Kind.WITHHELD, now, data={"why": job.finish_reason})


def _event_of(
    status: CaseStatus, old: JobStatus | None, detail: Mapping[str, Any]
) -> CaseEvent.Kind:
    if status == CaseStatus.QUEUED and old == JobStatus.RUNNING:
        preempted = detail.get("why") == "preempted"
        return CaseEvent.Kind.PREEMPTED if preempted else CaseEvent.Kind.RETURNED
    return CaseEvent.Kind(status.value)
