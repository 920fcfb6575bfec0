"""Tells open pages that something changed: ids and words of our own, no clinical text."""

from __future__ import annotations

from collections.abc import Mapping

import redis
import structlog

from scheduling import connection
from scheduling.queue.events import publish

log = structlog.get_logger(__name__)


def announce(event: Mapping[str, str | int]) -> None:
    """Never raises because of Redis: pages also refresh by themselves now and then."""
    try:
        publish(connection.client(), dict(event))
    except (redis.RedisError, OSError) as error:
        log.warning("announce_failed", error=type(error).__name__)
