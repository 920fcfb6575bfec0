"""Runs all tests on SQLite, and those that depend on the database again on PostgreSQL.

    .venv/bin/python .ci/test.py [arguments for pytest]

The tests need Chromium and a PostgreSQL server. If they are missing, the script installs them
with apt, as root on Debian or Ubuntu.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser import browser_path  # noqa: E402
from tests.postgres import Postgres, find_binaries  # noqa: E402

NUM_PROCESSES = 2


def main(arguments: list[str]) -> int:
    ensure_browser()
    codes = {"SQLite": run_pytest("SQLite", {}, arguments)}
    if url := os.environ.get("TEST_DATABASE_URL"):
        codes["PostgreSQL"] = run_on_postgres(url, arguments)
    else:
        ensure_postgres()
        with Postgres() as server:
            codes["PostgreSQL"] = run_on_postgres(server.url, arguments)
    for name, code in codes.items():
        print(f"{name}: {'passed' if code == 0 else f'FAILED (pytest exit code {code})'}")
    return max(codes.values())


def run_on_postgres(url: str, arguments: list[str]) -> int:
    print("\nPostgreSQL: only the tests that depend on the database\n")
    return run_pytest("PostgreSQL", {"DATABASE_URL": url}, ["--only-database", *arguments])


def run_pytest(name: str, extra: dict[str, str], arguments: list[str]) -> int:
    # Without files of compiled modules each of the many processes compiles them again.
    left_out = ("DATABASE_URL", "PYTHONDONTWRITEBYTECODE")
    environment = {key: value for key, value in os.environ.items() if key not in left_out}
    started = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-n", str(NUM_PROCESSES), *arguments]
    code = subprocess.run(command, cwd=ROOT, env={**environment, **extra}).returncode
    print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
    return code


def ensure_browser() -> None:
    if browser_path() is not None:
        return
    if apt_install("chromium") and browser_path() is not None:
        return
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    if subprocess.run(command).returncode != 0:
        sys.exit("The browser tests need Chromium: install it, or set CHROMIUM to its path.")


def ensure_postgres() -> None:
    if find_binaries() is not None:
        return
    if apt_install("postgresql") and find_binaries() is not None:
        return
    sys.exit(
        "The second run of the tests needs PostgreSQL: install its server (Debian and Ubuntu: "
        "apt-get install postgresql; macOS: brew install postgresql), or set TEST_DATABASE_URL."
    )


def apt_install(package: str) -> bool:
    """Installs a package. False if apt fails, does not exist or needs root."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return False
    print(f"installing {package}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
    for command in (["apt-get", "update", "-qq"], install):
        done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL)
    return done.returncode == 0


if __name__ == "__main__":
    # SIGTERM must run the exit code that stops the PostgreSQL server.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    sys.exit(main(sys.argv[1:]))
