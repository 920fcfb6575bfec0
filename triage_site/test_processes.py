"""Laws of the supervisor: nothing is left behind, the fallen come back, the end has an order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from triage_site.processes import Processes, Service

IGNORES_SIGTERM = "import signal, time; signal.signal(15, signal.SIG_IGN); print('on', flush=True)"
SLEEPS = "import time; print('on', flush=True); time.sleep(60)"


def never() -> bool:
    return False


class Heard(list[tuple[str, str]]):
    def __call__(self, name: str, line: str) -> None:
        self.append((name, line))


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def processes(heard: Heard) -> Iterator[Processes]:
    processes = Processes(heard)
    yield processes
    processes.stop(list(processes._children), hurry=lambda: True)


def python(name: str, code: str, stop_seconds: float = 5.0) -> Service:
    command = (sys.executable, "-c", code)
    return Service(name=name, command=command, environment=os.environ, stop_seconds=stop_seconds)


def pump_until(processes: Processes, true: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        processes.pump(0.05)
        processes.restart_exited()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
        return stat.read().rsplit(")", 1)[1].split()[0] != "Z"


def test_lines_carry_the_name_of_who_says_them(processes: Processes, heard: Heard) -> None:
    processes.start(python("one", "print('hello'); print('half', end='')"))
    pump_until(processes, lambda: ("one", "half") in heard)
    assert ("one", "hello") in heard


def test_what_ends_by_itself_is_started_again(processes: Processes, heard: Heard) -> None:
    processes.start(python("one", "import sys; print('run'); sys.exit(3)"))
    pump_until(processes, lambda: heard.count(("one", "run")) >= 2)
    assert ("up", "one ended with exit code 3; it starts again in 0.5 s") in heard
    assert processes.num_ends("one") >= 1


def test_what_was_asked_to_end_stays_ended(processes: Processes, heard: Heard) -> None:
    processes.start(python("one", SLEEPS))
    pump_until(processes, lambda: ("one", "on") in heard)
    processes.stop(["one"], hurry=never)
    processes.restart_exited()
    assert processes.pid("one") is None
    assert not [line for name, line in heard if name == "up"]


def test_what_does_not_end_in_time_is_killed(processes: Processes, heard: Heard) -> None:
    processes.start(python("one", IGNORES_SIGTERM + "; time.sleep(60)", stop_seconds=0.5))
    pump_until(processes, lambda: ("one", "on") in heard)
    pid, begun = processes.pid("one"), time.monotonic()
    processes.stop(["one"], hurry=never)
    assert 0.4 < time.monotonic() - begun < 5
    assert pid is not None
    assert not is_alive(pid)


def test_hurry_waits_for_nothing(processes: Processes, heard: Heard) -> None:
    processes.start(python("one", IGNORES_SIGTERM + "; time.sleep(60)", stop_seconds=60))
    pump_until(processes, lambda: ("one", "on") in heard)
    begun = time.monotonic()
    processes.stop(["one"], hurry=lambda: True)
    assert time.monotonic() - begun < 5


def test_the_children_of_a_child_go_with_it(processes: Processes, heard: Heard) -> None:
    code = (
        "import subprocess, sys, time;"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "print(p.pid, flush=True); time.sleep(60)"
    )
    processes.start(python("one", code))
    pump_until(processes, lambda: bool(heard))
    grandchild = int(heard[0][1])
    processes.stop(["one"], hurry=never)
    pump_until(processes, lambda: not is_alive(grandchild))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_children_die_with_a_killed_parent() -> None:
    code = (
        "import os, sys; from triage_site.processes import Processes, Service;"
        "p = Processes(lambda *_: None);"
        "p.start(Service(name='one', command=(sys.executable, '-c', 'import time; time.sleep(60)'),"
        " environment=os.environ, stop_seconds=1));"
        "print(p.pid('one'), flush=True); input()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert is_alive(child)
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    deadline = time.monotonic() + 5
    while is_alive(child):
        assert time.monotonic() < deadline, "the child outlived its parent"
        time.sleep(0.02)
