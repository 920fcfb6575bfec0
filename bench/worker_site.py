"""The worker loop with its stores, for `bench/peers.py`: Redis, SQLite and cases of its own."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import django
import redis
from django.core.management import call_command

from llm_worker.engine.protocol import Engine, EngineJob
from triage_site import embedded_redis

GIVE_UP_SECONDS: Final = 120.0


def environment() -> dict[str, str]:
    """Names the stores of this run. To be set before anything reads the settings."""
    url = embedded_redis.url(embedded_redis.free_port())
    return {"DATA_DIR": tempfile.mkdtemp(prefix="triage-peers-"), "REDIS_URL": url}


@contextmanager
def stores() -> Iterator[None]:
    """An empty database and an empty Redis, under the names of `environment`."""
    folder = Path(os.environ["DATA_DIR"])
    port = urlsplit(os.environ["REDIS_URL"]).port
    assert port is not None
    text = embedded_redis.configuration(port=port, folder=folder)
    path = embedded_redis.write_configuration(text, folder)
    program = str(embedded_redis.find_server().path)
    server = subprocess.Popen([program, str(path)], stdout=subprocess.DEVNULL)
    try:
        django.setup()
        call_command("migrate", verbosity=0, interactive=False)
        yield
    finally:
        server.terminate()
        server.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Times in seconds from the arrival."""

    first: float
    end: float
    num_tokens: int


class WorkerSite:
    """One worker on an engine. `submit` queues a case; `results` waits for all of them."""

    def __init__(self, engine: Engine, max_new_tokens: int) -> None:
        from django.contrib.auth import get_user_model

        from llm_worker.worker.loop import GuidanceWorker
        from llm_worker.worker.options import Options
        from llm_worker.worker.stores import LiveStores
        from scheduling import services
        from scheduling.core.policies import Preemption

        self._doorbell, self._stop = threading.Event(), threading.Event()
        # In a site a Celery message does this.
        services.ring_doorbell = self._doorbell.set
        options = Options(
            lease_seconds=15.0,
            preemption=Preemption.LEVEL,
            max_new_tokens=max_new_tokens,
            model_name="peers",
        )
        worker = GuidanceWorker(
            engine,
            LiveStores("peers", options, time.time),
            options=options,
            clock=time.time,
            doorbell=self._doorbell,
        )
        self._thread = threading.Thread(target=worker.run, args=(self._stop,), daemon=True)
        self._user = get_user_model().objects.get_or_create(username="peers")[0]
        self._jobs: dict[str, Any] = {}
        self._thread.start()

    def submit(self, name: str, facts: Any, job: EngineJob) -> None:
        from scheduling import services
        from triage_site.cases.models import Case, CaseStatus

        request = job.request
        now = datetime.fromtimestamp(request.arrival_seconds, UTC)
        case = Case.objects.create(
            facts=facts.to_dict(),
            created_by=self._user,
            submission_key=uuid.uuid4().hex,
            arrived_at=now,
            status=CaseStatus.QUEUED,
            priority=request.priority,
            suggested_priority=request.priority,
        )
        self._jobs[name] = services.submit_job(
            case_id=case.id,
            prompt=job.prompt,
            priority=request.priority,
            prompt_tokens=request.prompt_tokens,
            predicted_tokens=request.predicted_tokens,
            arrival_at=now,
            now=now,
        ).id

    def results(self, give_up: Callable[[str], None]) -> dict[str, Served]:
        from django.utils import timezone

        from scheduling import services
        from scheduling.models import Job

        deadline = time.monotonic() + GIVE_UP_SECONDS
        rows: dict[Any, Any] = {}
        while len(rows) < len(self._jobs):
            time.sleep(0.1)
            with suppress(redis.RedisError):
                services.check_queue(now=timezone.now())  # as the upkeep of a site does
            done = Job.objects.filter(id__in=self._jobs.values(), finished_at__isnull=False)
            rows = {job.id: job for job in done}
            if time.monotonic() > deadline:
                give_up("not done in time")
        return {name: _served(rows[job_id]) for name, job_id in self._jobs.items()}

    def forget(self) -> None:
        self._jobs.clear()

    def close(self) -> None:
        self._stop.set()
        self._doorbell.set()
        self._thread.join(30)


def _served(job: Any) -> Served:
    return Served(
        first=(job.first_token_at - job.arrival_at).total_seconds(),
        end=(job.finished_at - job.arrival_at).total_seconds(),
        num_tokens=job.generated_tokens,
    )
