"""A GPU worker is killed during a batch: another worker finishes every job once."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import redis
from django.utils import timezone

from scheduling import connection
from scheduling.core.guidance import WITHHELD_REASONS
from scheduling.core.status import JobStatus
from scheduling.models import Job
from scheduling.queue import events
from scheduling.services import reap_expired, reconcile
from tests.factories import make_job
from tests.fixtures import wait_until
from tests.workers import tail, worker
from triage_site.triage.brief import build_brief
from triage_site.triage.facts import CaseFacts

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(500)]

NUM_JOBS = 14
LEASE_SECONDS = 3


def submit(num: int) -> None:
    for number in range(num):
        facts = CaseFacts(text=f"fell in the kitchen, hurt wrist {number}", age_years=50 + number)
        priority = number % 5
        brief = build_brief(facts, priority=priority, danger_signs=())
        now = timezone.now()
        make_job(priority, prompt=brief, arrival_at=now, now=now)


def num_in(*statuses: JobStatus) -> int:
    return Job.objects.filter(status__in=statuses).count()


def test_sigkill_loses_and_repeats_no_job(
    process_env: dict[str, str], redis_client: redis.Redis, tmp_path: Path
) -> None:
    env = {**process_env, "TRIAGE_LEASE_SECONDS": str(LEASE_SECONDS), "TRIAGE_SLOTS": "4"}
    log = tmp_path / "worker.log"
    submit(NUM_JOBS)
    with worker("gpu", env, log) as first:
        wait_until(
            lambda: num_in(JobStatus.RUNNING) == 4 and num_in(JobStatus.DONE) >= 1,
            seconds=150,
            what=lambda: f"the first worker runs a batch: {tail(log)}",
        )
        first.kill()
        first.wait(10)
    num_interrupted = num_in(JobStatus.RUNNING)
    done_before = dict(Job.objects.filter(status=JobStatus.DONE).values_list("id", "output"))
    assert num_interrupted >= 1

    def all_done() -> bool:
        reap_expired(now=timezone.now())
        return num_in(JobStatus.DONE) == NUM_JOBS

    with worker("gpu", env, log):
        wait_until(all_done, seconds=150, what=lambda: f"all done: {tail(log)}")
    jobs = {job.id: job for job in Job.objects.all()}
    assert {job_id: jobs[job_id].output for job_id in done_before} == done_before
    assert all(job.output.strip() for job in jobs.values())
    assert sum(job.attempt for job in jobs.values()) == NUM_JOBS + num_interrupted
    for job in jobs.values():
        written = events.read_stream(connection.client(), str(job.id))
        last = "".join(entry.text for entry in written if entry.attempt == job.attempt)
        withheld = job.finish_reason in WITHHELD_REASONS
        assert job.output.startswith(last)
        assert withheld or last == job.output
        ends = [entry.status for entry in written if entry.status]
        # The kill may come after the result is stored and before the stream ends.
        killed_before_stream_end = job.id in done_before and not ends
        assert killed_before_stream_end or ends == ["withheld" if withheld else "done"]
    assert connection.queue().lease_tokens() == {}


@pytest.mark.one_database  # test_faults.py asks PostgreSQL for the same
def test_a_warm_stop_releases_all_jobs_and_they_resume(
    process_env: dict[str, str], redis_client: redis.Redis, tmp_path: Path
) -> None:
    env = {**process_env, "TRIAGE_SLOTS": "4"}
    log = tmp_path / "worker.log"
    submit(6)
    with worker("gpu", env, log) as first:
        wait_until(lambda: num_in(JobStatus.RUNNING) == 4, seconds=150, what="4 jobs run")
        first.send_signal(signal.SIGTERM)
        first.wait(20)
    assert num_in(JobStatus.RUNNING) == 0
    assert connection.queue().lease_tokens() == {}
    with worker("gpu", env, log):
        wait_until(lambda: num_in(JobStatus.DONE) == 6, seconds=150, what=lambda: tail(log))


@pytest.mark.one_database  # test_faults.py asks PostgreSQL for the same
def test_a_flush_of_redis_during_a_batch_loses_no_job(
    process_env: dict[str, str], redis_client: redis.Redis, tmp_path: Path
) -> None:
    env = {**process_env, "TRIAGE_SLOTS": "4", "TRIAGE_LEASE_SECONDS": str(LEASE_SECONDS)}
    log = tmp_path / "worker.log"
    submit(NUM_JOBS)
    with worker("gpu", env, log):
        wait_until(lambda: num_in(JobStatus.RUNNING) == 4, seconds=150, what="4 jobs run")
        redis_client.flushall()
        reconcile(now=timezone.now())
        wait_until(lambda: num_in(JobStatus.DONE) == NUM_JOBS, seconds=150, what=lambda: tail(log))
