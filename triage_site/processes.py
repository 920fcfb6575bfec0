"""Child processes under one roof: one log, restarts, and an end in order.

Everything happens in the thread that calls; no child is forked while other threads run.
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

# (who says it, one line without its end)
Say = Callable[[str, str], None]

_FIRST_RESTART_SECONDS = 0.5
_LAST_RESTART_SECONDS = 30.0
_STEADY_SECONDS = 60.0  # who ran so long is restarted as if for the first time
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What to run. `stop_seconds` is how long it may take to end before it is killed."""

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
class _Fate:
    """What became of a service that ended by itself."""

    num_ends: int = 0  # in a row
    restart_at: float = 0.0


@dataclass(slots=True)
class Processes:
    """The running services, by name."""

    say: Say
    _children: dict[str, _Child] = field(default_factory=dict)
    _fates: dict[str, _Fate] = field(default_factory=dict)
    _services: dict[str, Service] = field(default_factory=dict)
    _leaving: set[str] = field(default_factory=set)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def start(self, service: Service) -> None:
        """Starts it in a session of its own: the terminal's Ctrl-C reaches the parent alone."""
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
        """The process id of the service, or None while it does not run."""
        child = self._children.get(name)
        return None if child is None else child.process.pid

    def num_ends(self, name: str) -> int:
        """How often in a row it has ended by itself."""
        return self._fates[name].num_ends if name in self._fates else 0

    def pump(self, timeout_seconds: float) -> None:
        """Passes output on, for at most the given time, and notices who has ended."""
        for key, _ in self._selector.select(timeout_seconds):
            self._read(key.data)
        for child in list(self._children.values()):
            if child.process.poll() is not None:
                self._remove(child)
                if child.service.name not in self._leaving:
                    self._plan_restart(child)

    def restart_exited(self) -> None:
        """Starts again, after a growing pause, what has ended by itself."""
        now = time.monotonic()
        for name, fate in self._fates.items():
            if name not in self._children and now >= fate.restart_at:
                self.start(self._services[name])

    def stop(self, names: Sequence[str], *, hurry: Callable[[], bool]) -> None:
        """Asks all of them to end, at once, and kills those that take longer than allowed.

        `hurry` is asked again and again; once it says true, nothing is waited for any more.
        """
        self._leaving.update(names)
        for name in names:
            self._fates.pop(name, None)
        leaving = [self._children[name] for name in names if name in self._children]
        begun = time.monotonic()
        for child in leaving:
            child.process.terminate()
        while any(child.service.name in self._children for child in leaving):
            waited = time.monotonic() - begun
            for child in leaving:
                late = hurry() or waited > child.service.stop_seconds
                if late and child.process.poll() is None:
                    self.say(child.service.name, "does not end in time: killed")
                    _kill_group(child.process.pid)
                    child.process.wait()
            self.pump(0.05)

    def _plan_restart(self, child: _Child) -> None:
        name, now = child.service.name, time.monotonic()
        fate = self._fates.setdefault(name, _Fate())
        steady = now - child.started_at >= _STEADY_SECONDS
        fate.num_ends = 1 if steady else fate.num_ends + 1
        pause = min(_FIRST_RESTART_SECONDS * 2 ** (fate.num_ends - 1), _LAST_RESTART_SECONDS)
        fate.restart_at = now + pause
        how = _how(child.process.returncode)
        self.say("up", f"{name} ended {how}; it starts again in {pause:g} s")

    def _remove(self, child: _Child) -> None:
        # Its own children (a pool's) go with it.
        _kill_group(child.process.pid)
        self._read(child)
        if child.partial:
            self.say(child.service.name, child.partial.decode(errors="replace"))
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
                    self.say(child.service.name, line.decode(errors="replace"))


def die_with_parent(signal_number: int) -> None:
    """Linux: this process gets the signal when the process that started it ends."""
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, signal_number)


# Loaded here, since between fork and exec nothing may be imported.
_libc = ctypes.CDLL(None)


def _die_with_parent() -> None:
    # Not asked but killed: if the parent was killed, nobody keeps the order of an orderly end,
    # and everything here recovers from a kill.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _how(code: int) -> str:
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"
