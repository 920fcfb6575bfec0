"""Notifies open pages of changes. An event holds ids and fixed words, no clinical text."""

from __future__ import annotations

from collections.abc import Mapping

import redis

from scheduling import connection
from scheduling.queue.events import publish


def announce(event: Mapping[str, str | int]) -> None:
    """Publishes an event. Redis errors are only logged, because pages also refresh regularly."""
    try:
        publish(connection.client(), dict(event))
    except (redis.RedisError, OSError) as error:
        connection.log_store_error("announce_failed", error)
