"""The choice of the Redis server, and the durability of its data."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import redis

from tests.fixtures import wait_until
from triage_site import embedded_redis


def fake_server(folder: Path, name: str, version_line: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{version_line}'\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("name", "version_line", "expected"),
    [
        ("redis-server", "Redis server v=7.0.15 sha=00000000:0 bits=64", ("redis", (7, 0))),
        ("valkey-server", "Valkey server v=8.1.0 sha=00000000:0 bits=64", ("valkey", (8, 1))),
    ],
)
def test_a_server_on_path_is_preferred(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    version_line: str,
    expected: tuple[str, tuple[int, int]],
) -> None:
    fake_server(tmp_path, name, version_line)
    monkeypatch.setenv("PATH", str(tmp_path))
    server = embedded_redis.find_server()
    assert (server.name, server.version) == expected
    assert server.path.parent == tmp_path


@pytest.mark.parametrize("version_line", ["Redis server v=5.0.14 bits=64", "unknown"])
def test_an_old_or_unknown_server_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version_line: str
) -> None:
    fake_server(tmp_path, "redis-server", version_line)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert embedded_redis.find_server() == embedded_redis.bundled_server()


def test_written_data_survives_a_kill(tmp_path: Path) -> None:
    server, seen = embedded_redis.bundled_server(), []
    for value in (b"yesterday", None):
        port = embedded_redis.free_port()
        text = embedded_redis.configuration(port=port, folder=tmp_path, password="secret")
        path = embedded_redis.write_configuration(text, tmp_path)
        process = subprocess.Popen([server.path, path], stdout=subprocess.DEVNULL)
        client = redis.Redis.from_url(embedded_redis.url(port, "secret"))

        def answers(client: redis.Redis = client) -> bool:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

        try:
            wait_until(answers, seconds=10, what="Redis answers")
            if value:
                client.set("case", value)
            seen.append(client.get("case"))
        finally:
            process.kill()
            process.wait()
            client.close()
    assert seen == [b"yesterday", b"yesterday"]


def test_only_the_owner_can_read_the_configuration(tmp_path: Path) -> None:
    path = embedded_redis.write_configuration("requirepass secret\n", tmp_path / "redis")
    assert path.stat().st_mode & 0o077 == 0
