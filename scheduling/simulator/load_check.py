"""Reads a file of requests in a process of its own, with bounded memory and time.

A file of 32 MB can make a list of 2 GB and take a minute. The web process must neither grow nor
wait for that, so it asks `num_requests`, which starts this module as a program.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path, PurePath
from typing import Final

from scheduling.simulator.trace_formats import PriorityRule
from scheduling.simulator.workload_files import BadWorkload, Reading, parse_workload

MEMORY_BYTES: Final = 1_000_000_000
CPU_SECONDS: Final = 20
WALL_SECONDS: Final = 90.0
_ROOT: Final = Path(__file__).resolve().parents[2]
_TOO_LONG: Final = "takes too long to read; split it"
_TOO_LARGE: Final = "needs too much memory to read; split it"


def num_requests(
    path: PurePath,
    content: bytes,
    most: int,
    *,
    memory_bytes: int = MEMORY_BYTES,
    cpu_seconds: int = CPU_SECONDS,
    wall_seconds: float = WALL_SECONDS,
) -> int:
    """Returns how many requests the file holds, at most `most`. Raises BadWorkload.

    `content` is that of the file `path`, whose ending says what it must be.
    """
    limits = (str(most), str(memory_bytes), str(cpu_seconds))
    command = [sys.executable, "-m", "scheduling.simulator.load_check", str(path), *limits]
    try:
        done = subprocess.run(
            command,
            cwd=_ROOT,
            env={"PYTHONPATH": str(_ROOT), "PYTHONUTF8": "1"},  # none of the site's secrets
            input=content,
            capture_output=True,
            timeout=wall_seconds,
        )
    except subprocess.TimeoutExpired:
        raise BadWorkload(f"{path}: {_TOO_LONG}") from None
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        raise BadWorkload(f"{path}: {_TOO_LONG}")
    try:
        found = json.loads(done.stdout)
    except ValueError:
        raise BadWorkload(f"{path}: {_TOO_LARGE}") from None
    if "reason" in found:
        raise BadWorkload(str(found["reason"]))
    return int(found["num"])


def main(arguments: list[str]) -> None:
    """Reads the file from the standard input and prints one JSON object."""
    name, most, memory_bytes, cpu_seconds = arguments
    with contextlib.suppress(OSError, ValueError):  # not every system has each limit
        resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_seconds), int(cpu_seconds) + 1))
        resource.setrlimit(resource.RLIMIT_AS, (int(memory_bytes), int(memory_bytes)))
        os.nice(10)
    try:
        said = _said(PurePath(name), int(most))
    except MemoryError:
        said = {"reason": f"{name}: {_TOO_LARGE}"}
    print(json.dumps(said))


def _said(path: PurePath, most: int) -> dict[str, object]:
    try:
        text = sys.stdin.buffer.read().decode("utf-8-sig")
        reading = Reading(priorities=PriorityRule.UNIFORM, most=most)
        return {"num": len(parse_workload(path, text, reading).works)}
    except UnicodeDecodeError:
        return {"reason": "is not UTF-8 text"}
    except BadWorkload as error:
        return {"reason": str(error)}


if __name__ == "__main__":
    main(sys.argv[1:])
