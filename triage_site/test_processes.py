"""Laws of the supervisor: no process is left over, exited services restart, the stop is ordered."""

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


class Lines(list[tuple[str, str]]):
    def __call__(self, name: str, line: str) -> None:
        self.append((name, line))


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def processes(lines: Lines) -> Iterator[Processes]:
    processes = Processes(lines)
    yield processes
    processes.stop(list(processes._children), hurry=lambda: True)


def python(name: str, code: str, stop_seconds: float = 5.0) -> Service:
    command = (sys.executable, "-c", code)
    return Service(name=name, command=command, environment=os.environ, stop_seconds=stop_seconds)


def pump_until(processes: Processes, condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met in time"
        processes.pump(0.05)
        processes.restart_exited()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
        return stat.read().rsplit(")", 1)[1].split()[0] != "Z"


def test_each_line_carries_the_name_of_its_service(processes: Processes, lines: Lines) -> None:
    processes.start(python("one", "print('hello'); print('half', end='')"))
    pump_until(processes, lambda: ("one", "half") in lines)
    assert ("one", "hello") in lines


def test_a_service_that_exits_is_restarted(processes: Processes, lines: Lines) -> None:
    processes.start(python("one", "import sys; print('run'); sys.exit(3)"))
    pump_until(processes, lambda: lines.count(("one", "run")) >= 2)
    assert ("up", "one exited with code 3; it restarts in 0.5 s") in lines
    assert processes.num_exits("one") >= 1


def test_a_stopped_service_is_not_restarted(processes: Processes, lines: Lines) -> None:
    processes.start(python("one", SLEEPS))
    pump_until(processes, lambda: ("one", "on") in lines)
    processes.stop(["one"], hurry=never)
    processes.restart_exited()
    assert processes.pid("one") is None
    assert not [line for name, line in lines if name == "up"]


def test_a_service_that_does_not_stop_in_time_is_killed(processes: Processes, lines: Lines) -> None:
    processes.start(python("one", IGNORES_SIGTERM + "; time.sleep(60)", stop_seconds=0.5))
    pump_until(processes, lambda: ("one", "on") in lines)
    pid, started = processes.pid("one"), time.monotonic()
    processes.stop(["one"], hurry=never)
    assert 0.4 < time.monotonic() - started < 5
    assert pid is not None
    assert not is_alive(pid)


def test_hurry_kills_at_once(processes: Processes, lines: Lines) -> None:
    processes.start(python("one", IGNORES_SIGTERM + "; time.sleep(60)", stop_seconds=60))
    pump_until(processes, lambda: ("one", "on") in lines)
    started = time.monotonic()
    processes.stop(["one"], hurry=lambda: True)
    assert time.monotonic() - started < 5


def test_a_stop_also_ends_the_children_of_a_child(processes: Processes, lines: Lines) -> None:
    code = (
        "import subprocess, sys, time;"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "print(p.pid, flush=True); time.sleep(60)"
    )
    processes.start(python("one", code))
    pump_until(processes, lambda: bool(lines))
    grandchild = int(lines[0][1])
    processes.stop(["one"], hurry=never)
    pump_until(processes, lambda: not is_alive(grandchild))


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux only")
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
        assert time.monotonic() < deadline, "the child is still running"
        time.sleep(0.02)
