"""Supervises child processes: one log, restarts, and an ordered stop.

All work is done in the calling thread, so no child is forked while other threads run.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

# Takes the name of the service and one line of its output, without the line end.
WriteLine = Callable[[str, str], None]

_FIRST_RESTART_SECONDS = 0.5
_LAST_RESTART_SECONDS = 30.0
_STEADY_SECONDS = 60.0  # a service that ran this long is restarted after the first pause
# One that ran this long had started, and was ended by something else: it is back soon.
_STARTED_SECONDS, _LAST_RESTART_OF_STARTED_SECONDS = 6.0, 2.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What to run. A service that takes longer than `stop_seconds` to stop is killed."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    stop_seconds: float


@dataclass(slots=True, kw_only=True)
class _Child:
    service: Service
    process: subprocess.Popen[bytes]
    started_at: float
    partial: bytes = b""


@dataclass(slots=True)
class _ExitRecord:
    """How often a service exited unexpectedly, and when it is restarted (monotonic seconds)."""

    num_exits: int = 0  # in a row
    restart_at: float = 0.0


@dataclass(slots=True)
class Processes:
    """The running services, by name."""

    write_line: WriteLine
    _children: dict[str, _Child] = field(default_factory=dict)
    _exits: dict[str, _ExitRecord] = field(default_factory=dict)
    _services: dict[str, Service] = field(default_factory=dict)
    _stopping: set[str] = field(default_factory=set)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def start(self, service: Service) -> None:
        """Starts the service in a new session: Ctrl-C in the terminal reaches only the parent."""
        process = subprocess.Popen(
            service.command,
            env=dict(service.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        child = _Child(service=service, process=process, started_at=time.monotonic())
        self._selector.register(process.stdout, selectors.EVENT_READ, child)
        self._children[service.name] = child
        self._services[service.name] = service

    def pid(self, name: str) -> int | None:
        """Returns the process id of the service, or None while it does not run."""
        child = self._children.get(name)
        return None if child is None else child.process.pid

    def kill(self, name: str) -> None:
        """Kills a service and its group at once. It counts as an unexpected exit."""
        if name in self._children:
            _kill_group(self._children[name].process.pid)

    def num_exits(self, name: str) -> int:
        """Returns how often in a row the service exited unexpectedly."""
        return self._exits[name].num_exits if name in self._exits else 0

    def pump(self, timeout_seconds: float) -> None:
        """Forwards output for at most the given time and records services that exited."""
        for key, _ in self._selector.select(timeout_seconds):
            self._read(key.data)
        for child in list(self._children.values()):
            if child.process.poll() is not None:
                self._remove(child)
                if child.service.name not in self._stopping:
                    self._plan_restart(child)

    def restart_exited(self) -> None:
        """Restarts services that exited unexpectedly, each after its pause."""
        now = time.monotonic()
        for name, record in self._exits.items():
            if name not in self._children and now >= record.restart_at:
                self.start(self._services[name])

    def stop(self, names: Sequence[str], *, hurry: Callable[[], bool]) -> None:
        """Sends SIGTERM to all of them at once and kills those that take too long.

        `hurry` is called repeatedly. Once it returns true, the rest is killed at once.
        """
        self._stopping.update(names)
        for name in names:
            self._exits.pop(name, None)
        stopping = [self._children[name] for name in names if name in self._children]
        started = time.monotonic()
        for child in stopping:
            child.process.terminate()
        while any(child.service.name in self._children for child in stopping):
            waited = time.monotonic() - started
            for child in stopping:
                late = hurry() or waited > child.service.stop_seconds
                if late and child.process.poll() is None:
                    self.write_line(child.service.name, "did not stop in time: killed")
                    _kill_group(child.process.pid)
                    child.process.wait()
            self.pump(0.05)

    def _plan_restart(self, child: _Child) -> None:
        name, now = child.service.name, time.monotonic()
        record = self._exits.setdefault(name, _ExitRecord())
        ran_seconds = now - child.started_at
        record.num_exits = 1 if ran_seconds >= _STEADY_SECONDS else record.num_exits + 1
        had_started = ran_seconds >= _STARTED_SECONDS
        longest = _LAST_RESTART_OF_STARTED_SECONDS if had_started else _LAST_RESTART_SECONDS
        pause = min(_FIRST_RESTART_SECONDS * 2 ** (record.num_exits - 1), longest)
        record.restart_at = now + pause
        reason = _exit_reason(child.process.returncode)
        self.write_line("up", f"{name} exited {reason}; it restarts in {pause:g} s")

    def _remove(self, child: _Child) -> None:
        # The group also holds its own children, such as the processes of a pool.
        _kill_group(child.process.pid)
        self._read(child)
        if child.partial:
            self.write_line(child.service.name, child.partial.decode(errors="replace"))
        assert child.process.stdout is not None
        with contextlib.suppress(KeyError):
            self._selector.unregister(child.process.stdout)
        child.process.stdout.close()
        del self._children[child.service.name]

    def _read(self, child: _Child) -> None:
        assert child.process.stdout is not None
        while not child.process.stdout.closed:
            try:
                data = os.read(child.process.stdout.fileno(), 65536)
            except BlockingIOError:
                return
            if not data:
                with contextlib.suppress(KeyError):
                    self._selector.unregister(child.process.stdout)
                return
            *lines, child.partial = (child.partial + data).split(b"\n")
            for line in lines:
                if line.strip():
                    self.write_line(child.service.name, line.decode(errors="replace"))


def die_with_parent(signal_number: int) -> None:
    """On Linux, this process receives the signal when its parent process ends."""
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, signal_number)


# Loaded here because nothing may be imported between fork and exec.
_libc = ctypes.CDLL(None)


def _die_with_parent() -> None:
    # SIGKILL: without the parent there is no ordered stop, and every service recovers from it.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _exit_reason(code: int) -> str:
    if code >= 0:
        return f"with code {code}"
    try:
        return f"on {signal.Signals(-code).name}"
    except ValueError:
        return f"on signal {-code}"
