"""Signs of life of the processes of one host, as files that the supervisor reads.

Files, not Redis: a process that waits for a silent Redis must not look hung. Each process touches
its file from the loop that must make progress; who reads it knows nothing else about the process.
"""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from threading import Event as Flag
from typing import Final

HUNG_SECONDS: Final = 30.0  # without a sign of life a process is restarted
TOUCH_SECONDS: Final = 1.0


def beat_path(folder: Path, name: str, pid: int) -> Path:
    return folder / f"{name}-{socket.gethostname()}-{pid}"


def age(folder: Path, name: str, pid: int, now: float) -> float | None:
    """Returns seconds since the last sign of life at `now` (Unix seconds); None before the first."""
    try:
        return max(0.0, now - beat_path(folder, name, pid).stat().st_mtime)
    except OSError:
        return None


class Beat:
    """The sign of life of this process, written at most once per second."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._next = 0.0

    def touch(self) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + TOUCH_SECONDS
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            beat_path(self._folder, self._name, os.getpid()).touch(mode=0o600)
        except OSError:
            pass  # a full disk must not stop the process itself

    def remove(self) -> None:
        beat_path(self._folder, self._name, os.getpid()).unlink(missing_ok=True)


class BeatingFlag(Flag):
    """A stop flag that a loop asks for in every round: each question is a sign of life."""

    def __init__(self, beat: Beat) -> None:
        super().__init__()
        self._beat = beat

    def is_set(self) -> bool:
        self._beat.touch()
        return super().is_set()


def forget(folder: Path, name: str, pid: int) -> None:
    """Removes the file of a process that has ended."""
    beat_path(folder, name, pid).unlink(missing_ok=True)
