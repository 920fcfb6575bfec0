"""A whole site for the chaos run: `manage.py up` with its own data, and its parts by name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import redis

from tests.postgres import Postgres
from triage_site.embedded_redis import free_port

ROOT: Final = Path(__file__).resolve().parents[2]
START_SECONDS: Final = 180.0
STOP_SECONDS: Final = 40.0
# A word of the command line tells the part.
_MARKS: Final = {
    "web": "uvicorn",
    "classify": "classify@%h",
    "gpu": "gpu@%h",
    "redis": "-server",
}


class SiteError(RuntimeError):
    """The site does not start or a part of it is gone for good."""


class Site:
    """Runs until `stop`. `postgres` is None where the site uses SQLite."""

    def __init__(self, folder: Path, environment: dict[str, str], postgres: Postgres | None):
        self.data_dir, self.postgres = folder / "data", postgres
        self.log_path = folder / "up.log"
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        own = {"DATA_DIR": str(self.data_dir), "PORT": str(port), "TRIAGE_DEMO": "1"}
        if postgres is not None:
            own["DATABASE_URL"] = postgres.url
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in _FOREIGN},
            "DJANGO_SETTINGS_MODULE": "triage_site.settings",
            **environment,
            **own,
        }
        with self.log_path.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--with-parent"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while f"ready: {self.url}" not in self.log():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise SiteError(f"the site does not start:\n{self.log()[-3000:]}")
            time.sleep(0.2)

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def pid(self, part: str) -> int:
        """The process of a part, once it runs. Raises SiteError after a minute without it."""
        deadline = time.monotonic() + 60
        while (pid := self._find(part)) is None:
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise SiteError(f"{part} does not run:\n{self.log()[-3000:]}")
            time.sleep(0.05)
        return pid

    def redis(self) -> redis.Redis:
        url = (self.data_dir / "redis" / "url").read_text().strip()
        return redis.Redis.from_url(
            url, decode_responses=True, socket_timeout=5, socket_connect_timeout=5
        )

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _find(self, part: str) -> int | None:
        for pid in children(self._process.pid):
            if _MARKS[part] in command_line(pid):
                return pid
        return None


_FOREIGN: Final = frozenset(
    {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "PORT", "HOST", "DATA_DIR", "TRIAGE_LLM"}
)


def children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return sorted(found)


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
