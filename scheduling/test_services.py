"""Law tests of jobs, with a real Redis: one caller changes a job, and no job is lost."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from threading import Thread

import pytest
import redis
from django.db import IntegrityError, connections
from django.db import connection as db

from scheduling import claimed, connection, selectors, services
from scheduling.core.policies import POLICIES
from scheduling.core.status import JobStatus
from scheduling.models import Job, PolicyChange
from tests.factories import at, make_job, make_user

pytestmark = pytest.mark.django_db(transaction=True)

NOW = at(100)


@pytest.fixture(autouse=True)
def _redis(virtual_time: None) -> None:
    """Each test starts with an empty Redis that uses the time of the test."""


def claim(num: int, worker: str = "w1") -> list[services.ClaimedJob]:
    return services.claim_jobs(worker, num, now=NOW, model_name="test")


def waiting_in_redis() -> list[str]:
    return [request.id for request in connection.queue().waiting(NOW.timestamp())]


def waiting_in_sql() -> list[str]:
    places = selectors.places(NOW)
    return sorted(places, key=lambda job_id: places[job_id].position)


def finish(one: services.ClaimedJob, output: str = "text", now: datetime = NOW) -> bool:
    stored = services.finish_job(
        one.job.id, token=one.token, output=output, num_tokens=3, finish_reason="eos", now=now
    )
    connection.queue().finish(str(one.job.id), one.token)
    return stored.done


def test_claims_come_best_first() -> None:
    jobs = [make_job(priority, seconds) for seconds, priority in enumerate((3, 0, 2, 1))]
    assert [one.job.id for one in claim(4)] == [jobs[i].id for i in (1, 3, 2, 0)]


def test_a_case_has_one_open_job() -> None:
    job = make_job()
    with pytest.raises(IntegrityError):
        make_job(case_id=job.case_id)


def test_a_result_is_stored_once() -> None:
    make_job()
    one = claim(1)[0]
    assert finish(one, "first")
    assert not finish(one, "second")
    assert Job.objects.get().output == "first"
    assert connection.queue().lease_tokens() == {}


def test_an_old_claim_cannot_store_a_result() -> None:
    make_job()
    old = claim(1)[0]
    services.reap_expired(now=at(100 + 3600))
    assert Job.objects.get().status == JobStatus.WAITING
    new = claim(1, "w2")[0]
    assert not finish(old, "late")
    assert finish(new, "right")
    job = Job.objects.get()
    assert (job.output, job.attempt, job.worker) == ("right", 2, "w2")


def test_progress_survives_a_release() -> None:
    make_job()
    one = claim(1)[0]
    assert services.release_job(
        one.job.id, token=one.token, token_ids=[5, 6], text="so far", now=NOW, why="preempted"
    )
    assert connection.queue().release(str(one.job.id), one.token, 2, NOW.timestamp())
    again = claim(1)[0]
    assert again.job.progress_token_ids == [5, 6]
    assert again.job.progress_text == "so far"
    assert again.job.num_preemptions == 1
    assert again.token != one.token


def test_a_new_priority_moves_a_waiting_job_at_once() -> None:
    first, second = make_job(2, 0), make_job(2, 1)
    assert services.reprioritise_job(second.id, 0, now=NOW)
    assert waiting_in_redis() == [str(second.id), str(first.id)]


def test_cancelled_jobs_are_removed_and_their_claims_are_void() -> None:
    make_job()
    waiting, one = make_job(3), claim(1)[0]
    assert services.cancel_job(waiting.id, now=NOW)
    assert services.cancel_job(one.job.id, now=NOW)
    assert waiting_in_redis() == []
    lost = connection.queue().renew("w1", {str(one.job.id): one.token}, NOW.timestamp(), 15)
    assert lost == {str(one.job.id)}
    assert not finish(one)


def test_a_failed_job_can_be_tried_again() -> None:
    make_job()
    one = claim(1)[0]
    assert services.fail_job(one.job.id, token=one.token, error="why", now=NOW)
    assert connection.queue().finish(str(one.job.id), one.token)
    assert services.requeue_failed(Job.objects.get(), now=NOW)
    assert [again.job.id for again in claim(1)] == [one.job.id]


def lose_workers(num: int, writer: str = "") -> Job:
    """One job whose worker stops so often, while `writer` writes other jobs."""
    job = make_job(0)
    for number in range(num):
        now = at(1000 * number)
        assert Job.objects.get(id=job.id).status == JobStatus.WAITING, number
        services.claim_jobs(f"host:{number}", 1, now=now, model_name="test")
        if writer:
            make_job(3)
            (other,) = services.claim_jobs(writer, 1, now=now, model_name="test")
            finish(other, now=at(1000 * number + 1))
        services.reap_expired(now=at(1000 * number + 900))
    return Job.objects.get(id=job.id)


def test_a_job_that_alone_kills_its_workers_fails() -> None:
    job = lose_workers(services.MAX_FAILURES, writer="host:99")
    assert job.status == JobStatus.FAILED
    assert "the worker failed" in job.error
    assert "5" in job.error
    assert waiting_in_redis() == []


@pytest.mark.parametrize("writer", ["", "other:1"])
def test_a_job_waits_as_long_as_its_engine_writes_nothing_else(writer: str) -> None:
    job = lose_workers(3 * services.MAX_FAILURES, writer)
    assert (job.status, job.num_failures) == (JobStatus.WAITING, 1)


def test_the_reaper_leaves_a_newer_claim_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another worker claims between the reaper's word to Redis and its word to SQL."""
    make_job()
    old = claim(1)[0]
    newer: list[services.ClaimedJob] = []
    queue, late = connection.queue(), at(3600)

    class Between:
        def __getattr__(self, name: str) -> object:
            return getattr(queue, name)

        def reap(self, now: float) -> object:
            reaped = queue.reap(now)
            newer.extend(services.claim_jobs("w2", 1, now=late, model_name="test"))
            return reaped

    monkeypatch.setattr(connection, "queue", Between)
    monkeypatch.setattr(connection, "patient_queue", Between)
    assert services.reap_expired(now=late) == [str(old.job.id)]
    (new,) = newer
    job = Job.objects.get()
    assert (job.status, job.claim_token, job.worker) == (JobStatus.RUNNING, new.token, "w2")
    assert connection.queue().lease_tokens() == {str(job.id): new.token}
    assert finish(new)


def test_each_write_of_a_claim_says_how_the_job_stands_when_it_is_repeated() -> None:
    make_job()
    one = claim(1)[0]
    arguments = {"token": one.token, "worker": "w1", "model_name": "m", "policy": "p", "now": NOW}
    again = claimed.start_job(one.job.id, **arguments)  # type: ignore[arg-type]
    assert again.done
    assert again.job is not None
    assert again.job.attempt == 1, "a start that is repeated is no new attempt"
    for _ in range(2):
        back = services.release_job(
            one.job.id, token=one.token, token_ids=[1], text="a", now=NOW, why="preempted"
        )
        assert back.status == JobStatus.WAITING
    assert Job.objects.get().num_preemptions == 1
    assert not claimed.start_job(uuid.uuid4(), **arguments)  # type: ignore[arg-type]


def test_a_row_that_cannot_be_read_stops_nothing_but_itself() -> None:
    damaged, good = make_job(0), make_job(1)
    with db.cursor() as cursor:
        column = "progress_token_ids"
        cursor.execute(f"UPDATE scheduling_job SET {column} = '\"x\"' WHERE priority = 0")
    assert [one.job.id for one in claim(2)] == [good.id]
    job = Job.objects.only("status", "error").get(id=damaged.id)
    assert job.status == JobStatus.FAILED
    assert "cannot be read" in job.error
    assert set(connection.queue().lease_tokens()) == {str(good.id)}
    assert services.reconcile(now=NOW) == services.Reconciliation(
        added=0, removed=0, updated=0, returned=0
    )


def test_a_status_of_a_later_release_is_left_alone() -> None:
    later, good = make_job(0), make_job(1)
    Job.objects.filter(id=later.id).update(status="paused")
    assert [one.job.id for one in claim(2)] == [good.id]
    services.reconcile(now=NOW)
    assert Job.objects.get(id=later.id).status == "paused"
    assert waiting_in_redis() == []


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_after_a_flush_reconcile_restores_the_same_order(
    policy: str, redis_client: redis.Redis
) -> None:
    services.switch_policy(policy, actor=make_user(), reason="test", now=NOW)
    for number in range(30):
        make_job(number * 7 % 5, number * 3 % 11, predicted_tokens=40 + number * 13 % 90)
    before = waiting_in_redis()
    redis_client.flushall()
    assert waiting_in_redis() == []
    assert services.reconcile(now=NOW).added == 30
    assert waiting_in_redis() == before == waiting_in_sql()
    assert connection.queue().active_policy() == policy
    assert services.reconcile(now=NOW) == services.Reconciliation(
        added=0, removed=0, updated=0, returned=0
    )


def test_reconcile_keeps_valid_claims() -> None:
    make_job()
    one = claim(1)[0]
    services.reconcile(now=NOW)
    assert finish(one)


def test_reconcile_returns_jobs_without_a_lease(redis_client: redis.Redis) -> None:
    make_job()
    one = claim(1)[0]
    redis_client.flushall()
    assert services.reconcile(now=NOW).returned == 1
    assert not finish(one)
    assert waiting_in_redis() == [str(one.job.id)]


def test_no_job_is_lost_during_an_outage_of_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    class Outage:
        def __getattr__(self, name: str) -> Callable[..., None]:
            raise redis.ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(connection, "queue", Outage)
        patch.setattr(connection, "patient_queue", Outage)
        job = make_job(1)
        services.reprioritise_job(job.id, 0, now=NOW)
    services.reconcile(now=NOW)
    assert [one.job.priority for one in claim(1)] == [0]


def test_a_policy_switch_needs_a_reason() -> None:
    user = make_user()
    with pytest.raises(ValueError, match="reason"):
        services.switch_policy("sjf", actor=user, reason=" ", now=NOW)
    with pytest.raises(ValueError, match="policy: must be one of"):
        services.switch_policy("lifo", actor=user, reason="why not", now=NOW)
    services.switch_policy("sjf", actor=user, reason="short ones wait", now=NOW)
    change = PolicyChange.objects.get()
    assert (change.old, change.new, change.actor) == ("semantic", "sjf", user)
    assert connection.queue().active_policy() == selectors.active_policy_name() == "sjf"
    with pytest.raises(TypeError, match="append-only"):
        change.save()
    with pytest.raises(TypeError, match="append-only"):
        change.delete()


def test_workers_never_claim_the_same_job() -> None:
    for number in range(40):
        make_job(number % 5, number)
    won: list[list[services.ClaimedJob]] = [[], []]

    def work(claims: list[services.ClaimedJob], name: str) -> None:
        while claimed := claim(3, name):
            claims.extend(claimed)
        connections.close_all()

    threads = [Thread(target=work, args=(won[i], f"w{i}")) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    ids = [one.job.id for claims in won for one in claims]
    assert len(ids) == len(set(ids)) == 40


def test_positions_start_at_the_next_job() -> None:
    jobs = [make_job(priority, priority) for priority in (4, 1, 3)]
    places = selectors.places(NOW)
    assert [places[str(job.id)].position for job in jobs] == [2, 0, 1]
    assert places[str(jobs[0].id)].starts_in_seconds is None
