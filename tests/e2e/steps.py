"""Common steps of browser tests: they make cases in the state that a test needs."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import Locator, Page

from scheduling import connection
from scheduling import services as scheduling
from scheduling.core.guidance import WITHHELD_REASONS
from scheduling.queue import events
from scheduling.services import ClaimedJob
from triage_site.cases import services
from triage_site.cases.models import Case
from triage_site.triage import Classification
from triage_site.triage.facts import CaseFacts

CLASSIFICATION = Classification(
    priority=2,
    model_priority=2,
    probabilities=(0.0, 0.1, 0.7, 0.1, 0.1),
    confidence=0.7,
    level_set=(2,),
    needs_person=False,
    reasons=(),
    danger_signs=(),
    rules_version="r",
    model_version="m",
    news2=None,
)
RESTORED = re.compile(r"^Your draft of \d\d:\d\d was restored(: .+)?\.Start empty$")
GUIDANCE = (
    "Situation: man, chest pain.\nBackground: nothing is known.\n"
    "Assessment: possibly cardiac.\nRecommendation: record an ECG now."
)


def press(target: Page | Locator, key: str) -> None:
    """Presses a key once the page has loaded: its scripts hear no key before that."""
    if isinstance(target, Page):
        target.wait_for_load_state()
        target.keyboard.press(key)
    else:
        target.page.wait_for_load_state()
        target.press(key)


def type_text(page: Page, text: str) -> None:
    """Types a text where the focus is, once the page has loaded."""
    page.wait_for_load_state()
    page.keyboard.type(text)


def received_case(actor: User, text: str, **facts: object) -> Case:
    """A case that is not classified yet."""
    case, _ = services.submit_case(
        facts=CaseFacts.from_dict({"text": text, "age_years": 50, **facts}),
        actor=actor,
        submission_key=uuid.uuid4().hex,
        now=timezone.now(),
    )
    return case


def classify(case: Case, classification: Classification) -> None:
    now = timezone.now()
    services.begin_classification(case.id, now=now)
    services.record_classification(case.id, classification, now=now)


def waiting_case(actor: User, text: str, priority: int, **facts: object) -> Case:
    """A case with this priority that waits for guidance."""
    with transaction.atomic():  # else the upkeep of a live site may give it a level first
        case = received_case(actor, text, **facts)
        classify(case, replace(CLASSIFICATION, priority=priority))
    return case


def take_slot() -> ClaimedJob:
    """Claims the next waiting job, as a worker does, and begins its stream."""
    (claim,) = scheduling.claim_jobs("w", 1, now=timezone.now(), model_name="small-model")
    events.begin_stream(connection.client(), str(claim.job.id), claim.job.attempt)
    return claim


def write(claim: ClaimedJob, text: str, num_tokens: int) -> None:
    job = claim.job
    events.append_tokens(connection.client(), str(job.id), job.attempt, text, num_tokens)


def finish(claim: ClaimedJob, output: str, reason: str = "eos") -> None:
    scheduling.finish_job(
        claim.job.id,
        token=claim.token,
        output=output,
        num_tokens=len(output.split()),
        finish_reason=reason,
        now=timezone.now(),
    )
    shown = "withheld" if reason in WITHHELD_REASONS else "done"
    events.finish_stream(connection.client(), str(claim.job.id), shown)
