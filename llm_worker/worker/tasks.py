"""The Celery task that wakes the worker loop."""

from __future__ import annotations

from threading import Event as Flag

from celery import shared_task

doorbell = Flag()  # set in the GPU worker's process; its loop waits for it


@shared_task(name="llm_worker.doorbell", ignore_result=True)
def ring() -> None:
    """Tells the loop that the queue changed. What changed is in Redis and SQL."""
    doorbell.set()
