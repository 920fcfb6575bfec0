"""A client behind the breaker, on a real server that is frozen, full, read-only or restarted."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from structlog.testing import capture_logs

from scheduling import guarded_redis
from scheduling.guarded_redis import Guard, StoreSilent
from tests.fixtures import wait_until
from triage_site import embedded_redis


class Server:
    """A Redis server of this test."""

    def __init__(self, folder: Path) -> None:
        self.port = embedded_redis.free_port()
        self.url = embedded_redis.url(self.port, "")
        text = embedded_redis.configuration(port=self.port, folder=folder, append_only=False)
        self._path = embedded_redis.write_configuration(text, folder)
        self.start()

    def start(self) -> None:
        program = embedded_redis.bundled_server().path
        self.process = subprocess.Popen([program, self._path], stdout=subprocess.DEVNULL)
        plain = redis.Redis.from_url(self.url)

        def answers() -> bool:
            try:
                return bool(plain.ping())
            except redis.RedisError:
                return False

        wait_until(answers, seconds=10, what="the server answers")

    def send(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path)
    yield running
    running.kill()


def outages(logs: list[Any]) -> list[str]:
    return [one["event"] for one in logs if one["event"].startswith("store_")]


def test_a_frozen_server_costs_one_time_out_and_then_nothing(server: Server) -> None:
    guard = Guard(server.url, timeout_seconds=0.5)
    client = guard.client()
    client.set("a", 1)
    with capture_logs() as logs:
        server.send(signal.SIGSTOP)
        begun = time.monotonic()
        with pytest.raises(redis.RedisError):
            client.get("a")
        assert time.monotonic() - begun < 1.5
        begun = time.monotonic()
        for _ in range(200):
            with pytest.raises(StoreSilent):
                client.get("a")
            pipe = client.pipeline()
            pipe.get("a")
            with pytest.raises(StoreSilent):
                pipe.execute()
        assert time.monotonic() - begun < 0.5
        server.send(signal.SIGCONT)
        wait_until(lambda: not guard.breaker.trouble, seconds=4, what="the probe succeeds")
        assert client.get("a") == "1"
    assert outages(logs) == ["store_unreachable", "store_reachable"]


def test_a_restarted_server_is_used_again(server: Server) -> None:
    guard = Guard(server.url, timeout_seconds=0.5)
    client = guard.client()
    client.set("a", 1)
    server.kill()
    with pytest.raises(redis.RedisError):
        client.get("a")
    assert guard.breaker.is_open
    server.start()
    wait_until(lambda: not guard.breaker.trouble, seconds=4, what="the probe succeeds")
    assert client.get("a") is None


@pytest.mark.parametrize("in_transaction", [False, True])
def test_a_full_server_is_named_and_still_read(
    server: Server, monkeypatch: pytest.MonkeyPatch, *, in_transaction: bool
) -> None:
    monkeypatch.setattr(guarded_redis, "PROBE_SECONDS", 0.2)
    guard = Guard(server.url, timeout_seconds=0.5)
    client = guard.client()
    client.set("a", 1)
    client.config_set("maxmemory", "1")
    pipe = client.pipeline(transaction=in_transaction)
    pipe.set("b", "x" * 100)
    with pytest.raises(redis.RedisError):
        pipe.execute()
    assert guard.breaker.trouble == "full"
    assert client.get("a") == "1"
    assert guard.breaker.trouble == "full"
    client.config_set("maxmemory", "0")
    wait_until(lambda: not guard.breaker.trouble, seconds=4, what="a write succeeds")


def test_a_read_only_replica_is_named(server: Server) -> None:
    guard = Guard(server.url, timeout_seconds=0.5)
    client = guard.client()
    client.replicaof("127.0.0.1", "1")
    with pytest.raises(redis.RedisError):
        client.set("a", 1)
    assert guard.breaker.trouble == "read_only"
    client.replicaof("NO", "ONE")
    wait_until(lambda: not guard.breaker.trouble, seconds=4, what="a write succeeds")
