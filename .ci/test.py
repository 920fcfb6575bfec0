"""Runs the whole suite on SQLite and what touches the database once more on PostgreSQL.

    .venv/bin/python .ci/test.py [arguments for pytest]

First it sees to what the tests need: a Chromium and a PostgreSQL server of this machine, or
else installed by apt when this is root on Debian. With arguments, only those tests run.
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
    see_to_browser()
    codes = {"SQLite": run_pytest("SQLite", {}, arguments)}
    if given := os.environ.get("TEST_DATABASE_URL"):
        codes["PostgreSQL"] = run_on_postgres(given, arguments)
    else:
        see_to_postgres()
        with Postgres() as server:
            codes["PostgreSQL"] = run_on_postgres(server.url, arguments)
    for name, code in codes.items():
        print(f"{name}: {'passed' if code == 0 else f'FAILED (pytest exit code {code})'}")
    return max(codes.values())


def run_on_postgres(url: str, arguments: list[str]) -> int:
    print("\nPostgreSQL: only the tests that touch the database; the others know of none\n")
    return run_pytest("PostgreSQL", {"DATABASE_URL": url}, ["--only-database", *arguments])


def run_pytest(name: str, extra: dict[str, str], arguments: list[str]) -> int:
    environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    begun = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-n", str(NUM_PROCESSES), *arguments]
    code = subprocess.run(command, cwd=ROOT, env={**environment, **extra}).returncode
    print(f"{name}: {time.monotonic() - begun:.0f} s", flush=True)
    return code


def see_to_browser() -> None:
    if browser_path() is not None:
        return
    if apt_install("chromium") and browser_path() is not None:
        return
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    if subprocess.run(command).returncode != 0:
        sys.exit("The browser tests need Chromium: install it, or set CHROMIUM to its path.")


def see_to_postgres() -> None:
    if find_binaries() is not None:
        return
    if apt_install("postgresql") and find_binaries() is not None:
        return
    sys.exit(
        "The second run of the tests needs PostgreSQL: install its server (Debian and Ubuntu: "
        "apt-get install postgresql; macOS: brew install postgresql), or set TEST_DATABASE_URL."
    )


def apt_install(package: str) -> bool:
    """Whether apt could install it; false without apt or without the right to use it."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return False
    print(f"installing {package}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
    for command in (["apt-get", "update", "-qq"], install):
        done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL)
    return done.returncode == 0


if __name__ == "__main__":
    # So that a server that was started here is stopped here.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    sys.exit(main(sys.argv[1:]))
