"""Laws of the clinical life: nobody leaves the board by themselves, and nothing is overwritten."""

from __future__ import annotations

import threading
import uuid

import pytest
import redis
from django.db import connection as database

from scheduling import connection
from scheduling import services as scheduling
from scheduling.core.status import JobStatus
from scheduling.models import Job
from tests.factories import at, make_case, make_user
from triage_site.cases import services
from triage_site.cases.clinical import ClinicalStatus, Disposition
from triage_site.cases.models import Case, CaseEvent, CaseStatus
from triage_site.cases.services import Conflict
from triage_site.cases.standing import standing_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _redis(redis_client: redis.Redis) -> None:
    """Every test has a real and empty Redis."""


def queued(text: str = "sore toe") -> Case:
    case = make_case(text)
    services.classify_without_model(case.id, why="test", now=at(1))
    case.refresh_from_db()
    return case


def written(case: Case, text: str = "Situation: fine.") -> Case:
    (one,) = scheduling.claim_jobs("w", 1, now=at(2), model_name="m")
    scheduling.finish_job(
        one.job.id, token=one.token, output=text, num_tokens=3, finish_reason="eos", now=at(5)
    )
    case.refresh_from_db()
    return case


def waited(case: Case, seconds: float) -> float:
    case.refresh_from_db()
    return standing_of(case, at(seconds), is_online=True).clock.waited_seconds


def test_guidance_that_is_ready_leaves_the_patient_waiting() -> None:
    case = written(queued())
    assert (case.status, case.clinical_status) == (CaseStatus.DONE, ClinicalStatus.WAITING)
    assert waited(case, 600) == 600


def test_the_clock_runs_from_arrival_to_being_seen() -> None:
    case, doctor = queued(), make_user()
    services.see_patient(case.id, actor=doctor, now=at(300))
    assert waited(case, 900) == 300
    case.refresh_from_db()
    assert (case.seen_by, case.seen_at, case.version) == (doctor, at(300), 1)
    event = case.events.get(kind=CaseEvent.Kind.SEEN)
    assert (event.actor, event.data["waited_seconds"]) == (doctor, 300)


@pytest.mark.parametrize("disposition", Disposition)
def test_a_case_is_closed_with_each_disposition(disposition: Disposition) -> None:
    case = queued()
    services.close_case(case.id, disposition=disposition, actor=make_user(), now=at(9))
    case.refresh_from_db()
    assert (case.is_closed, case.disposition, case.closed_at) == (True, disposition, at(9))


def test_an_unknown_disposition_is_refused() -> None:
    case = queued()
    with pytest.raises(ValueError, match=r"^disposition: must be one of discharged"):
        services.close_case(case.id, disposition="lost", actor=make_user(), now=at(9))


def test_closing_ends_the_writing_and_reopening_begins_it_again() -> None:
    case, user = queued(), make_user()
    services.close_case(case.id, disposition="admitted", actor=user, now=at(9))
    assert connection.queue().waiting(at(9).timestamp()) == []
    services.reopen_case(case.id, actor=user, now=at(20))
    case.refresh_from_db()
    assert (case.clinical_status, case.status) == (ClinicalStatus.WAITING, CaseStatus.QUEUED)
    assert (case.disposition, case.closed_at, case.seen_at) == ("", None, None)
    assert waited(case, 60) == 60, "the first arrival counts"
    (waiting,) = connection.queue().waiting(at(20).timestamp())
    assert waiting.id == str(Job.objects.get(status=JobStatus.WAITING).id)


def test_closing_keeps_guidance_that_is_ready() -> None:
    case = written(queued())
    services.close_case(case.id, disposition="admitted", actor=make_user(), now=at(9))
    case.refresh_from_db()
    assert (case.status, case.guidance) == (CaseStatus.DONE, "Situation: fine.")


def test_a_case_that_was_closed_before_its_classification_is_classified_after_all() -> None:
    case, user = make_case("sore toe"), make_user()
    services.close_case(case.id, disposition="entered_in_error", actor=user, now=at(1))
    assert services.rescue_unclassified(now=at(60)) == 0
    services.reopen_case(case.id, actor=user, now=at(60))
    case.refresh_from_db()
    assert case.status == CaseStatus.RECEIVED
    assert services.rescue_unclassified(now=at(61)) == 0, "the worker has its time again"
    assert services.rescue_unclassified(now=at(70)) == 1


def test_what_has_happened_does_not_happen_again() -> None:
    case, user = queued(), make_user()
    with pytest.raises(Conflict, match="waiting to be seen already"):
        services.reopen_case(case.id, actor=user, now=at(5))
    services.see_patient(case.id, actor=user, now=at(6))
    with pytest.raises(Conflict, match="being seen already"):
        services.see_patient(case.id, actor=user, now=at(7))
    services.close_case(case.id, disposition="discharged", actor=user, now=at(8))
    with pytest.raises(Conflict, match="closed already"):
        services.see_patient(case.id, actor=user, now=at(9))
    with pytest.raises(Conflict, match="closed already"):
        services.cancel_case(case.id, reason="again", actor=user, now=at(9))


def test_a_patient_seen_by_mistake_waits_again() -> None:
    case, user = queued(), make_user()
    services.see_patient(case.id, actor=user, now=at(60))
    services.reopen_case(case.id, actor=user, now=at(70))
    assert waited(case, 80) == 80


def test_nothing_changes_about_a_closed_case_until_it_is_reopened() -> None:
    case, user = queued(), make_user()
    services.close_case(case.id, disposition="discharged", actor=user, now=at(5))
    call = {"actor": user, "now": at(6)}
    with pytest.raises(Conflict, match="reopen it first"):
        services.override_priority(case.id, priority=0, reason="worse", note="", **call)  # type: ignore[arg-type]
    with pytest.raises(Conflict, match="reopen it first"):
        services.record_vitals(case.id, readings={"hr_bpm": 80}, **call)  # type: ignore[arg-type]
    with pytest.raises(Conflict, match="reopen it first"):
        services.add_note(case.id, text="came back", **call)  # type: ignore[arg-type]


def test_a_change_meant_for_an_older_version_says_who_was_faster() -> None:
    case, fast, slow = queued(), make_user(username="fast"), make_user()
    version = case.version
    services.see_patient(case.id, actor=fast, now=at(5), version=version)
    with pytest.raises(Conflict, match=r"^version: Somebody was faster: being seen \(fast, 08:00"):
        services.close_case(case.id, disposition="admitted", actor=slow, now=at(6), version=version)
    case.refresh_from_db()
    assert case.clinical_status == ClinicalStatus.BEING_SEEN


def test_guidance_that_moves_on_makes_no_form_old() -> None:
    case = queued()
    version = case.version
    written(case)
    services.see_patient(case.id, actor=make_user(), now=at(9), version=version)


def test_of_many_who_see_the_patient_at_once_one_does() -> None:
    case = queued()
    users = [make_user() for _ in range(6)]
    outcomes: list[str] = []

    def see(index: int) -> None:
        try:
            services.see_patient(case.id, actor=users[index], now=at(index + 5), version=0)
            outcomes.append("seen")
        except Conflict:
            outcomes.append("conflict")
        finally:
            database.close()

    threads = [threading.Thread(target=see, args=(index,)) for index in range(len(users))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["conflict"] * 5 + ["seen"]
    assert CaseEvent.objects.filter(kind=CaseEvent.Kind.SEEN).count() == 1


def test_an_unknown_case_is_none_of_these() -> None:
    with pytest.raises(Case.DoesNotExist):
        services.see_patient(uuid.uuid4(), actor=make_user(), now=at(1))
