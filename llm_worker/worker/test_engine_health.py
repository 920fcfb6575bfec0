"""The worker loop with engines and requests that fail."""

from __future__ import annotations

import re

import pytest
import redis

from llm_worker.worker.loop import MAX_ENGINE_FAILURES, TooManyEngineFailures
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


def fail_always(rig: Rig, job: Job, num_ticks: int) -> None:
    for _ in range(num_ticks):
        rig.tick()
        if rig.engine.holds(str(job.id)):
            rig.engine.fail(str(job.id), "its prompt is odd")


def test_a_request_that_always_fails_is_reported_and_the_others_go_on(rig: Rig) -> None:
    bad, good = make_job(2, 0), make_job(2, 1)
    fail_always(rig, bad, 40)
    assert status_of(good) == JobStatus.DONE
    failed = Job.objects.get(id=bad.id)
    assert failed.status == JobStatus.FAILED
    assert re.fullmatch(r"its prompt is odd \(attempt ([5-9]|10)\)", failed.error)
    assert connection.queue().lease_tokens() == {}


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
    assert sorted(Job.objects.values_list("num_failures", flat=True)) == [0, 0, 1, 1]


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
