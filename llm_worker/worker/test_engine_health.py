"""The worker loop with engines and requests that fail."""

from __future__ import annotations

from contextlib import suppress

import pytest
import redis

from llm_worker.worker.health import MAX_ENGINE_FAILURES, TooManyEngineFailures
from scheduling import connection
from scheduling.core.status import JobStatus
from scheduling.models import Job
from scheduling.queue import events
from tests.factories import make_job
from tests.worker_rig import Rig

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("virtual_time")]


@pytest.fixture
def rig(redis_client: redis.Redis) -> Rig:
    return Rig(num_slots=2, answer_length=lambda job: 10)


def status_of(job: Job) -> str:
    return Job.objects.get(id=job.id).status


def running() -> set[str]:
    return {str(job_id) for job_id in _ids(JobStatus.RUNNING)}


def _ids(status: JobStatus) -> list[object]:
    return list(Job.objects.filter(status=status).values_list("id", flat=True))


def fail_always(rig: Rig, *jobs: Job, num_ticks: int) -> None:
    for _ in range(num_ticks):
        rig.tick()
        for job in jobs:
            if rig.engine.holds(str(job.id)):
                rig.engine.fail(str(job.id), "its prompt is odd")


@pytest.mark.parametrize("num_slots", [1, 2])
def test_a_request_that_always_fails_is_reported_and_the_others_go_on(
    redis_client: redis.Redis, num_slots: int
) -> None:
    rig = Rig(num_slots=num_slots, answer_length=lambda job: 10)
    bad, good = make_job(1, 0), [make_job(2, number) for number in range(8)]
    fail_always(rig, bad, num_ticks=400)
    assert {status_of(job) for job in good} == {JobStatus.DONE}
    failed = Job.objects.get(id=bad.id)
    assert (failed.status, failed.error) == (JobStatus.FAILED, "its prompt is odd (attempt 5)")
    assert connection.queue().lease_tokens() == {}


def test_an_engine_that_is_ready_and_fails_every_answer_fails_no_case(rig: Rig) -> None:
    jobs = [make_job(priority, priority) for priority in range(5)]
    fail_always(rig, *jobs, num_ticks=600)
    assert {status_of(job) for job in jobs} <= {JobStatus.WAITING, JobStatus.RUNNING}
    (sentence,) = events.worker_problems(connection.client()).values()
    assert sentence.startswith("The engine is ready but fails each answer (its prompt is odd)")
    attempts = Job.objects.values_list("attempt", flat=True)
    assert sum(attempts) < 30  # it was asked more and more rarely
    assert min(attempts) >= 1  # and with each of the jobs
    rig.tick(70)
    rig.run_until_idle()
    rig.tick(2)
    assert {status_of(job) for job in jobs} == {JobStatus.DONE}
    assert events.worker_problems(connection.client()) == {}


def test_a_request_that_stops_the_engine_is_found_and_the_others_go_on(rig: Rig) -> None:
    bad, good = make_job(0, 0), [make_job(2, number) for number in range(14)]
    for _ in range(600):
        with suppress(TooManyEngineFailures):
            rig.tick()
        if rig.engine.holds(str(bad.id)):
            rig.engine.fail_engine("out of memory")
    assert {status_of(job) for job in good} == {JobStatus.DONE}
    assert status_of(bad) == JobStatus.FAILED


def test_a_request_that_fails_once_is_written_all_the_same(rig: Rig) -> None:
    job = make_job(2, 0)
    rig.tick(4)
    rig.engine.fail(str(job.id), "a hiccup")
    rig.run_until_idle()
    done = Job.objects.get(id=job.id)
    assert (done.status, done.num_failures, len(done.output.split())) == (JobStatus.DONE, 1, 10)


def test_an_engine_that_cannot_work_takes_no_case_and_fails_none(rig: Rig) -> None:
    rig.engine.problem = "TRIAGE_REMOTE_MODEL: the server knows no model m; choose another."
    jobs = [make_job(priority, 0) for priority in (0, 2)]
    rig.tick(60)
    assert {status_of(job) for job in jobs} == {JobStatus.WAITING}
    assert events.worker_problems(connection.client()) == {"w1": rig.engine.problem}
    rig.engine.problem = ""
    rig.run_until_idle()
    assert {status_of(job) for job in jobs} == {JobStatus.DONE}
    rig.tick(2)
    assert events.worker_problems(connection.client()) == {}
    assert all(job.attempt == 1 and job.num_failures == 0 for job in Job.objects.all())


def test_requests_that_fail_because_the_engine_does_are_not_blamed(rig: Rig) -> None:
    jobs = make_job(1, 0), make_job(2, 1)
    rig.tick(4)
    rig.engine.problem = "TRIAGE_REMOTE_URL: the server does not answer; start it."
    for job in jobs:
        rig.engine.fail(str(job.id), "connection refused")
    rig.tick(10)
    assert {status_of(job) for job in jobs} == {JobStatus.WAITING}
    assert all(job.num_failures == 0 and job.progress_text for job in Job.objects.all())
    rig.engine.problem = ""
    rig.run_until_idle()
    assert {status_of(job) for job in jobs} == {JobStatus.DONE}


def test_after_an_engine_failure_all_jobs_are_done(rig: Rig) -> None:
    for seconds in range(4):
        make_job(2, seconds)
    rig.tick(3)
    rig.engine.fail_engine("out of memory")
    rig.run_until_idle()
    assert set(Job.objects.values_list("status", flat=True)) == {JobStatus.DONE}
    # Two were in it: neither is blamed.
    assert set(Job.objects.values_list("num_failures", flat=True)) == {0}


def test_repeated_engine_failures_end_the_process(rig: Rig) -> None:
    for _ in range(MAX_ENGINE_FAILURES - 1):
        rig.engine.fail_engine("broken")
        rig.tick(40)
        assert rig.engine.alive()
    rig.engine.fail_engine("broken")
    with pytest.raises(TooManyEngineFailures):
        rig.tick(2)


def test_a_job_that_never_fits_fails_with_the_reason(redis_client: redis.Redis) -> None:
    rig = Rig(num_slots=2, answer_length=lambda job: 10, kv=(10, 8))
    huge, good = make_job(1, 0, prompt="word " * 200), make_job(2, 1)
    rig.run_until_idle()
    assert status_of(good) == JobStatus.DONE
    refused = Job.objects.get(id=huge.id)
    assert refused.status == JobStatus.FAILED
    assert "KV memory" in refused.error


def test_a_server_that_goes_away_again_and_again_fails_no_case(rig: Rig) -> None:
    job = make_job(2, 0)
    for _ in range(4):
        rig.tick(2)
        rig.engine.problem = "TRIAGE_REMOTE_URL: no server answers"
        rig.engine.fail_engine("connection lost")
        rig.tick(40)
        rig.engine.problem = ""
        rig.tick(10)
    rig.run_until_idle()
    done = Job.objects.get(id=job.id)
    assert (done.status, done.num_failures) == (JobStatus.DONE, 0)
