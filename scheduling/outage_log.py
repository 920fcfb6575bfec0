"""The log of a loop that goes on over failures: one line when they begin, one when they end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import redis
import structlog

log = structlog.get_logger(__name__)

_OF_REDIS: Final = (redis.RedisError, ConnectionError, TimeoutError)


@dataclass(slots=True)
class OutageLog:
    """An outage of Redis is logged by its breaker alone (`guarded_redis.py`)."""

    loop: str
    is_failing: bool = False

    def failed(self, error: Exception) -> None:
        if self.is_failing or isinstance(error, _OF_REDIS):
            return
        self.is_failing = True
        log.warning("loop_failed", loop=self.loop, error=type(error).__name__)

    def worked(self) -> None:
        if self.is_failing:
            self.is_failing = False
            log.info("loop_works_again", loop=self.loop)
