"""Submission: a case is stored, classified and queued."""

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
from scheduling.messages import Message
from triage_site.cases.department_models import Department, default_department
from triage_site.cases.models import UNCLASSIFIED, Case, CaseEvent, CaseStatus, Replay
from triage_site.cases.services.guidance import submit_guidance
from triage_site.cases.services.records import record
from triage_site.triage import Classification, screen
from triage_site.triage.facts import CaseFacts

log = structlog.get_logger(__name__)

CLASSIFY_TASK = "cases.classify"
SAFE_PRIORITY = 1  # the priority of a case without a classification
_TIMEOUT_GRACE_SECONDS = 0.5  # the worker itself reports a classification that is too slow
LAST_IN_TURN = 9  # priority of a Celery message on Redis; 0, the default, is first
_MOST_RESCUED = 25  # in one round, so that a surge does not occupy the process of the pages


def submit_case(
    *,
    facts: CaseFacts,
    actor: User,
    submission_key: str,
    now: datetime,
    label: str = "",
    department: Department | None = None,
    is_flood: bool = False,
    replay: Replay | None = None,
) -> tuple[Case, bool]:
    """Returns the case and whether it is new: the same key of the same user makes one case.

    A case of a submitter who sends a flood is classified after those of others. Without a
    department it is that of the submitter, else the first one of the site.
    """
    with_same_key = Case.objects.filter(created_by=actor, submission_key=submission_key)
    try:
        with transaction.atomic():
            case = Case.objects.create(
                facts=facts.to_dict(),
                created_by=actor,
                submission_key=submission_key,
                label=label,
                department_id=department.pk if department else _department_of(actor),
                replay=replay,
                arrived_at=now,
                assessed_at=now,
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


def _department_of(actor: User) -> int:
    own = actor.departments.order_by("id").values_list("id", flat=True)
    return own.first() or default_department()


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


def kept_of(classification: Classification | None) -> dict[str, Any]:
    """Returns what a case keeps of a classification. None: there was no answer at all."""
    if classification is None:
        return {"classification": {}, "person_reasons": ["no_model"]}
    return {
        "classification": classification.to_dict(),
        "person_reasons": list(classification.person_reasons),
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
    late = Case.objects.filter(status=CaseStatus.RECEIVED, assessed_at__lt=waits_since)
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
            **kept_of(classification),
            classified_at=now,
        )
        if not moved:
            return False
        case = Case.objects.get(id=case_id)
        record(case, kind, now, data=data)
        submit_guidance(case, now)
    return True
