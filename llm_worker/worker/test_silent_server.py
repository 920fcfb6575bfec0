"""A remote server that freezes while it writes: the case waits, and is written when it is back."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event as Flag

import pytest
import redis

from llm_worker.engine.remote import probe
from llm_worker.engine.remote.api import RemoteSettings
from llm_worker.engine.remote.engine import RemoteEngine
from llm_worker.engine.remote.fake_server import FakeServer
from llm_worker.worker.loop import GuidanceWorker
from llm_worker.worker.options import Options
from llm_worker.worker.stores import LiveStores
from scheduling import connection
from scheduling.core.policies import Preemption
from scheduling.core.status import JobStatus
from scheduling.models import Job
from scheduling.queue import events
from tests.factories import make_job

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]


def make_worker(server: FakeServer) -> GuidanceWorker:
    options = Options(
        lease_seconds=15.0,
        preemption=Preemption.LEVEL,
        max_new_tokens=400,
        model_name="m",
        state_seconds=0.1,
        probe_seconds=0.2,
    )
    settings = RemoteSettings(
        base_url=server.base_url, model="m", num_slots=2, first_token_seconds=1, token_seconds=0.5
    )
    return GuidanceWorker(
        RemoteEngine(settings, clock=time.time),
        LiveStores("w1", options, time.time),
        options=options,
        clock=time.time,
        doorbell=Flag(),
    )


def turn(worker: GuidanceWorker, until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not until():
        assert time.monotonic() < deadline
        worker.tick(0.02)


def test_a_frozen_server_fails_no_case(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "TOTAL_SECONDS", 0.5)

    def said() -> str:
        return events.worker_problems(connection.client()).get("w1", "")

    with FakeServer() as server:
        job = make_job(2, 0)
        worker = make_worker(server)
        worker.start()
        turn(worker, lambda: Job.objects.get(id=job.id).first_token_at is not None)
        server.goes_on.clear()
        turn(worker, lambda: "did not answer one token" in said())
        waiting = Job.objects.get(id=job.id)
        assert (waiting.status, waiting.num_failures) == (JobStatus.WAITING, 0)
        assert waiting.progress_text
        server.goes_on.set()
        turn(worker, lambda: Job.objects.get(id=job.id).status == JobStatus.DONE)
        turn(worker, lambda: said() == "")
        worker.stop()
    done = Job.objects.get(id=job.id)
    assert (done.num_failures, done.generated_tokens) == (0, 400)
    assert done.output.startswith(waiting.progress_text)
