"""Readiness: workers write heartbeats to Redis, and probes read them.

`python -m triage_site.readiness web|classify|gpu` exits with 0 when that service is ready on
this host. The health checks of the containers use it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
from typing import Final, cast
from urllib.request import urlopen

import redis

from scheduling.beats import Beat
from scheduling.queue.events import worker_problems, worker_states

WORKERS: Final = ("classify", "gpu")
EVERY_SECONDS: Final = 2.0
FRESH_SECONDS: Final = 7.0


def _key(name: str) -> str:
    return f"triage:ready:{name}"


def identity(pid: int | str) -> str:
    """Returns the identity of a worker process of this host: host name and process id."""
    return f"{socket.gethostname()}:{pid}"


def serving(client: redis.Redis, name: str, now: float) -> list[str]:
    """Returns the identities of the workers of that name that serve at `now` (Unix seconds).

    The GPU worker's loop writes its own heartbeat once its model is loaded. Other workers use
    `Heartbeat`.
    """
    if name == "gpu":
        return list(worker_states(client))
    raw = cast(list[bytes | str], client.zrangebyscore(_key(name), now - FRESH_SECONDS, "+inf"))
    return [one.decode() if isinstance(one, bytes) else one for one in raw]


def problem_of(client: redis.Redis, worker: str) -> str:
    """Returns why this GPU worker, which runs, cannot work; empty when it can."""
    return worker_problems(client).get(worker, "")


class Heartbeat:
    """A thread that writes the heartbeat of this process as a worker called `name`."""

    def __init__(self, client: redis.Redis, name: str, beat: Beat | None = None) -> None:
        self._client = client
        self._beat = beat
        self._key = _key(name)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        own_identity = identity(os.getpid())
        while not self._stop.is_set():
            if self._beat is not None:
                self._beat.touch()
            # Without Redis the last heartbeat expires, and the worker counts as not ready.
            with contextlib.suppress(redis.RedisError):
                now = time.time()
                self._client.zremrangebyscore(self._key, "-inf", now - FRESH_SECONDS)
                self._client.zadd(self._key, {own_identity: now})
            self._stop.wait(EVERY_SECONDS)
        with contextlib.suppress(redis.RedisError):
            self._client.zrem(self._key, own_identity)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in ("web", *WORKERS):
        print(f"usage: python -m triage_site.readiness web|{'|'.join(WORKERS)}", file=sys.stderr)
        return 2
    from triage_site import settings

    name = arguments[0]
    try:
        if name == "web":
            with urlopen(f"http://127.0.0.1:{settings.PORT}/readyz/", timeout=5) as answer:
                return 0 if answer.status == 200 else 1
        client = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=3, socket_connect_timeout=3, decode_responses=True
        )
        found = serving(client, name, time.time())
    except (OSError, redis.RedisError) as error:
        print(f"{name}: the check failed: {error}", file=sys.stderr)
        return 1
    return 0 if any(one.startswith(identity("")) for one in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
