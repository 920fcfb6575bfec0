"""The shadow classifier in a browser: first answer, promotion and undo."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django import Settings

from tests.e2e.steps import press
from tests.e2e.test_pages_access import violations
from tests.factories import make_case
from tests.fixtures import wait_until
from tests.workers import tail, wait_for_worker, worker
from triage_site.cases import services
from triage_site.cases.models import Case
from triage_site.classifiers.classifier_testing import other_weights
from triage_site.classifiers.models import ClassifierChange, ShadowAnswer
from triage_site.triage.classify import NO_MODEL
from triage_site.triage.model.candidate import version_of
from triage_site.triage.model.scoring import WEIGHTS_DIR

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def classified_by(number: int) -> str:
    """The version of the classifier of a case; empty while it is not classified."""
    return str(Case.objects.get(number=number).classification.get("model_version", ""))


def submit(page: Page, url: str, text: str) -> int:
    """Submits a case with the form. Returns its number when it has a level."""
    page.goto(f"{url}/cases/new/")
    page.get_by_label("What is the complaint?").fill(text)
    press(page, "Control+Enter")
    page.wait_for_url(re.compile(r"/cases/[0-9a-f-]{36}/"))
    number = Case.objects.latest("number").number
    # On a busy machine a provisional level may come first.
    wait_until(
        lambda: classified_by(number) not in ("", NO_MODEL),
        seconds=60,
        what="the case has the level of a classifier",
    )
    return number


def test_a_shadow_is_promoted_and_the_promotion_is_undone(
    site: Page,
    live_app: str,
    process_env: dict[str, str],
    redis_client: redis.Redis,
    settings: Settings,
    tmp_path: Path,
) -> None:
    folder = other_weights(tmp_path / "candidate", "candidate-1")
    configured, candidate = version_of(WEIGHTS_DIR), version_of(folder)
    settings.TRIAGE_SHADOW_CLASSIFIER = str(folder)
    env = {**process_env, "TRIAGE_SHADOW_CLASSIFIER": str(folder)}
    log = tmp_path / "worker.log"
    with worker("classify", env, log):
        wait_for_worker("classify", redis_client, log)
        assert classified_by(submit(site, live_app, "crushing chest pain, sweating")) == configured
        wait_until(
            ShadowAnswer.objects.exists,
            seconds=100,
            what=lambda: f"the shadow answers: {tail(log)}",
        )
        site.get_by_role("link", name="Classifier").click()
        expect(site.get_by_text(candidate)).to_be_visible()
        assert violations(site) == []
        site.get_by_role("button", name="Promote the shadow").click()
        expect(site.get_by_role("alert").get_by_text("Enter a reason")).to_be_visible()
        site.get_by_label("Reason for the promotion").fill("nearer to our people")
        site.get_by_role("button", name="Promote the shadow").click()
        expect(site.get_by_text(f"{candidate} is active.")).to_be_visible()
        assert classified_by(submit(site, live_app, "twisted ankle, can walk")) == candidate
        site.get_by_role("link", name="Classifier").click()
        site.get_by_label("Reason for the undo").fill("only a drill")
        site.get_by_role("button", name="Undo the promotion").click()
        expect(site.get_by_text(f"{configured} is active again")).to_be_visible()
        assert classified_by(submit(site, live_app, "sore throat, no fever")) == configured
    reasons = list(ClassifierChange.objects.values_list("reason", flat=True))
    assert reasons == ["only a drill", "nearer to our people"]


def test_the_period_changes_without_a_reload(site: Page, live_app: str, nurse: User) -> None:
    with transaction.atomic():  # else the upkeep of the site may be first
        case = make_case("cough", actor=nurse)
        services.classify_without_model(case.id, why="too slow", now=timezone.now())
        Case.objects.update(arrived_at=timezone.now() - timedelta(days=20))
    site.goto(f"{live_app}/ops/triage/")
    expect(site.get_by_text("No case in this period")).to_be_visible()
    site.get_by_label("Period").select_option("30d")
    expect(site.get_by_text("100.0 %").first).to_be_visible()
    expect(site.get_by_text("too slow")).to_be_visible()
    expect(site).to_have_url(re.compile("span=30d"))
