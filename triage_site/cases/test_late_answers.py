"""Provisional levels: the late answer replaces them, a person's level stays."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from scheduling import connection
from scheduling import services as scheduling
from scheduling.core.status import JobStatus
from scheduling.models import Job
from tests.factories import at, make_case, make_user
from triage_site.cases import late_answers, services, tasks
from triage_site.cases.late_answers import Reminder, provisional_case, record_late_classification
from triage_site.cases.models import Case, CaseStatus
from triage_site.classifiers import active
from triage_site.triage import Classification, screen

pytestmark = pytest.mark.django_db
NOW = at(20)


def provisional(text: str = "sore toe") -> Case:
    case = make_case(text)
    assert services.rescue_unclassified(now=at(10)) == 1
    case.refresh_from_db()
    return case


def answer(case: Case, priority: int) -> Classification:
    return replace(screen(case.case_facts), priority=priority, needs_person=False)


def test_a_late_answer_replaces_the_level_and_moves_the_job() -> None:
    case = provisional()
    assert (case.priority, case.needs_person) == (1, True)
    assert record_late_classification(case.id, answer(case, 3), now=NOW)
    case.refresh_from_db()
    assert (case.status, case.priority, case.suggested_priority) == (CaseStatus.QUEUED, 3, 3)
    assert not case.needs_person
    job = scheduling.lock_newest_job(case.id)
    assert job is not None
    assert (job.status, job.priority, job.arrival_at) == (JobStatus.WAITING, 3, case.arrived_at)
    assert Job.objects.filter(case_id=case.id).exclude(status=JobStatus.CANCELLED).count() == 1
    event = case.events.filter(kind="classified").get()
    assert event.data["late"] is True
    assert event.data["from"] == 1
    assert not record_late_classification(case.id, answer(case, 4), now=NOW)


def test_a_person_s_level_stays() -> None:
    case = provisional()
    services.override_priority(
        case.id, priority=2, reason="worse", note="", actor=make_user(), now=NOW
    )
    assert not record_late_classification(case.id, answer(case, 4), now=NOW)
    case.refresh_from_db()
    assert case.priority == 2


def test_a_cancelled_case_stays_cancelled() -> None:
    case = provisional()
    services.cancel_case(case.id, reason="", actor=make_user(), now=NOW)
    assert not record_late_classification(case.id, answer(case, 4), now=NOW)


@pytest.mark.usefixtures("redis_client")
def test_text_of_the_provisional_level_is_written_again(
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        case = provisional()
    (old,) = scheduling.claim_jobs("w", 1, now=NOW, model_name="m")
    with django_capture_on_commit_callbacks(execute=True):
        assert record_late_classification(case.id, answer(case, 4), now=NOW)
    assert Job.objects.get(id=old.job.id).status == JobStatus.CANCELLED
    job = Job.objects.exclude(id=old.job.id).get(case_id=case.id)
    assert (job.status, job.priority, job.arrival_at) == (JobStatus.WAITING, 4, case.arrived_at)
    assert connection.queue().counts().waiting == (0, 0, 0, 0, 1)
    case.refresh_from_db()
    assert (case.status, case.guidance_stale_at) == (CaseStatus.QUEUED, NOW)


def test_a_late_answer_counts_while_the_patient_waits_with_guidance() -> None:
    case = provisional()
    Job.objects.filter(case_id=case.id).update(status=JobStatus.DONE)
    Case.objects.filter(id=case.id).update(status=CaseStatus.DONE, guidance="text")
    assert record_late_classification(case.id, answer(case, 0), now=NOW)
    case.refresh_from_db()
    assert (case.priority, case.status, case.guidance) == (0, CaseStatus.QUEUED, "text")
    assert case.guidance_stale_at == NOW


def test_a_change_meant_for_the_provisional_level_is_refused() -> None:
    case = provisional()
    assert record_late_classification(case.id, answer(case, 3), now=NOW)
    with pytest.raises(services.Conflict):
        services.override_priority(
            case.id, priority=2, reason="worse", note="", actor=make_user(), now=NOW,
            version=case.version,
        )  # fmt: skip


def test_the_task_answers_for_a_provisional_case(monkeypatch: pytest.MonkeyPatch) -> None:
    case = provisional()
    monkeypatch.setattr(active, "classify", lambda facts: answer(case, 4))
    tasks.classify_case(str(case.id))
    case.refresh_from_db()
    assert case.priority == 4
    assert provisional_case(case.id) is None


def test_an_answer_that_comes_during_the_rescue_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    case = make_case("sore toe")

    def slow(facts: object) -> Classification:
        assert services.rescue_unclassified(now=timezone.now() + timedelta(hours=1)) == 1
        return answer(case, 4)

    monkeypatch.setattr(active, "classify", slow)
    tasks.classify_case(str(case.id))
    case.refresh_from_db()
    assert case.priority == 4
    assert Job.objects.filter(case_id=case.id, status=JobStatus.WAITING).count() == 1


def test_only_cases_without_an_answer_are_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[uuid.UUID] = []

    def ask(case_id: uuid.UUID, **_: object) -> bool:
        asked.append(case_id)
        return True

    monkeypatch.setattr(services, "ask_classifier", ask)
    monkeypatch.setattr(connection, "is_silent", lambda: False)
    case, failed = provisional(), make_case("cough")
    services.classify_without_model(failed.id, why="error: OSError", now=NOW)
    reminder = Reminder(first_seconds=3)
    for now in (0.0, 2.0, 3.0, 4.0, 6.0, 11.9, 12.0):
        late_answers.ask_again(reminder, now)
    assert asked == [case.id] * 3  # at 3, 6 and 12 seconds


def test_a_reminder_ends() -> None:
    reminder, case_id = Reminder(first_seconds=1, most_times=3), uuid.uuid4()
    times = [now for now in range(100) if reminder.due([case_id], float(now))]
    assert times == [1, 2, 4]
    reminder.due([], 100.0)
    assert reminder._plans == {}
