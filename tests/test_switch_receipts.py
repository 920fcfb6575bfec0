"""A switch has one receipt for all cases: its row. What it did to one follows from that."""

from __future__ import annotations

from random import Random

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from scheduling import connection, order_history, queue_control, services
from scheduling.core.manual_move import NoSuchMove
from scheduling.core.policies import POLICIES
from scheduling.core.status import JobStatus
from scheduling.models import Job, PolicyChange, QueueMove
from scheduling.order_history import moves_of, order_at
from scheduling.receipts import explanation, record_status, standing_in
from tests.factories import at, make_job, make_queued_case, make_user
from triage_site.cases.roles import CHARGE_NURSE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("virtual_time")]

SWITCHED = QueueMove.Kind.SWITCHED


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "ring_doorbell", lambda: None)


@pytest.fixture
def nurse() -> User:
    return make_user(CHARGE_NURSE)


def some_jobs(random: Random, num: int, first: float = 0.0) -> list[Job]:
    return [
        make_job(random.randrange(5), first + n, predicted_tokens=random.randrange(20, 200))
        for n in range(num)
    ]


def switch(policy: str, seconds: float, actor: User | None = None) -> PolicyChange:
    return services.switch_policy(policy, actor=actor, reason="surge", now=at(seconds))


def end(job: Job, seconds: float) -> None:
    assert services.cancel_job(job.id, now=at(seconds))


def in_redis(seconds: float) -> list[str]:
    return [request.id for request in connection.queue().waiting(at(seconds).timestamp())]


def switches_told(job: Job) -> list[QueueMove]:
    return [move for move in moves_of(job.case_id) if move.kind == SWITCHED]


def told(job: Job) -> list[tuple[str, int | None, str]]:
    return [(move.kind, move.rank, move.why) for move in moves_of(job.case_id)]


@pytest.mark.parametrize("seed", range(4))
def test_each_case_is_told_its_place_before_and_after_each_switch(seed: int, nurse: User) -> None:
    """What the queue in Redis said around each switch is what the receipts say afterwards."""
    random = Random(seed)
    jobs, seen = some_jobs(random, 12), []
    names = list(POLICIES)
    random.shuffle(names)
    for number, name in enumerate(names):
        seconds = 100.0 * (number + 1)
        before = in_redis(seconds)
        change = switch(name, seconds, nurse)
        if change.old != change.new:
            seen.append((change, before, in_redis(seconds)))
        jobs += some_jobs(random, 3, seconds + 1)
        end(random.choice([job for job in jobs if str(job.id) in in_redis(seconds)]), seconds + 5)
        services.reprioritise_job(random.choice(jobs).id, 1, now=at(seconds + 6))
        try:
            mover = random.choice(jobs).id
            queue_control.move_job(mover, steps_up=1, actor=nurse, now=at(seconds + 7))
        except NoSuchMove:
            pass
    for job in jobs:
        name = str(job.id)
        wanted = [
            (change.changed_at, change.new, after.index(name), f"was {before.index(name) + 1}")
            for change, before, after in seen
            if name in before and before.index(name) != after.index(name)
        ]
        found = switches_told(job)
        assert [(move.at, move.policy, move.rank, move.why) for move in found] == wanted
        for move in found:
            (after,) = (after for change, _, after in seen if change.changed_at == move.at)
            assert move.num_waiting == len(after)
            assert move.first_ahead == after[: min(3, move.rank or 0)]
            assert sum(move.ahead) == move.rank
            assert move.actor == nurse
    for change, _, after in seen:
        assert [one.id for one in order_at(change.changed_at).waiting] == after


def test_a_switch_writes_one_row_and_does_not_read_the_queue(nurse: User) -> None:
    """So its page comes as soon with ten thousand waiting cases as with three."""
    counts = []
    for number, policy in enumerate(("fcfs", "pjf")):
        some_jobs(Random(number), 3 + 40 * number, 100.0 * number)
        rows = QueueMove.objects.count()
        with CaptureQueriesContext(database) as queries:
            switch(policy, 1000.0 + number, nurse)
        counts.append(len(queries))
        assert QueueMove.objects.count() == rows
        assert not any("scheduling_job" in query["sql"] for query in queries)
    assert counts[0] == counts[1]
    assert PolicyChange.objects.count() == 2


def test_a_process_that_dies_right_after_the_switch_loses_and_doubles_nothing(
    nurse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    early, urgent_late = make_job(4, 0.0), make_job(0, 10.0)

    def dies() -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(connection, "patient_queue", dies)
        with pytest.raises(SystemExit):
            switch("fcfs", 20.0, nurse)
    before = [told(early), told(urgent_late)]
    assert before == [
        [("queued", 0, ""), ("switched", 0, "was 2")],
        [("queued", 0, ""), ("switched", 1, "was 1")],
    ]
    services.reconcile(now=at(21.0))
    assert in_redis(21.0) == [one.id for one in order_at(at(21.0)).waiting]
    assert in_redis(21.0) == [str(early.id), str(urgent_late.id)]
    assert [told(early), told(urgent_late)] == before


def test_only_cases_that_waited_through_a_switch_have_it(nurse: User) -> None:
    gone, runs, other, stays = (make_job(level, n) for n, level in enumerate((3, 3, 4, 1)))
    end(gone, 10.0)
    Job.objects.filter(id=runs.id).update(status=JobStatus.RUNNING)
    runs.refresh_from_db()
    record_status(runs, JobStatus.WAITING, at(10.0), {})
    switch("fcfs", 20.0, nurse)
    late = make_job(0, 30.0)
    assert [bool(switches_told(job)) for job in (gone, runs, late)] == [False] * 3
    assert len(switches_told(stays)) == len(switches_told(other)) == 1
    end(stays, 40.0)  # and it keeps what it was told
    assert len(switches_told(stays)) == 1


def test_a_switch_to_the_same_policy_moves_no_case() -> None:
    job, _ = make_job(4, 0.0), make_job(0, 1.0)
    switch("fcfs", 10.0)
    switch("fcfs", 20.0)
    assert [move.at for move in switches_told(job)] == [at(10.0)]


def test_what_an_earlier_release_stored_is_not_doubled() -> None:
    jobs = [make_job(4, 0.0), make_job(0, 1.0)]
    change = switch("fcfs", 10.0)
    waiting = [job.to_request() for job in jobs]
    policy = POLICIES["fcfs"]
    stored = explanation(
        SWITCHED, change.changed_at, policy, waiting[0],
        standing_in(waiting, waiting[0], policy, at(10.0).timestamp()), why="was 2",
    )  # fmt: skip
    derived = switches_told(jobs[0])
    stored.save()
    (found,) = switches_told(jobs[0])
    assert found.pk == stored.pk
    names = ("at", "policy", "rank", "num_waiting", "ahead", "first_ahead", "why", "key", "factors")
    assert [getattr(found, name) for name in names] == [getattr(derived[0], name) for name in names]
    assert len(switches_told(jobs[1])) == 1  # whose row that release did not come to write


def test_in_a_long_queue_a_switch_is_told_without_a_place(
    nurse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = some_jobs(Random(1), 4)
    switch("fcfs", 10.0, nurse)
    monkeypatch.setattr(order_history, "MAX_RANKED", 3)
    for job in jobs:
        (move,) = switches_told(job)
        assert (move.rank, move.num_waiting, move.why) == (None, None, "")
        assert move.policy == "fcfs"
        assert move.factors


def test_of_many_switches_the_newest_have_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    job, _ = make_job(4, 0.0), make_job(0, 1.0)
    for number in range(6):
        switch(("fcfs", "semantic")[number % 2], 10.0 + number)
    monkeypatch.setattr(order_history, "MAX_PLACED", 2)
    found = switches_told(job)
    assert [move.rank for move in found] == [None, None, None, None, 0, 1]


def test_the_page_of_a_case_tells_a_switch_at_once(nurse: User) -> None:
    first, _ = (make_queued_case(level, n, actor=nurse) for n, level in enumerate((4, 0)))
    switch("fcfs", 10.0, nurse)
    client = Client()
    client.force_login(nurse)
    words = client.get(f"/cases/{first.case_id}/order/").content.decode()
    assert "Policy switched" in words
    assert "Place before the switch: 2" in words
    assert "1 of 2" in words
