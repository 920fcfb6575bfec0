"""Who serves at this moment: workers say so in Redis, probes read it.

`python -m triage_site.readiness web|classify|compare|gpu` ends with 0 when that serves on this
host; containers are probed so.
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

from scheduling.queue.events import worker_states

WORKERS: Final = ("classify", "compare", "gpu")
EVERY_SECONDS: Final = 2.0
FRESH_SECONDS: Final = 7.0


def _key(name: str) -> str:
    return f"triage:ready:{name}"


def identity(pid: int | str) -> str:
    """What a worker process of this host calls itself."""
    return f"{socket.gethostname()}:{pid}"


def serving(client: redis.Redis, name: str, now: float) -> list[str]:
    """The identities of the workers of that name that serve at `now`, seconds since the epoch.

    The GPU worker's loop reports by itself, once its model is loaded; the others by Heartbeat.
    """
    if name == "gpu":
        return list(worker_states(client))
    raw = cast(list[bytes | str], client.zrangebyscore(_key(name), now - FRESH_SECONDS, "+inf"))
    return [one.decode() if isinstance(one, bytes) else one for one in raw]


class Heartbeat:
    """A thread that keeps saying that this process serves as `name`."""

    def __init__(self, client: redis.Redis, name: str) -> None:
        self._client = client
        self._key = _key(name)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        me = identity(os.getpid())
        while not self._stop.is_set():
            # With Redis away, the last word grows stale: that is what it should say.
            with contextlib.suppress(redis.RedisError):
                now = time.time()
                self._client.zremrangebyscore(self._key, "-inf", now - FRESH_SECONDS)
                self._client.zadd(self._key, {me: now})
            self._stop.wait(EVERY_SECONDS)
        with contextlib.suppress(redis.RedisError):
            self._client.zrem(self._key, me)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in ("web", *WORKERS):
        print(f"usage: python -m triage_site.readiness web|{'|'.join(WORKERS)}", file=sys.stderr)
        return 2
    from triage_site import settings

    name = arguments[0]
    try:
        if name == "web":
            with urlopen(f"http://127.0.0.1:{settings.PORT}/healthz/", timeout=5) as answer:
                return 0 if answer.status == 200 else 1
        client = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=3, socket_connect_timeout=3, decode_responses=True
        )
        found = serving(client, name, time.time())
    except (OSError, redis.RedisError) as error:
        print(f"{name} cannot be asked: {error}", file=sys.stderr)
        return 1
    return 0 if any(one.startswith(identity("")) for one in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
