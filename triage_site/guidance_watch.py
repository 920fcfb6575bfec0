"""Watches whether the GPU worker of `manage.py up` can work, and says so in its log."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import redis

from scheduling.core.guidance import LOADING
from triage_site.processes import WriteLine
from triage_site.readiness import identity, problem_of, serving

_FIRST_SECONDS: Final = 0.3  # between two looks, until the first answer
_LATER_SECONDS: Final = 5.0


def _client(redis_url: str) -> redis.Redis:
    return redis.Redis.from_url(
        redis_url, socket_connect_timeout=1, socket_timeout=1, decode_responses=True
    )


def is_serving(redis_url: str, name: str, pid: int | None) -> bool:
    """True when the worker process `pid` has a fresh heartbeat."""
    if pid is None:
        return False
    with _client(redis_url) as client, contextlib.suppress(redis.RedisError):
        return identity(pid) in serving(client, name, time.time())
    return False


@dataclass(slots=True)
class GuidanceWatch:
    """`problem` is why the GPU worker cannot work; empty when it can; None until it says."""

    write_line: WriteLine
    pid: Callable[[], int | None]
    problem: str | None = None
    _next_look: float = 0.0

    @property
    def is_decided(self) -> bool:
        """True when the GPU worker can work, or has said why it cannot."""
        return self.problem is not None

    def look(self, redis_url: str, now: float) -> None:
        """Writes a line when the worker cannot work, or can again. `now` is monotonic seconds."""
        if now < self._next_look:
            return
        self._next_look = now + (_LATER_SECONDS if self.is_decided else _FIRST_SECONDS)
        said = self._read(redis_url)
        if said is None or said in (LOADING, self.problem):
            return
        if said:
            self.write_line("up", f"AI guidance offline: {said}")
            self.write_line("up", "Everything else works; waiting cases get their guidance later.")
        elif self.problem:
            self.write_line("up", "AI guidance is online")
        self.problem = said

    def _read(self, redis_url: str) -> str | None:
        """The sentence of the running worker; None when there is no fresh heartbeat."""
        pid = self.pid()
        if pid is None or not is_serving(redis_url, "gpu", pid):
            return None
        with _client(redis_url) as client, contextlib.suppress(redis.RedisError):
            return problem_of(client, identity(pid))
        return None
