"""A new web process and a new GPU worker take over from old ones under load; nothing is lost.

docs/OPERATIONS.md describes the steps. Real processes with the commands of `manage.py up`.
"""

from __future__ import annotations

import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
import redis

from scheduling.core.status import JobStatus
from scheduling.models import Job
from tests.factories import make_user
from tests.fixtures import wait_until
from tests.workers import tail, worker
from triage_site.cases.api_tokens import replace_token
from triage_site.cases.models import Case
from triage_site.cases.roles import CLINICIAN, Scope
from triage_site.embedded_redis import free_port
from triage_site.readiness import serving
from triage_site.up import commands

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(400),
]
BUSY_GAP_SECONDS, CALM_GAP_SECONDS = 0.4, 3.0
TEXTS = ("chest pain and short of breath", "twisted ankle, can walk", "fever and cough")


@contextmanager
def web(env: dict[str, str], log: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    port = free_port()
    command = list(commands()["web"][0])
    command[command.index("--port") + 1] = str(port)
    url = f"http://127.0.0.1:{port}"
    with log.open("ab") as out:
        process = subprocess.Popen(command, env={**env, "PORT": str(port)}, stdout=out, stderr=out)
    try:
        wait_until(lambda: _answers(url), seconds=90, what=lambda: f"web answers: {tail(log)}")
        yield url, process
    finally:
        process.terminate()
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz/", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


class Proxy(threading.Thread):
    """Sends cases to the first web process that takes them, as a proxy would: one each 0.4 s while
    a process is replaced, fewer while the next one starts, when nothing changes."""

    def __init__(self, token: str) -> None:
        super().__init__(daemon=True)
        self.urls: list[str] = []
        self.sent: list[str] = []
        self.slowest = 0.0
        self.is_done = threading.Event()
        self.gap_seconds = BUSY_GAP_SECONDS
        self._headers = {"Authorization": f"Bearer {token}"}

    def run(self) -> None:
        while not self.is_done.wait(self.gap_seconds):
            key, began = uuid.uuid4().hex, time.monotonic()
            while (case := self._send(key)) is None:
                time.sleep(0.05)
            self.sent.append(case)
            self.slowest = max(self.slowest, time.monotonic() - began)

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """While a process starts. Afterwards some cases are sent before anything else happens."""
        self.gap_seconds = CALM_GAP_SECONDS
        yield
        self.gap_seconds = BUSY_GAP_SECONDS
        self.send_more(3)

    def send_more(self, num: int) -> None:
        before = len(self.sent)
        wait_until(lambda: len(self.sent) >= before + num, seconds=60, what="cases are sent")

    def _send(self, key: str) -> str | None:
        body = {"text": TEXTS[len(self.sent) % 3], "age_years": 60, "confirmed": True}
        for url in tuple(self.urls):
            try:
                answer = httpx.post(
                    f"{url}/api/v1/cases",
                    json=body,
                    headers={**self._headers, "Idempotency-Key": key},
                    timeout=20,
                )
            except httpx.HTTPError:
                continue  # an idempotent request: the next process gets it under the same key
            if answer.is_success:
                return str(answer.json()["id"])
        return None


def test_nothing_is_lost_while_web_and_gpu_worker_are_replaced(
    process_env: dict[str, str], redis_client: redis.Redis, tmp_path: Path
) -> None:
    proxy = Proxy(replace_token(make_user(CLINICIAN), Scope.SUBMIT))
    log = tmp_path / "log"
    second = {**process_env, "DATA_DIR": str(tmp_path)}  # as on a second machine
    with ExitStack() as running:
        running.enter_context(worker("classify", process_env, log))
        old_gpu = running.enter_context(worker("gpu", process_env, log))
        old_url, old_web = running.enter_context(web(process_env, log))
        _wait_for_workers(redis_client, 1, log)
        proxy.urls.append(old_url)
        proxy.start()
        proxy.send_more(5)

        with proxy.at_rest():
            new_url, _ = running.enter_context(web(second, log))
        proxy.urls.append(new_url)
        old_web.send_signal(signal.SIGTERM)
        assert old_web.wait(30) in (0, -signal.SIGTERM)  # uvicorn ends with the signal it got
        proxy.urls.remove(old_url)

        with proxy.at_rest():
            running.enter_context(worker("gpu", second, log))
            _wait_for_workers(redis_client, 2, log)
        began = time.monotonic()
        old_gpu.send_signal(signal.SIGTERM)
        assert old_gpu.wait(60) == 0
        stopped = time.monotonic() - began
        proxy.send_more(5)
        proxy.is_done.set()
        proxy.join(60)
        _wait_until_all_are_done(proxy.sent, log)
    print(f"{len(proxy.sent)} cases, slowest answer {proxy.slowest:.1f} s, stop {stopped:.1f} s")
    assert len(set(proxy.sent)) == len(proxy.sent)
    assert Case.objects.count() == len(proxy.sent)
    assert Job.objects.count() == len(proxy.sent)


def _wait_for_workers(client: redis.Redis, num: int, log: Path) -> None:
    wait_until(
        lambda: len(serving(client, "gpu", time.time())) >= num,
        seconds=120,
        what=lambda: f"{num} GPU workers serve: {tail(log)}",
    )


def _wait_until_all_are_done(sent: list[str], log: Path) -> None:
    def are_done() -> bool:
        done = Job.objects.filter(status=JobStatus.DONE, case_id__in=sent).count()
        failed = Job.objects.filter(case_id__in=sent, status=JobStatus.FAILED).count()
        assert not failed, tail(log)
        return done == len(sent)

    wait_until(are_done, seconds=180, what=lambda: f"all cases are done: {tail(log)}")
