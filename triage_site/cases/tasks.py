"""The Celery task that classifies a case."""

from __future__ import annotations

import uuid
from threading import Event as Flag
from threading import Thread

import structlog
from billiard.exceptions import SoftTimeLimitExceeded
from celery import shared_task
from celery.signals import worker_process_init
from django.conf import settings
from django.utils import timezone

from triage_site.cases import late_answers, services
from triage_site.classifiers import active
from triage_site.triage import Classification

log = structlog.get_logger(__name__)

HUNG_SECONDS = 10


@shared_task(
    name=services.CLASSIFY_TASK,
    ignore_result=True,
    acks_late=True,
    soft_time_limit=settings.TRIAGE_CLASSIFY_TIMEOUT_SECONDS,
    # A pool process that does not react, for example because it is stopped, is replaced.
    time_limit=settings.TRIAGE_CLASSIFY_TIMEOUT_SECONDS + HUNG_SECONDS,
)
def classify_case(case_id: str) -> None:
    """Classifies a case and queues it; uses the safe priority if classification fails.

    The task may run twice: only the first result counts. For a case with a provisional level,
    the answer replaces that level.
    """
    try:
        case = services.begin_classification(uuid.UUID(case_id), now=timezone.now())
        if case is None:
            case = late_answers.provisional_case(uuid.UUID(case_id))
        if case is None:
            return
        classification = active.classify(case.case_facts)
    except SoftTimeLimitExceeded:
        why = "too slow"
    except Exception as error:
        # Only the type: the message can hold clinical text.
        why = f"error: {type(error).__name__}"
        log.error("classifier_failed", error=type(error).__name__)
    else:
        _store(case.id, classification)
        return
    services.classify_without_model(uuid.UUID(case_id), why=why, now=timezone.now())


def _store(case_id: uuid.UUID, classification: Classification) -> None:
    """Stores the answer, also when the case got a provisional level meanwhile."""
    if not services.record_classification(case_id, classification, now=timezone.now()):
        late_answers.record_late_classification(case_id, classification, now=timezone.now())


@worker_process_init.connect
def warm_up(**_: object) -> None:
    """Loads the weights before the first case arrives."""
    try:
        active.warm_up()
        Thread(
            target=active.watch, args=(Flag(),), name="watch active classifier", daemon=True
        ).start()
    except Exception as error:
        log.error("classifier_warm_up_failed", error=type(error).__name__)
