"""Starts and stops the guidance loop with the Celery worker that consumes the queue `gpu`."""

from __future__ import annotations

import os
import signal
import socket
import time
from threading import Thread
from typing import Any

import structlog
from celery import bootsteps
from celery.signals import worker_shutting_down
from django.conf import settings
from django.db import connections

from scheduling.beats import Beat, BeatingFlag

log = structlog.get_logger(__name__)

STOP_SECONDS = 8.0


class GuidanceStep(bootsteps.StartStopStep):
    """One engine thread per worker process. Needs `--pool=threads`: CUDA cannot fork."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        # The loop asks for it in each round, so it shows that the loop makes progress.
        self._stop = BeatingFlag(Beat(settings.BEATS_DIR, "gpu"))
        self._thread: Thread | None = None

    def include_if(self, parent: Any) -> bool:
        return "gpu" in (parent.app.amqp.queues.consume_from or {})

    def start(self, parent: Any) -> None:
        """Starts the loop. It reports itself when the model is loaded, or why it cannot be."""
        if "thread" not in str(parent.pool_cls.__module__):
            raise RuntimeError("the queue gpu needs --pool=threads: CUDA does not survive a fork")
        worker = _build_worker()
        self._thread = Thread(target=self._serve, args=(worker,), name="guidance", daemon=True)
        self._thread.start()
        # Celery looks for the signal to stop only once a second.
        worker_shutting_down.connect(self._end_loop, weak=False)

    def _end_loop(self, **_: Any) -> None:
        from llm_worker.worker.tasks import doorbell

        self._stop.set()
        doorbell.set()

    def stop(self, parent: Any) -> None:
        self._end_loop()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    terminate = stop

    def _serve(self, worker: Any) -> None:
        try:
            worker.run(self._stop)
        except BaseException as error:
            # The process is useless without its loop. Its supervisor starts it again.
            log.critical("guidance_loop_ended", error=type(error).__name__, reason=str(error)[:300])
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            connections.close_all()


def _build_worker() -> Any:
    # Imported here: all Celery processes import this module, but only this one needs torch.
    from llm_worker.worker.engine_factory import make_engine
    from llm_worker.worker.loop import GuidanceWorker
    from llm_worker.worker.options import Options
    from llm_worker.worker.stores import LiveStores
    from llm_worker.worker.tasks import doorbell
    from scheduling.core.policies import Preemption

    options = Options(
        lease_seconds=settings.TRIAGE_LEASE_SECONDS,
        preemption=Preemption(settings.TRIAGE_PREEMPTION),
        max_new_tokens=settings.TRIAGE_MAX_NEW_TOKENS,
        model_name=settings.TRIAGE_LLM_NAME,
    )
    name = f"{socket.gethostname()}:{os.getpid()}"
    return GuidanceWorker(
        make_engine(),
        LiveStores(name, options, time.time),
        options=options,
        clock=time.time,
        doorbell=doorbell,
    )
