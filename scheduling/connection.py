"""The Redis clients of this process behind one breaker, and the queue that uses them."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import redis
import structlog
from django.conf import settings

from scheduling.guarded_redis import SENTENCES, Guard, trouble_of
from scheduling.queue.protocol import SemanticQueue
from scheduling.queue.semantic_queue import RedisSemanticQueue

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS: Final = 1.0  # of a page, a request or a step of a worker
PATIENT_SECONDS: Final = 10.0  # of moves of the whole queue: switch of the policy, reconcile


@lru_cache(maxsize=4)
def _guard(url: str) -> Guard:
    return Guard(url, timeout_seconds=TIMEOUT_SECONDS)


@lru_cache(maxsize=8)
def _client(url: str, timeout_seconds: float) -> redis.Redis:
    return _guard(url).client(timeout_seconds=timeout_seconds)


@lru_cache(maxsize=8)
def _queue(url: str, timeout_seconds: float) -> SemanticQueue:
    return RedisSemanticQueue(_client(url, timeout_seconds))


def guard() -> Guard:
    return _guard(settings.REDIS_URL)


def client() -> redis.Redis:
    return _client(settings.REDIS_URL, TIMEOUT_SECONDS)


def queue() -> SemanticQueue:
    return _queue(settings.REDIS_URL, TIMEOUT_SECONDS)


def patient_queue() -> SemanticQueue:
    """The queue for moves that take long when it is long. It shares the breaker of `queue`."""
    return _queue(settings.REDIS_URL, PATIENT_SECONDS)


def is_silent() -> bool:
    """Returns whether Redis is known not to answer: then nothing calls it."""
    return guard().breaker.is_open


def trouble() -> str:
    """Returns one sentence about the present outage of Redis; empty while it works."""
    return SENTENCES.get(guard().breaker.trouble, "")


def log_store_error(event: str, error: BaseException) -> None:
    """Logs an error of Redis, unless it belongs to an outage, which is logged once."""
    if not trouble_of(error):
        log.warning(event, error=type(error).__name__)
