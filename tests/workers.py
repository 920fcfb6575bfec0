"""Real Celery workers for tests, started with the commands of `manage.py up`."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from tests.fixtures import wait_until
from triage_site.readiness import serving
from triage_site.up import commands


@contextmanager
def worker(name: str, env: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Runs the worker `classify` or `gpu`, and stops it at the end of the context."""
    with log.open("ab") as out:
        process = subprocess.Popen(commands()[name][0], env=env, stdout=out, stderr=out)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def wait_for_worker(name: str, client: redis.Redis, log: Path) -> None:
    wait_until(
        lambda: bool(serving(client, name, time.time())),
        seconds=60,
        what=lambda: f"{name} serves: {tail(log)}",
    )


def tail(log: Path) -> str:
    return log.read_text()[-2000:]
