"""The Celery task that classifies a case."""

from __future__ import annotations

import uuid
from threading import Event as Flag
from threading import Thread
from typing import Any

import structlog
from celery import shared_task
from celery.signals import worker_init, worker_process_init
from django.conf import settings
from django.utils import timezone

from triage_site.cases import late_answers, services
from triage_site.cases.time_limit import TooSlow, limited
from triage_site.classifiers import active
from triage_site.triage import Classification

log = structlog.get_logger(__name__)

LATE_LIMIT_SECONDS = 20.0  # nobody waits for a late answer, so it may take longer
HUNG_SECONDS = 45.0


@shared_task(
    name=services.CLASSIFY_TASK,
    ignore_result=True,
    acks_late=True,
    # A pool process that does not react, for example because it is stopped, is replaced.
    time_limit=HUNG_SECONDS,
)
def classify_case(case_id: str) -> None:
    """Classifies a case and queues it; uses the safe priority if classification fails.

    The task may run twice: only the first result counts. For a case with a provisional level,
    the answer replaces that level.
    """
    number = uuid.UUID(case_id)
    case = services.begin_classification(number, now=timezone.now())
    seconds = settings.TRIAGE_CLASSIFY_TIMEOUT_SECONDS
    if case is None:
        case, seconds = late_answers.provisional_case(number), LATE_LIMIT_SECONDS
    if case is None:
        return
    try:
        with limited(seconds):
            classification = active.classify(case.case_facts)
    except TooSlow:
        services.classify_without_model(number, why="too slow", now=timezone.now())
    except Exception as error:
        # Only the type: the message can hold clinical text.
        log.error("classifier_failed", error=type(error).__name__)
        why = f"error: {type(error).__name__}"
        services.classify_without_model(number, why=why, now=timezone.now())
    else:
        _store(number, classification)


def _store(case_id: uuid.UUID, classification: Classification) -> None:
    """Stores the answer, also when the case got a provisional level meanwhile."""
    if not services.record_classification(case_id, classification, now=timezone.now()):
        late_answers.record_late_classification(case_id, classification, now=timezone.now())


@worker_init.connect
def load_tables(sender: Any, **_: object) -> None:
    """Before the pool forks, so that its processes share the tables."""
    if settings.CELERY_TASK_DEFAULT_QUEUE in (sender.app.amqp.queues.consume_from or {}):
        active.load_tables()


@worker_process_init.connect
def warm_up(**_: object) -> None:
    """Loads the weights before the first case arrives."""
    active.warm_up()
    Thread(target=active.watch, args=(Flag(),), name="watch active classifier", daemon=True).start()
