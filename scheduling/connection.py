"""The Redis client of this process, and the queue that uses it."""

from __future__ import annotations

from functools import lru_cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from scheduling.queue.protocol import SemanticQueue
from scheduling.queue.semantic_queue import RedisSemanticQueue


@lru_cache(maxsize=4)
def _client(url: str) -> redis.Redis:
    # No retries and short time-outs: a page must not hang during an outage of Redis.
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_connect_timeout=1,
        socket_timeout=5,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=15,
    )


def client() -> redis.Redis:
    return _client(settings.REDIS_URL)


@lru_cache(maxsize=4)
def _queue(url: str) -> SemanticQueue:
    return RedisSemanticQueue(_client(url))


def queue() -> SemanticQueue:
    return _queue(settings.REDIS_URL)
