"""Finds and ends processes that live but make no progress.

`python -m triage_site.hung NAME -- COMMAND...` runs one service in a container: it ends, and with
it the container, when the service shows no sign of life. The supervisor `up` uses `Watch`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from scheduling import beats

CHECK_SECONDS = 1.0
STOPPED_SECONDS = 10.0  # a process of a pool that stands still for so long is ended
PAUSE_SECONDS = 5.0  # between two judgements: the judge itself was stopped
EXIT_HUNG = 70


@dataclass(slots=True)
class Watch:
    """Judges the processes of one host.

    After a pause of the judge itself (the machine slept, or was very busy) everybody gets the
    full time again.
    """

    folder: Path
    hung_seconds: float = beats.HUNG_SECONDS
    _judged_at: float | None = None
    _not_before: float = 0.0
    _stopped_since: dict[int, float] = field(default_factory=dict)

    def end_stopped_children(self, parents: Iterable[int], now: float) -> list[int]:
        """Kills processes of pools that were stopped (SIGSTOP) and not continued; returns them.

        Their parent sees that they live, gives them work and waits. It replaces dead ones.
        """
        stopped = {pid for parent in parents for pid in _stopped_children(parent)}
        self._stopped_since = {pid: self._stopped_since.get(pid, now) for pid in stopped}
        ended = [pid for pid, at in self._stopped_since.items() if now - at >= STOPPED_SECONDS]
        for pid in ended:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        return ended

    def hung(self, processes: dict[str, int], now: float) -> list[str]:
        """Returns the names of `processes` (name to pid) without a sign of life for too long."""
        if self._judged_at is not None and now - self._judged_at > PAUSE_SECONDS:
            self._not_before = now + self.hung_seconds
        self._judged_at = now
        if now < self._not_before:
            return []
        return [name for name, pid in processes.items() if self._is_hung(name, pid, now)]

    def _is_hung(self, name: str, pid: int, now: float) -> bool:
        age = beats.age(self.folder, name, pid, now)
        return age is not None and age > self.hung_seconds


def _stopped_children(parent: int) -> list[int]:
    """Only Linux tells; elsewhere there are none."""
    try:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return [int(pid) for pid in children if _state(pid) == "T"]
    except OSError:
        return []


def _state(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
    except OSError:
        return ""


def run(name: str, command: Sequence[str], watch: Watch) -> int:
    """Runs `command` and passes signals on. Returns its exit code, or EXIT_HUNG."""
    process = subprocess.Popen(command, start_new_session=True)

    def pass_on(number: int, _frame: FrameType | None) -> None:
        process.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, pass_on)
    while True:
        try:
            return process.wait(CHECK_SECONDS)
        except subprocess.TimeoutExpired:
            watch.end_stopped_children([process.pid], time.time())
            if watch.hung({name: process.pid}, time.time()):
                print(f"{name} makes no progress; it is ended", file=sys.stderr, flush=True)
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                return EXIT_HUNG


def main(arguments: list[str]) -> int:
    if len(arguments) < 3 or arguments[1] != "--":
        print("usage: python -m triage_site.hung NAME -- COMMAND...", file=sys.stderr)
        return 2
    from triage_site import settings

    return run(arguments[0], arguments[2:], Watch(settings.BEATS_DIR))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
