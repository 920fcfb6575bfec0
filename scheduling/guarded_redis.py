"""A Redis client behind a circuit breaker: no caller waits for a server that does not answer.

Each connection reports its failures and successes to the breaker of its server. While the
breaker is open, every call raises `StoreSilent` at once, and one thread probes the server until
it answers. An outage is logged once when it begins and once when it ends.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any, Final

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from scheduling.breaker import FULL, READ_ONLY, SILENT, Breaker, Change

log = structlog.get_logger(__name__)

PROBE_SECONDS: Final = 1.0
_FIRST_PROBE_SECONDS: Final = 0.1  # a single slow answer of a busy machine is no outage
NO_RETRY: Final = Retry(NoBackoff(), 0)
_PROBE_KEY: Final = "triage:probe"

SENTENCES: Final = {
    SILENT: "The queue server (Redis) does not answer.",
    FULL: "The queue server (Redis) is full and takes no new entries.",
    READ_ONLY: "The queue server (Redis) is read-only or cannot save its data.",
}


class StoreSilent(redis.ConnectionError):
    """The server is known not to answer, so it was not called."""


def trouble_of(error: BaseException) -> str:
    """Returns the name of the outage that an error of Redis means; empty for other errors."""
    if isinstance(error, redis.ResponseError):
        message = str(error)
        if isinstance(error, redis.OutOfMemoryError) or "OOM" in message:
            return FULL
        if isinstance(error, redis.ReadOnlyError) or "READONLY" in message or "MISCONF" in message:
            return READ_ONLY
        return ""
    return SILENT if isinstance(error, redis.ConnectionError | redis.TimeoutError) else ""


class Guard:
    """The breaker of one server, its clients, and the thread that probes while it is in trouble."""

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        self.url, self.timeout_seconds = url, timeout_seconds
        self.breaker = Breaker()
        self._probing: threading.Thread | None = None
        self._lock = threading.Lock()

    def client(self, *, timeout_seconds: float | None = None) -> redis.Redis:
        """Returns a client without retries. Each of its reads waits at most `timeout_seconds`."""
        made = _plain_client(self.url, timeout_seconds or self.timeout_seconds)
        pool = made.connection_pool
        pool.connection_class = _guarded(pool.connection_class, self)
        return made

    def check(self) -> None:
        if self.breaker.is_open:
            raise StoreSilent("Redis does not answer")

    def failed(self, error: BaseException) -> None:
        trouble = trouble_of(error)
        if not trouble or isinstance(error, StoreSilent):
            return
        self._report(self.breaker.failed(time.monotonic(), trouble))
        self._start_probes()

    def succeeded(self, *, wrote: bool = False) -> None:
        self._report(self.breaker.succeeded(time.monotonic(), wrote=wrote))

    def probe(self) -> bool:
        """Writes a key with a client of its own. Returns whether the server took it."""
        client = _plain_client(self.url, self.timeout_seconds)
        try:
            client.set(_PROBE_KEY, 1, ex=60)
        except redis.RedisError as error:
            self.failed(error)
            return False
        finally:
            with contextlib.suppress(redis.RedisError, OSError):
                client.close()
        self.succeeded(wrote=True)
        return True

    def _start_probes(self) -> None:
        with self._lock:
            # A fork copies the object, not the thread.
            if self._probing is None or not self._probing.is_alive():
                self._probing = threading.Thread(
                    target=self._probe_until_it_works, name="redis probe", daemon=True
                )
                self._probing.start()

    def _probe_until_it_works(self) -> None:
        pause = _FIRST_PROBE_SECONDS
        while self.breaker.trouble:
            time.sleep(pause)
            self.probe()
            pause = PROBE_SECONDS

    def _report(self, change: Change | None) -> None:
        if change is None:
            return
        if change.trouble:
            log.warning("store_unreachable", store="redis", trouble=change.trouble)
        else:
            log.info("store_reachable", store="redis", seconds=round(change.seconds, 1))


def _plain_client(url: str, timeout_seconds: float) -> redis.Redis:
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_connect_timeout=min(1.0, timeout_seconds),
        socket_timeout=timeout_seconds,
        retry=NO_RETRY,
        health_check_interval=15,
    )


def _guarded(base: type[Any], guard: Guard) -> type[Any]:
    """Returns a class of connections that ask `guard` before a call and report its outcome."""

    class GuardedConnection(base):
        def connect(self) -> None:
            guard.check()
            _reporting(guard, super().connect)

        def send_packed_command(self, *args: Any, **kwargs: Any) -> None:
            guard.check()
            _reporting(guard, super().send_packed_command, *args, **kwargs)

        def read_response(self, *args: Any, **kwargs: Any) -> Any:
            answer = _reporting(guard, super().read_response, *args, **kwargs)
            for one in answer if isinstance(answer, list) else ():
                if isinstance(one, redis.RedisError):  # inside the answer of a transaction
                    guard.failed(one)
            guard.succeeded()
            return answer

    return GuardedConnection


def _reporting(guard: Guard, call: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        return call(*args, **kwargs)
    except (redis.RedisError, OSError) as error:
        guard.failed(error)
        raise
