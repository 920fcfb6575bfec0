"""Real Celery workers for tests, started with the commands of `manage.py up`."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from tests.fixtures import wait_until
from triage_site.readiness import serving
from triage_site.up import commands


@contextmanager
def worker(name: str, env: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Runs the worker `classify` or `gpu`, and stops it at the end of the context."""
    with log.open("ab") as out:
        dumps = {"PYTHONFAULTHANDLER": "1"}  # SIGABRT prints what each thread does
        process = subprocess.Popen(commands()[name][0], env=env | dumps, stdout=out, stderr=out)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            _wait(process, log)


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        process.wait(10)
        pytest.fail(f"the worker did not stop within 60 s: {log.read_text()[-8000:]}")


def wait_for_worker(name: str, client: redis.Redis, log: Path) -> None:
    wait_until(
        lambda: bool(serving(client, name, time.time())),
        seconds=150,
        what=lambda: f"{name} serves: {tail(log)}",
    )


def tail(log: Path) -> str:
    return log.read_text()[-2000:]
