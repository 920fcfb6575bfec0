"""Workers and upkeep on hosts whose clocks differ by two minutes, with the clock of Redis."""

from __future__ import annotations

import time
from datetime import timedelta
from threading import Event as Flag

import pytest
import redis
from django.utils import timezone

from llm_worker.engine.fake import FakeEngine
from llm_worker.worker.loop import GuidanceWorker
from llm_worker.worker.options import Options
from llm_worker.worker.stores import LiveStores
from scheduling import connection, services
from scheduling.core.policies import Preemption
from scheduling.core.status import JobStatus
from scheduling.models import Job
from tests.factories import make_job
from tests.fixtures import wait_until
from tests.worker_rig import accept_any

pytestmark = pytest.mark.django_db(transaction=True)


def worker_of_a_host(name: str, seconds_ahead: float, lease_seconds: float) -> GuidanceWorker:
    def clock() -> float:
        return time.time() + seconds_ahead

    options = Options(
        lease_seconds=lease_seconds,
        preemption=Preemption.LEVEL,
        max_new_tokens=64,
        model_name="fake",
        check=accept_any,
    )
    engine = FakeEngine(num_slots=2, clock=clock, answer_length=lambda job: 10)
    stores = LiveStores(name, options, clock)
    worker = GuidanceWorker(engine, stores, options=options, clock=clock, doorbell=Flag())
    worker.start()
    return worker


def test_no_clock_but_that_of_redis_ends_a_lease(redis_client: redis.Redis) -> None:
    workers = [worker_of_a_host("ahead", 60.0, 30.0), worker_of_a_host("behind", -60.0, 30.0)]
    for number in range(8):
        make_job(number % 5, number)

    def all_done() -> bool:
        for worker, seconds_ahead in zip(workers, (60.0, -60.0), strict=True):
            worker.tick(0.0)
            now = timezone.now() + timedelta(seconds=seconds_ahead)
            assert services.reap_expired(now=now) == []
        return Job.objects.filter(status=JobStatus.DONE).count() == 8

    wait_until(all_done, seconds=60, what="all jobs are done")
    assert set(Job.objects.values_list("attempt", "num_failures")) == {(1, 0)}
    for worker in workers:
        worker.tick(0.0)
    assert connection.queue().lease_tokens() == {}
