"""Starts the process of the shadow with the Celery worker of the queue `classify`."""

from __future__ import annotations

import os
import subprocess
import sys
from threading import Event as Flag
from threading import Thread
from typing import Any

import structlog
from celery import bootsteps
from django.conf import settings

log = structlog.get_logger(__name__)

COMMAND = (sys.executable, "-m", "django", "run_shadow")
FIRST_PAUSE_SECONDS = 1.0
LAST_PAUSE_SECONDS = 60.0
STOP_SECONDS = 3.0


class ShadowStep(bootsteps.StartStopStep):
    """Keeps the process of the shadow running. A task would take a pool process from cases."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self._stop = Flag()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: Thread | None = None

    def include_if(self, parent: Any) -> bool:
        queues = parent.app.amqp.queues.consume_from or {}
        return bool(settings.TRIAGE_SHADOW_CLASSIFIER) and "classify" in queues

    def start(self, parent: Any) -> None:
        self._thread = Thread(target=self._keep_running, name="shadow", daemon=True)
        self._thread.start()

    def stop(self, parent: Any) -> None:
        self._stop.set()
        if self._process is not None:
            self._process.terminate()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    terminate = stop

    def _keep_running(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._stop.is_set():
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            self._process = subprocess.Popen(COMMAND, cwd=settings.BASE_DIR, env=environment)
            code = self._process.wait()
            if self._stop.wait(pause):
                return
            log.error("shadow_exited", exit_code=code, restart_in_seconds=pause)
            pause = min(2 * pause, LAST_PAUSE_SECONDS)
