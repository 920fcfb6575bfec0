"""The Celery task that wakes the worker loop."""

from __future__ import annotations

from threading import Event as Flag

from celery import shared_task

doorbell = Flag()  # set in the process of the GPU worker, where the loop waits for it


@shared_task(name="llm_worker.doorbell", ignore_result=True)
def ring() -> None:
    """Wakes the loop after a change of the queue. The change itself is in Redis and SQL."""
    doorbell.set()
