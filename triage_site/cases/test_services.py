"""Laws of a case: it is never lost, a submission makes one case, every change is recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import redis
from django.db.models import ProtectedError

from scheduling import connection
from scheduling import services as scheduling
from scheduling.core.guidance import WITHHELD_REASONS
from scheduling.core.status import JobStatus
from scheduling.models import Job
from tests.factories import at, make_case, make_user
from triage_site.cases import services
from triage_site.cases.models import Case, CaseEvent, CaseStatus
from triage_site.cases.services import intake
from triage_site.triage import screen
from triage_site.triage.facts import CaseFacts

pytestmark = pytest.mark.django_db(transaction=True)

NOW = at(1)


@pytest.fixture(autouse=True)
def _redis(redis_client: redis.Redis) -> None:
    """Every test uses a real and empty Redis."""


def classify(case: Case, priority: int) -> Case:
    services.begin_classification(case.id, now=NOW)
    classification = replace(screen(case.case_facts), priority=priority, needs_person=False)
    assert services.record_classification(case.id, classification, now=NOW)
    case.refresh_from_db()
    return case


def kinds(case: Case) -> list[str]:
    return list(case.events.values_list("kind", flat=True))


def write_guidance(case: Case, output: str, finish_reason: str = "eos") -> Case:
    (one,) = scheduling.claim_jobs("w", 1, now=NOW, model_name="test-model")
    scheduling.finish_job(
        one.job.id,
        token=one.token,
        output=output,
        num_tokens=9,
        finish_reason=finish_reason,
        now=at(5),
    )
    case.refresh_from_db()
    return case


def test_the_same_submission_makes_one_case() -> None:
    user, facts = make_user(), CaseFacts(text="cough")
    first, is_new = services.submit_case(facts=facts, actor=user, submission_key="k", now=NOW)
    again, is_new_again = services.submit_case(facts=facts, actor=user, submission_key="k", now=NOW)
    assert (is_new, is_new_again) == (True, False)
    assert first == again
    assert Case.objects.count() == 1
    other, _ = services.submit_case(facts=facts, actor=make_user(), submission_key="k", now=NOW)
    assert other != first


def test_a_case_from_submission_to_guidance() -> None:
    case = classify(make_case(hr_bpm=88), 2)
    assert (case.status, case.priority) == (CaseStatus.QUEUED, 2)
    case = write_guidance(case, "Heart rate 88.")
    assert (case.status, case.guidance) == (CaseStatus.DONE, "Heart rate 88.")
    assert case.guidance_model == "test-model"
    assert kinds(case) == ["received", "classifying", "classified", "queued", "running", "done"]


def test_only_the_first_classification_counts() -> None:
    case = classify(make_case(), 1)
    assert services.begin_classification(case.id, now=NOW) is None
    assert not services.record_classification(case.id, screen(case.case_facts), now=NOW)
    assert not services.classify_without_model(case.id, why="late", now=NOW)
    assert Job.objects.count() == 1


def test_a_failing_classifier_gives_the_safe_priority_and_needs_a_person() -> None:
    case = make_case("sore toe")
    assert services.classify_without_model(case.id, why="error: OSError", now=NOW)
    case.refresh_from_db()
    assert (case.status, case.priority, case.needs_person) == (CaseStatus.QUEUED, 1, True)
    assert "classifier_failed" in kinds(case)


def test_failing_rules_do_not_lose_the_case(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(facts: CaseFacts) -> None:
        raise RuntimeError

    monkeypatch.setattr(intake, "screen", broken)
    case = make_case("sore toe")
    assert services.classify_without_model(case.id, why="error", now=NOW)
    assert Job.objects.get(case_id=case.id).priority == 1


def test_a_case_that_no_worker_takes_is_queued_after_five_seconds() -> None:
    case = make_case()
    assert services.rescue_unclassified(now=at(4.9)) == 0
    assert services.rescue_unclassified(now=at(5.1)) == 1
    assert services.rescue_unclassified(now=at(9)) == 0
    case.refresh_from_db()
    assert case.needs_person


def test_the_limit_of_a_classification_runs_from_its_start() -> None:
    case = make_case()
    services.begin_classification(case.id, now=at(4))
    assert services.rescue_unclassified(now=at(6.4)) == 0
    assert services.rescue_unclassified(now=at(6.6)) == 1
    case.refresh_from_db()
    assert case.needs_person


def test_an_override_keeps_both_values_and_moves_the_job() -> None:
    case, other = classify(make_case(), 3), classify(make_case(seconds=0.5), 2)
    nurse = make_user()
    services.override_priority(
        case.id, priority=0, reason="worse", note="grey now", actor=nurse, now=NOW
    )
    case.refresh_from_db()
    assert (case.priority, case.suggested_priority, case.overridden) == (0, 3, True)
    event = case.events.get(kind=CaseEvent.Kind.OVERRIDDEN)
    assert event.actor == nurse
    expected = {"from": 3, "to": 0, "reason": "worse", "note": "grey now", "version": 1}
    assert event.data == expected
    waiting = connection.queue().waiting(NOW.timestamp())
    jobs = [Job.objects.get(case_id=one.id) for one in (case, other)]
    assert [request.id for request in waiting] == [str(job.id) for job in jobs]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"priority": 5}, "priority"),
        ({"reason": "mood"}, "reason"),
        ({"reason": "other", "note": "  "}, "note"),
    ],
)
def test_a_bad_override_names_the_field(values: dict[str, object], field: str) -> None:
    case = classify(make_case(), 3)
    arguments: dict[str, object] = {"priority": 1, "reason": "worse", "note": "", **values}
    with pytest.raises(ValueError, match=f"^{field}: "):
        services.override_priority(case.id, actor=make_user(), now=NOW, **arguments)  # type: ignore[arg-type]
    case.refresh_from_db()
    assert case.priority == 3


def test_a_cancelled_case_leaves_the_queue_and_cannot_be_cancelled_twice() -> None:
    case, user = classify(make_case(), 3), make_user()
    services.cancel_case(case.id, reason="left", actor=user, now=NOW)
    assert connection.queue().waiting(NOW.timestamp()) == []
    assert Job.objects.get().status == JobStatus.CANCELLED
    with pytest.raises(ValueError, match=r"^status: "):
        services.cancel_case(case.id, reason="again", actor=user, now=NOW)


def test_a_cancelled_case_is_not_classified() -> None:
    case = make_case()
    services.cancel_case(case.id, reason="", actor=make_user(), now=NOW)
    assert services.begin_classification(case.id, now=NOW) is None
    assert services.rescue_unclassified(now=at(60)) == 0
    assert not Job.objects.exists()


@pytest.mark.parametrize("reason", WITHHELD_REASONS)
def test_guidance_that_fails_the_guard_is_withheld(reason: str) -> None:
    case = write_guidance(classify(make_case(hr_bpm=88), 2), "Give 450 mg.", reason)
    assert (case.status, case.guidance, case.guidance_withheld) == (CaseStatus.DONE, "", True)
    assert kinds(case)[-1] == "withheld"
    assert "done" not in kinds(case)


def test_failed_guidance_can_be_requested_again() -> None:
    case, user = classify(make_case(), 2), make_user()
    with pytest.raises(ValueError, match=r"^status: "):
        services.retry_case(case.id, actor=user, now=NOW)
    (one,) = scheduling.claim_jobs("w", 1, now=NOW, model_name="m")
    scheduling.fail_job(one.job.id, token=one.token, error="broken", now=NOW)
    case.refresh_from_db()
    assert case.status == CaseStatus.FAILED
    assert services.retry_case(case.id, actor=user, now=NOW).status == CaseStatus.QUEUED


def test_the_history_cannot_be_changed() -> None:
    case = make_case()
    event = case.events.get()
    with pytest.raises(TypeError, match="append-only"):
        event.save()
    with pytest.raises(TypeError, match="append-only"):
        event.delete()
    with pytest.raises(ProtectedError):
        case.delete()


def test_redis_holds_no_clinical_text(redis_client: redis.Redis) -> None:
    canary = "zyxcanarywort"
    classify(make_case(canary), 2)
    for key in redis_client.scan_iter("*"):
        assert canary not in key
        assert canary not in _dump(redis_client, key)


def _dump(client: redis.Redis, key: str) -> str:
    readers: dict[str, Callable[[str], object]] = {
        "string": client.get,
        "hash": client.hgetall,
        "set": client.smembers,
        "zset": lambda k: client.zrange(k, 0, -1),
        "list": lambda k: client.lrange(k, 0, -1),
        "stream": client.xrange,
    }
    return str(readers[str(client.type(key))](key))
