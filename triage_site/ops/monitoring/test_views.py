"""The classifier page: figures, rights, and no clinical text."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.factories import make_case, make_user
from triage_site.cases import services
from triage_site.cases.models import Case
from triage_site.cases.roles import AUDITOR, CHARGE_NURSE, CLINICIAN
from triage_site.classifiers import selectors
from triage_site.classifiers.classifier_testing import (
    classification,
    other_weights,
    record_shadow,
)
from triage_site.classifiers.models import ClassifierChange
from triage_site.ops.monitoring.report import Selection, report
from triage_site.triage.evaluation import drift
from triage_site.triage.evaluation.drift import Verdict, load_reference
from triage_site.triage.model.candidate import version_of

pytestmark = pytest.mark.django_db
PAGE = "/ops/triage/"
CANARY = "zebrafish"


@pytest.fixture
def nurse() -> User:
    return make_user(CHARGE_NURSE, username="ines")


@pytest.fixture
def client(nurse: User) -> Client:
    client = Client()
    client.force_login(nurse)
    return client


@pytest.fixture
def shadow(tmp_path: Path, settings: Settings) -> str:
    """The version of the shadow classifier of the settings."""
    settings.TRIAGE_SHADOW_CLASSIFIER = str(tmp_path / "candidate")
    return version_of(other_weights(tmp_path / "candidate", "candidate-1"))


def answered(nurse: User, priority: int | None = 2, *, days_ago: float = 1, **facts: Any) -> Case:
    """Returns a case with that level, `days_ago` old; None means a failure of the classifier."""
    now = timezone.now() - timedelta(days=days_ago)
    case = make_case(CANARY, actor=nurse, **facts)
    Case.objects.filter(number=case.number).update(arrived_at=now, classified_at=now)
    if priority is None:
        services.classify_without_model(case.id, why="too slow", now=now)
    else:
        needs_person = priority == 4
        answer = classification(priority, needs_person=needs_person)
        services.record_classification(case.id, answer, now=now)
    case.refresh_from_db()
    return case


def override(case: Case, nurse: User, to: int, now: datetime | None = None) -> None:
    services.override_priority(
        case.id,
        priority=to,
        reason="other",
        note=CANARY,
        actor=nurse,
        now=now or timezone.now(),
    )


def test_the_figures_of_a_span(nurse: User) -> None:
    override(answered(nurse, 2), nurse, 1)
    override(answered(nurse, 4), nurse, 4)
    answered(nurse, 3)
    answered(nurse, None)
    answered(nurse, 0, days_ago=20)
    found = report(Selection("7d", "training"), timezone.now())
    assert found["num_cases"] == 4
    assert found["all_overrides"].num_changed == 1
    assert found["needs_person_percent"] == 50  # also the case with a later override
    assert found["failures"] == [("too slow", 1)]
    assert found["judged"].num == 2
    assert found["with_silence"].num == 4
    assert [day.num for day in found["days"]] == [3]
    assert report(Selection("30d"), timezone.now())["num_cases"] == 5


def test_drift_against_the_previous_period(nurse: User) -> None:
    for _ in range(12):
        answered(nurse, 2, days_ago=10, hr_bpm=70)
    for _ in range(12):
        answered(nurse, 1, days_ago=1, hr_bpm=140)
    found = report(Selection("7d", "before"), timezone.now())
    verdicts = {line.label: line.verdict for line in found["inputs"]}
    assert verdicts["Heart rate"] == Verdict.SHIFTED
    assert verdicts["Heart rate: taken?"] == Verdict.STABLE
    assert verdicts["Temperature"] == Verdict.UNKNOWN
    assert found["levels"].verdict == Verdict.SHIFTED


def test_the_page_shows_figures_and_no_clinical_text(client: Client, nurse: User) -> None:
    override(answered(nurse, 2), nurse, 1)
    text = client.get(PAGE).content.decode()
    for words in ("100.0 %", "Other (explain in the note)", "the training data", "shifted"):
        assert words in text
    assert CANARY not in text
    fragment = client.get(PAGE, {"span": "30d"}, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment
    assert "Override rate" in fragment


def test_changes_of_the_patient_are_named_as_no_disagreement(client: Client, nurse: User) -> None:
    services.override_priority(
        answered(nurse, 2).id,
        priority=0,
        reason="worse",
        note="",
        actor=nurse,
        now=timezone.now(),
    )
    text = client.get(PAGE).content.decode()
    assert "No disagreement; 1 change because the patient changed" in text


def test_empty_and_unknown_periods_have_a_message(client: Client) -> None:
    text = client.get(PAGE, {"span": "x", "against": "y"}).content.decode()
    assert "No case in this period" in text
    assert "None. Set <code>TRIAGE_SHADOW_CLASSIFIER" in text
    assert "No change yet" in text


def test_a_missing_reference_is_reported(
    client: Client, nurse: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answered(nurse)
    monkeypatch.setattr(drift, "load_reference", lambda: load_reference(tmp_path / "none"))
    assert "No reference." in client.get(PAGE).content.decode()
    assert (
        "There was no case in the previous period"
        in client.get(PAGE, {"against": "before"}).content.decode()
    )


def compared(nurse: User, version: str) -> None:
    """Makes cases: the shadow is nearer once, the active classifier once, the shadow fails once."""
    now = timezone.now()
    for to, answer in ((1, 1), (3, 1)):
        case = answered(nurse, 2)
        override(case, nurse, to)
        record_shadow(case.id, version, answer, now)
    record_shadow(answered(nurse, 2).id, version, 0, now, classification=None, failure="slow")
    answered(nurse, 2)


def test_active_and_shadow_classifier_are_compared(
    client: Client, nurse: User, shadow: str
) -> None:
    compared(nurse, shadow)
    found = report(Selection(), timezone.now())["shadow"].comparison
    assert (found.num_answered, found.num_failed, found.num_waiting) == (2, 1, 1)
    assert (found.num_up, found.num_down) == (2, 0)
    assert (found.num_judged, found.num_shadow_nearer, found.num_active_nearer) == (2, 1, 1)
    text = client.get(PAGE).content.decode()
    assert shadow in text
    assert "Promote the shadow" in text


def test_promote_and_undo(client: Client, nurse: User, shadow: str) -> None:
    compared(nurse, shadow)
    data = {"version": shadow, "reason": "<i>nearer</i>"}
    text = client.post(f"{PAGE}promote/", data, follow=True).content.decode()
    assert f"{shadow} is active." in text
    assert "&lt;i&gt;nearer&lt;/i&gt;" in text
    change = ClassifierChange.objects.get()
    assert (change.actor, selectors.active_choice().version) == (nurse, shadow)
    data = {"change": str(change.id), "reason": "too lax"}
    text = client.post(f"{PAGE}undo/", data, follow=True).content.decode()
    assert "is active again." in text
    assert selectors.active_choice().folder == selectors.CONFIGURED


@pytest.mark.parametrize(
    ("path", "data", "words"),
    [
        ("promote/", {"version": "candidate-1+x", "reason": ""}, "Enter a reason"),
        ("promote/", {"version": "candidate-1+x", "reason": "y"}, "answered no case"),
        ("promote/", {"reason": "y"}, "required"),
        ("undo/", {"change": "7", "reason": "y"}, "another change"),
    ],
)
def test_a_bad_change_shows_the_error_and_changes_nothing(
    client: Client, nurse: User, shadow: str, path: str, data: dict[str, str], words: str
) -> None:
    response = client.post(PAGE + path, data)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not ClassifierChange.objects.exists()


def test_a_shadow_that_cannot_be_opened_is_shown_with_the_error(
    client: Client, settings: Settings
) -> None:
    settings.TRIAGE_SHADOW_CLASSIFIER = "/nowhere"
    assert "there is no model.json" in client.get(PAGE).content.decode()


def test_auditors_only_read_and_clinicians_have_no_access(shadow: str, nurse: User) -> None:
    compared(nurse, shadow)
    auditor, clinician = Client(), Client()
    auditor.force_login(make_user(AUDITOR))
    clinician.force_login(make_user(CLINICIAN))
    text = auditor.get(PAGE).content.decode()
    assert shadow in text
    assert "Promote the shadow" not in text
    assert PAGE not in clinician.get("/").content.decode()
    assert PAGE in auditor.get("/").content.decode()
    assert clinician.get(PAGE).status_code == 403
    for client in (auditor, clinician):
        for path in ("promote/", "undo/"):
            assert client.post(PAGE + path, {"reason": "x"}).status_code == 403
    assert Client().get(PAGE).status_code == 302
    assert not ClassifierChange.objects.exists()
