"""Runs the whole system: starts stores, web server and workers, and stops them in order."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

import httpx
from django.conf import settings
from django.core.management import call_command, get_commands
from django.db import OperationalError, connections

from scheduling import beats
from scheduling.beats import HUNG_SECONDS
from triage_site import embedded_redis
from triage_site.guidance_watch import GuidanceWatch, is_serving
from triage_site.hung import Watch
from triage_site.processes import Processes, Service, WriteLine
from triage_site.start_checks import (
    CannotStart,
    check_folders,
    check_port,
    lock,
    redis_answers,
)

REMIND_SECONDS = 15.0
MAX_EXITS_BEFORE_READY = 5
# A page must say within two seconds that the database does not answer. The loop of the GPU worker
# renews its leases meanwhile.
ENVIRONMENT = {
    "web": {"TRIAGE_DATABASE_WAIT_SECONDS": "1.5"},
    "gpu": {"TRIAGE_DATABASE_WAIT_SECONDS": "5"},
}
COLOURS = {  # ANSI codes
    "redis": 35,
    "web": 32,
    "classify": 33,
    "gpu": 36,
    "up": 34,
    "compare": 90,
    "console": 90,
}


@dataclass(slots=True)
class System:
    """Everything that one `up` runs."""

    write_line: WriteLine
    processes: Processes = field(init=False)
    redis_url: str = settings.REDIS_URL
    watch: Watch = field(default_factory=lambda: Watch(settings.BEATS_DIR))
    _stopping: int = 0
    _guidance: GuidanceWatch = field(init=False)

    def __post_init__(self) -> None:
        self.processes = Processes(self.write_line)
        self._guidance = GuidanceWatch(self.write_line, lambda: self.processes.pid("gpu"))

    def run(self) -> int:
        """Starts everything, runs until a signal arrives, stops everything. Returns 0."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        check_port(settings.HOST, settings.PORT)
        names = ("TRIAGE_CLASSIFIER", "TRIAGE_SHADOW_CLASSIFIER")
        check_folders({name: getattr(settings, name) for name in names})
        with lock(settings.DATA_DIR):
            try:
                self._start()
                while not self._stopping:
                    self._turn()
            finally:
                self._stop()
        return 0

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping += 1

    def _turn(self) -> None:
        self.processes.pump(0.2)
        if not self._stopping:
            self._kill_hung()
            self.processes.restart_exited()
            self._guidance.look(self.redis_url, time.monotonic())

    def _kill_hung(self) -> None:
        """Ends services that live but make no progress; they restart like those that exited."""
        found = {name: self.processes.pid(name) for name in commands()}
        running = {name: pid for name, pid in found.items() if pid is not None}
        for pid in self.watch.end_stopped_children(running.values(), time.time()):
            self.write_line("up", f"process {pid} of a pool stands still: killed")
        for name in self.watch.hung(running, time.time()):
            self.write_line("up", f"{name} makes no progress for {HUNG_SECONDS:g} s: killed")
            beats.forget(settings.BEATS_DIR, name, running[name])
            self.processes.kill(name)

    # -- start

    def _start(self) -> None:
        if settings.REDIS_URL_IS_GIVEN:
            if not redis_answers(self.redis_url):
                raise CannotStart(
                    "REDIS_URL: the server does not answer; start it, correct the address, or "
                    "remove the variable to use the embedded server"
                )
        else:
            self.redis_url = self._start_redis()
        self._prepare_database()
        accounts = self._demo_accounts()
        waiting = self._start_services()
        self._wait_until_ready(waiting)
        if not self._stopping:
            host = "127.0.0.1" if settings.HOST == "0.0.0.0" else settings.HOST
            self.write_line("", f"ready: http://{host}:{settings.PORT}")
            for line in accounts.splitlines():
                self.write_line("", line)

    def _start_redis(self) -> str:
        try:
            server = embedded_redis.find_server()
        except embedded_redis.NoRedisServer as error:
            raise CannotStart(str(error)) from error
        # One folder per server version: an older server cannot read files of a newer one.
        folder = settings.DATA_DIR / "redis" / server.label
        url = self._try_redis(server, folder)
        if url is None and not self._stopping:
            aside = folder.with_name(f"{folder.name}.unreadable-{int(time.time())}")
            folder.rename(aside)
            self.write_line("up", f"Redis cannot read its files. They were moved to {aside}.")
            self.write_line("up", "The queue is rebuilt from the database.")
            url = self._try_redis(server, folder)
        if url is None:
            raise CannotStart(f"the Redis server {server.path} does not start")
        path = settings.EMBEDDED_REDIS_URL_FILE
        path.touch(mode=0o600)
        path.write_text(url + "\n")
        return url

    def _try_redis(self, server: embedded_redis.Server, folder: Path) -> str | None:
        """Returns the URL once the server answers; None when the server exited."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        port, password = embedded_redis.free_port(), secrets.token_urlsafe(24)
        text = embedded_redis.configuration(port=port, folder=folder, password=password)
        path = embedded_redis.write_configuration(text, folder.parent)
        url = embedded_redis.url(port, password)
        self.processes.start(
            Service(
                name="redis",
                command=(str(server.path), str(path)),
                environment=os.environ,
                stop_seconds=5,
            )
        )
        while not self._stopping and self.processes.pid("redis") is not None:
            self.processes.pump(0.02)
            if redis_answers(url):
                return url
        return None

    def _prepare_database(self) -> None:
        self.write_line("up", "applying database migrations")
        try:
            call_command("migrate", verbosity=0, interactive=False)
        except OperationalError as error:
            reason = " ".join(str(error).split())
            raise CannotStart(
                f"DATABASE_URL: {reason}; start the database or correct it"
            ) from error
        finally:
            connections.close_all()

    def _demo_accounts(self) -> str:
        if not settings.TRIAGE_DEMO or "demo_accounts" not in get_commands():
            return ""
        output = io.StringIO()
        call_command("demo_accounts", stdout=output)
        connections.close_all()
        return output.getvalue()

    def _start_services(self) -> dict[str, Callable[[], bool]]:
        """Starts web server and workers. Returns a readiness check for each."""
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "triage_site.settings",
            "REDIS_URL": self.redis_url,
            "TRIAGE_DEMO": str(int(settings.TRIAGE_DEMO)),
            "PYTHONUNBUFFERED": "1",
        }
        for name, (command, stop_seconds) in commands().items():
            self.processes.start(
                Service(
                    name=name,
                    command=command,
                    environment={**environment, **ENVIRONMENT.get(name, {})},
                    stop_seconds=stop_seconds,
                )
            )
        return {
            "web": self._web_is_ready,
            "classify": lambda: self._worker_is_ready("classify"),
            "gpu": lambda: self._guidance.is_decided,
        }

    def _wait_until_ready(self, waiting: dict[str, Callable[[], bool]]) -> None:
        started = reminded = time.monotonic()
        while waiting and not self._stopping:
            self._turn()
            for name in [name for name, ready in waiting.items() if ready()]:
                del waiting[name]
                if name != "gpu" or not self._guidance.problem:
                    seconds = f"{time.monotonic() - started:.1f} s"
                    self.write_line("up", f"{name} is ready after {seconds}")
            for name in waiting:
                if self.processes.num_exits(name) >= MAX_EXITS_BEFORE_READY:
                    raise CannotStart(f"{name} exits repeatedly; its output is above")
            if waiting and time.monotonic() - reminded > REMIND_SECONDS:
                reminded = time.monotonic()
                self.write_line("up", f"still waiting for {', '.join(waiting)}")

    def _web_is_ready(self) -> bool:
        host = "127.0.0.1" if settings.HOST == "0.0.0.0" else settings.HOST
        try:
            answer = httpx.get(f"http://{host}:{settings.PORT}/readyz/", timeout=1, trust_env=False)
        except httpx.HTTPError:
            return False
        return answer.status_code == 200

    def _worker_is_ready(self, name: str) -> bool:
        return is_serving(self.redis_url, name, self.processes.pid(name))

    # -- stop

    def _stop(self) -> None:
        """Stops Redis last, so that the workers can still return their jobs."""
        num_signals = self._stopping
        self.write_line("up", "stopping; press Ctrl-C again to stop at once")
        for names in (("gpu", "classify", "compare", "console", "web"), ("redis",)):
            self.processes.stop(names, hurry=lambda: self._stopping > max(num_signals, 1))
        self.write_line("up", "everything has stopped")


def commands() -> dict[str, tuple[tuple[str, ...], float]]:
    """Returns command and stop time in seconds, by service: web server and workers."""
    python = sys.executable
    manage = (python, str(settings.BASE_DIR / "manage.py"))
    web = (
        *(python, "-m", "uvicorn", "triage_site.asgi:application"),
        *("--host", settings.HOST, "--port", str(settings.PORT)),
        *("--timeout-graceful-shutdown", "2", "--log-level", "warning", "--no-access-log"),
    )
    worker = (python, "-m", "celery", "--quiet", "-A", "triage_site.celery", "worker")
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    classify = ("-Q", "classify", "-n", "classify@%h", "--pool=prefork", "-c", "2")
    gpu = ("-Q", "gpu", "-n", "gpu@%h", "--pool=threads", "-c", "2")
    return {
        "web": (web, 4.0),
        "classify": ((*worker, *classify, *quiet), 8.0),
        "gpu": ((*worker, *gpu, *quiet), 8.0),
        "compare": ((*manage, "run_comparisons"), 4.0),
        "console": ((*manage, "run_console"), 4.0),
    }


@dataclass(slots=True)
class Log:
    """Writes one line at a time, with the name of the service in front."""

    stream: IO[str]
    coloured: bool

    def __call__(self, name: str, line: str) -> None:
        prefix = f"{name:<8} | " if name else ""
        if prefix and self.coloured:
            prefix = f"\x1b[{COLOURS[name]}m{prefix}\x1b[0m"
        # A reader of the log that exits must not stop this process: its children would remain.
        with contextlib.suppress(BrokenPipeError):
            self.stream.write(f"{prefix}{line}\n")
            self.stream.flush()
