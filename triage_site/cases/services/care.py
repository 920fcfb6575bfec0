"""The clinical status of a case: people see the patient, close the case and reopen it."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from scheduling import services as scheduling
from scheduling.models import Job
from triage_site.cases.clinical import (
    STATUS_WORDS,
    ClinicalStatus,
    Disposition,
    Move,
    target_of,
)
from triage_site.cases.models import OPEN_STATUSES, UNCLASSIFIED, Case, CaseEvent, CaseStatus
from triage_site.cases.services.guidance import submit_guidance
from triage_site.cases.services.intake import ask_classifier
from triage_site.cases.services.records import Conflict, change, locked
from triage_site.cases.typed import written


def see_patient(
    case_id: uuid.UUID, *, actor: User, now: datetime, version: int | None = None
) -> Case:
    """Records who sees the patient. The clock stops. Raises Conflict."""
    with transaction.atomic():
        case, _ = locked(case_id, version)
        target = _checked(case, Move.SEE)
        values = {"clinical_status": target, "seen_by": actor, "seen_at": now}
        data = {"waited_seconds": round((now - case.arrived_at).total_seconds())}
        change(case, CaseEvent.Kind.SEEN, now, actor=actor, data=data, **values)
    return case


def close_case(
    case_id: uuid.UUID,
    *,
    disposition: str,
    actor: User,
    now: datetime,
    reason: str = "",
    version: int | None = None,
) -> Case:
    """Closes the case and stops its guidance. Raises ValueError and Conflict."""
    if disposition not in list(Disposition):
        raise ValueError(f"disposition: must be one of {', '.join(Disposition)}")
    with transaction.atomic():
        case, job = locked(case_id, version)
        target = _checked(case, Move.CLOSE)
        data = {"disposition": disposition, "reason": written(reason)}
        values = {"clinical_status": target, "disposition": disposition, "closed_at": now}
        change(case, CaseEvent.Kind.CLOSED, now, actor=actor, data=data, **values)
        _stop_writing(case, job, now)
    return case


def reopen_case(
    case_id: uuid.UUID, *, actor: User, now: datetime, version: int | None = None
) -> Case:
    """Reopens the case. The patient waits again since the arrival. Raises Conflict."""
    with transaction.atomic():
        case, _ = locked(case_id, version)
        if case.anonymised_at is not None:
            raise Conflict("status: The case was anonymised, so it cannot be reopened")
        data = {"was": case.clinical_status, "disposition": case.disposition}
        target = _checked(case, Move.REOPEN)
        values = {"seen_by": None, "seen_at": None, "closed_at": None, "disposition": ""}
        change(
            case, CaseEvent.Kind.REOPENED, now, actor=actor, data=data,
            clinical_status=target, assessed_at=now, **values,
        )  # fmt: skip
        if case.status == CaseStatus.CANCELLED:
            _write_after_all(case, now)
    return case


def cancel_case(case_id: uuid.UUID, *, reason: str, actor: User, now: datetime) -> Case:
    """Closes a case as entered in error. Raises Conflict when it is closed already."""
    return close_case(
        case_id, disposition=Disposition.ENTERED_IN_ERROR, reason=reason, actor=actor, now=now
    )


def _checked(case: Case, move: Move) -> ClinicalStatus:
    status = ClinicalStatus(case.clinical_status)
    target = target_of(move, status)
    if target is None:
        words = STATUS_WORDS[status].lower()
        raise Conflict(f"status: The case is {words} already")
    return target


def _stop_writing(case: Case, job: Job | None, now: datetime) -> None:
    if case.status not in OPEN_STATUSES:
        return
    case.status, case.ended_at = CaseStatus.CANCELLED, now
    case.save(update_fields=["status", "ended_at"])
    if job is not None:
        scheduling.cancel_job(job.id, now=now)


def _write_after_all(case: Case, now: datetime) -> None:
    """Queues the guidance that closing had cancelled, or classifies the case."""
    case.ended_at = None
    case.status = CaseStatus.RECEIVED if case.priority is None else CaseStatus.QUEUED
    case.save(update_fields=["status", "ended_at"])
    if case.status in UNCLASSIFIED:
        transaction.on_commit(lambda: ask_classifier(case.id))
    else:
        submit_guidance(case, now)
