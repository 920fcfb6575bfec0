"""A PostgreSQL server for one test run, in a temporary folder and without network."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Self
from urllib.parse import quote

# Fast but not durable: a power failure may destroy this database.
OPTIONS = (
    *("-c", "listen_addresses=", "-c", "fsync=off", "-c", "synchronous_commit=off"),
    *("-c", "log_error_verbosity=terse"),  # as docs/OPERATIONS.md asks of a real site
    *("-c", "full_page_writes=off", "-c", "max_connections=200", "-c", "shared_buffers=64MB"),
)


def find_binaries() -> Path | None:
    """The folder of initdb and pg_ctl of the newest server; None without a server."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda path: int(path.parent.name) if path.parent.name.isdigit() else 0,
        reverse=True,
    )
    on_path = shutil.which("initdb")
    folders = [*([Path(on_path).parent] if on_path else []), *found]
    return next((f for f in folders if (f / "initdb").exists() and (f / "pg_ctl").exists()), None)


def find_tool(name: str) -> Path:
    """A client program of the same installation as the server, such as pg_dump."""
    folder = find_binaries()
    places = [] if folder is None else [folder, (folder / "initdb").resolve().parent]
    on_path = shutil.which(name)
    found = [place / name for place in places if (place / name).exists()]
    if not found and on_path is None:
        raise RuntimeError(f"{name} is not installed")
    return found[0] if found else Path(str(on_path))


class Postgres:
    """A context manager for the server. `url` is the URL of its database."""

    def __init__(self, *options: str) -> None:
        self._options = (*OPTIONS, *options)
        binaries = find_binaries()
        if binaries is None:
            raise RuntimeError("no PostgreSQL server on this machine")
        self._binaries = binaries
        self._folder = Path(tempfile.mkdtemp(prefix="triage-pg-"))
        self._account = _unprivileged_account() if os.geteuid() == 0 else None
        self.url = f"postgres://triage@{quote(str(self._folder), safe='')}/postgres"

    def __enter__(self) -> Self:
        if self._account is not None:
            os.chown(self._folder, self._account.pw_uid, self._account.pw_gid)
        data = str(self._folder / "data")
        self._run("initdb", "-D", data, "-U", "triage", "-A", "trust", "-E", "UTF8", "--no-sync")
        self._start()
        return self

    def _start(self) -> None:
        data, log = str(self._folder / "data"), str(self._folder / "log")
        server_options = " ".join([*self._options, "-k", str(self._folder)])
        self._run("pg_ctl", "-D", data, "-l", log, "-o", server_options, "-w", "start")

    def restart(self) -> None:
        """Stops the server as a crash would, and starts it again."""
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "-w", "stop")
        self._start()

    def pid(self) -> int:
        return int((self._folder / "data" / "postmaster.pid").read_text().split()[0])

    def __exit__(self, *_: object) -> None:
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "-w", "stop")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        account = self._account
        # PostgreSQL refuses to run as root, so root starts it under an unprivileged account.
        done = subprocess.run(
            [self._binaries / program, *arguments],
            cwd=self._folder,
            env={**os.environ, "HOME": str(self._folder), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            stdout=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            user=None if account is None else account.pw_uid,
            group=None if account is None else account.pw_gid,
            extra_groups=None if account is None else [],
        )
        if done.returncode != 0:
            output = (done.stdout or b"").decode(errors="replace")
            raise RuntimeError(f"{program} failed: {output}{self.log()}")

    def log(self) -> str:
        path = self._folder / "log"
        return path.read_text() if path.exists() else ""


def _unprivileged_account() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("root needs an account 'postgres' or 'nobody' to run PostgreSQL under")
