"""Periodic repairs after failures of workers or Redis. Any process may run them, repeatedly."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event as Flag

import redis
import structlog
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from scheduling import connection, services
from triage_site.cases.services import rescue_unclassified

log = structlog.get_logger(__name__)

RESCUE_SECONDS = 0.5
REAP_SECONDS = 1.0
RECONCILE_SECONDS = 30.0


def run_upkeep(stop: Flag) -> None:
    """Runs until `stop`: queues unclassified cases, requeues jobs of lost workers, reconciles."""
    next_at = {"rescue": 0.0, "reap": 0.0, "reconcile": 0.0}
    epoch: str | None = None
    while not stop.wait(RESCUE_SECONDS):
        now = time.monotonic()
        if (current := _epoch_of_redis()) not in (None, epoch):  # Redis was flushed or replaced
            epoch, next_at["reconcile"] = current, 0.0
        for name, every_seconds, action in _DUTIES:
            if now >= next_at[name]:
                next_at[name] = now + every_seconds
                _attempt(name, action)
        close_old_connections()


def _epoch_of_redis() -> str | None:
    """Returns the epoch of the data in Redis; it changes when Redis has lost its data."""
    try:
        return connection.queue().mark().partition(":")[0]
    except (redis.RedisError, OSError):
        return None


def _attempt(name: str, action: Callable[[], object]) -> None:
    try:
        action()
    except (redis.RedisError, DatabaseError, OSError) as error:
        log.warning("upkeep_failed", duty=name, error=type(error).__name__)


_DUTIES: tuple[tuple[str, float, Callable[[], object]], ...] = (
    ("rescue", RESCUE_SECONDS, lambda: rescue_unclassified(now=timezone.now())),
    ("reap", REAP_SECONDS, lambda: services.reap_expired(now=timezone.now())),
    ("reconcile", RECONCILE_SECONDS, lambda: services.reconcile(now=timezone.now())),
)
