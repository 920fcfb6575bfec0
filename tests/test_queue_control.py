"""People move cases and pause admission. Both outlive Redis and the worker."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from scheduling import connection, queue_control, selectors, services
from scheduling.core.manual_move import NoSuchMove
from scheduling.core.policies import POLICIES
from scheduling.models import AdmissionChange, Job, QueueMove
from tests.factories import at, make_job, make_user
from tests.fault_world import World

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("virtual_time"),
    pytest.mark.timeout(60),
]


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "ring_doorbell", lambda: None)


@pytest.fixture
def nurse() -> User:
    return make_user(username="ines")


def in_redis(seconds: float) -> list[str]:
    return [request.id for request in connection.queue().waiting(at(seconds).timestamp())]


def in_sql(seconds: float) -> list[str]:
    found = selectors.places(at(seconds))
    return sorted(found, key=lambda job_id: found[job_id].position)


def four_jobs() -> list[str]:
    """Jobs of level 2 in the order of their arrival, then one of level 1 that is served first."""
    jobs = [make_job(2, float(number)) for number in range(3)]
    return [str(job.id) for job in (*jobs, make_job(1, 3.0))]


def move(job_id: str, steps: int, nurse: User, seconds: float = 5.0) -> int:
    job = Job.objects.get(id=job_id)
    return queue_control.move_job(job.id, steps_up=steps, actor=nurse, now=at(seconds))


def test_a_move_holds_in_redis_and_sql_through_a_switch_and_a_lost_redis(nurse: User) -> None:
    a, b, c, urgent = four_jobs()
    assert move(c, 2, nurse) == 2
    expected = [urgent, c, a, b]
    assert in_redis(6) == in_sql(6) == expected
    connection.client().flushall()
    services.reconcile(now=at(7))
    assert in_redis(7) == expected
    services.switch_policy("fcfs", actor=nurse, reason="test", now=at(8))
    assert in_redis(8) == in_sql(8) == [c, a, b, urgent]
    place = selectors.places(at(8))[c]
    assert (place.manual_steps, place.manual_by) == (2, "ines")


@pytest.mark.parametrize("policy", sorted(POLICIES))
@pytest.mark.parametrize("seconds", [6, 10_000])
def test_the_place_of_one_job_is_its_place_among_all(
    nurse: User, policy: str, seconds: float
) -> None:
    four_jobs()
    moved, _ = make_job(3, 4.0), make_job(4, 4.5, first_in_level=True)
    make_job(3, 4.2, predicted_tokens=20)
    move(str(moved.id), 1, nurse)
    services.switch_policy(policy, actor=nurse, reason="test", now=at(5))
    found = selectors.places(at(seconds))
    assert len(found) == 7
    for job in Job.objects.all():
        assert selectors.place_of(job, at(seconds)) == found[str(job.id)]


def test_a_case_can_go_back_to_the_place_of_the_policy(nurse: User) -> None:
    a, b, c, urgent = four_jobs()
    move(a, -5, nurse)
    assert in_redis(5) == [urgent, b, c, a]
    assert move(a, 0, nurse) == 0
    assert in_redis(5) == in_sql(5) == [urgent, a, b, c]
    with pytest.raises(NoSuchMove, match="policy puts it already"):
        move(a, 0, nurse)


def test_a_new_level_ends_a_manual_place(nurse: User) -> None:
    a, b, c, urgent = four_jobs()
    move(c, 2, nurse)
    for level in (1, 2):
        services.reprioritise_job(Job.objects.get(id=c).id, level, now=at(6))
    assert in_redis(6) == in_sql(6) == [urgent, a, b, c]
    assert selectors.places(at(6))[c].manual_steps is None


def test_what_cannot_move_is_refused_in_words_and_changes_nothing(nurse: User) -> None:
    a, b, c, urgent = four_jobs()
    with pytest.raises(ValueError, match="steps: The case is the first one of its level already"):
        move(urgent, 1, nurse)
    services.claim_jobs("w1", 1, now=at(5), model_name="m")
    with pytest.raises(ValueError, match="steps: The case does not wait"):
        move(urgent, 1, nurse)
    assert in_redis(6) == [a, b, c]
    assert not QueueMove.objects.filter(kind="moved").exists()


def test_the_receipt_of_a_move_names_the_person_and_the_place(nurse: User) -> None:
    a, _, c, urgent = four_jobs()
    move(c, 2, nurse)
    receipt = QueueMove.objects.get(kind="moved")
    assert (str(receipt.job_id), receipt.actor, receipt.why) == (c, nurse, "+2")
    assert (receipt.rank, receipt.num_waiting) == (1, 4)
    assert (receipt.ahead, receipt.first_ahead) == ([0, 1, 0, 0, 0], [urgent])
    assert receipt.factors is not None
    assert receipt.factors["manual"][0] == Job.objects.get(id=a).arrival_at.timestamp()


def test_while_paused_running_ones_end_and_waiting_ones_stay(nurse: User) -> None:
    world = World()
    first = [world.submit(2) for _ in range(2)]
    world.tick(2)
    queue_control.pause_admission(actor=nurse, reason="model update", now=at(world.seconds))
    urgent = world.submit(0)
    world.tick(10)
    assert {Job.objects.get(id=job.id).status for job in first} == {"done"}
    assert Job.objects.get(id=urgent.id).status == "waiting"
    world.lose_redis()
    world.restart_worker()
    world.tick(5)
    assert in_redis(world.seconds) == [str(urgent.id)]
    queue_control.resume_admission(actor=nurse, now=at(world.seconds))
    world.until_idle(30)
    world.check()


def test_no_time_is_promised_while_paused(nurse: User) -> None:
    job = make_job(2, 0.0)
    queue_control.pause_admission(actor=nurse, reason="drill", now=at(1))
    assert selectors.places(at(2))[str(job.id)].estimate is None
    assert services.claim_jobs("w1", 1, now=at(2), model_name="m") == []


def test_a_pause_needs_a_reason_and_is_not_made_twice(nurse: User) -> None:
    with pytest.raises(ValueError, match="reason: Enter a reason"):
        queue_control.pause_admission(actor=nurse, reason="  ", now=at(0))
    with pytest.raises(ValueError, match="paused: Guidance runs already"):
        queue_control.resume_admission(actor=nurse, now=at(0))
    queue_control.pause_admission(actor=nurse, reason="drill", now=at(1))
    with pytest.raises(ValueError, match="paused: Guidance is paused already"):
        queue_control.pause_admission(actor=nurse, reason="drill", now=at(2))
    assert AdmissionChange.objects.count() == 1
