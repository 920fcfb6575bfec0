"""Processes that live but make no progress are found, and only those."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from scheduling.beats import Beat, BeatingFlag, age, beat_path
from tests.fixtures import wait_until
from triage_site.hung import EXIT_HUNG, Watch, _stopped_children

PID = os.getpid()
BEATS = (
    "import sys, time; from pathlib import Path; from scheduling.beats import Beat\n"
    "beat = Beat(Path(sys.argv[1]), 'one')\n"
    "while True: beat.touch(); time.sleep(0.05)"
)


def test_a_loop_that_asks_for_its_stop_flag_shows_life(tmp_path: Path) -> None:
    flag = BeatingFlag(Beat(tmp_path, "gpu"))
    assert age(tmp_path, "gpu", PID, time.time()) is None
    assert not flag.is_set()
    found = age(tmp_path, "gpu", PID, time.time())
    assert found is not None
    assert found < 5


def test_only_old_signs_of_life_are_hung(tmp_path: Path) -> None:
    Beat(tmp_path, "old").touch()
    os.utime(beat_path(tmp_path, "old", PID), (1000.0, 1000.0))
    Beat(tmp_path, "young").touch()
    os.utime(beat_path(tmp_path, "young", PID), (1029.0, 1029.0))
    watch = Watch(tmp_path)
    assert watch.hung({"old": PID, "young": PID, "starting": PID}, 1031.0) == ["old"]


def test_a_pause_of_the_judge_counts_for_nobody(tmp_path: Path) -> None:
    Beat(tmp_path, "web").touch()
    os.utime(beat_path(tmp_path, "web", PID), (1000.0, 1000.0))
    watch = Watch(tmp_path)
    assert watch.hung({"web": PID}, 1001.0) == []
    # The machine slept for an hour: nobody could beat.
    assert watch.hung({"web": PID}, 4600.0) == []
    for now in range(4601, 4630):
        assert watch.hung({"web": PID}, float(now)) == []
    assert watch.hung({"web": PID}, 4631.0) == ["web"]


def test_a_stopped_process_ends_its_runner(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from triage_site.hung import Watch, run\n"
        "folder = Path(sys.argv[1])\n"
        "sys.exit(run('one', [sys.executable, '-c', sys.argv[2], sys.argv[1]], Watch(folder, 2.0)))"
    )
    runner = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), BEATS])
    try:
        wait_until(lambda: any(tmp_path.iterdir()), seconds=20, what="a sign of life")
        time.sleep(2.5)
        assert runner.poll() is None
        (path,) = tmp_path.iterdir()
        os.kill(int(path.name.rpartition("-")[2]), signal.SIGSTOP)
        assert runner.wait(20) == EXIT_HUNG
    finally:
        runner.kill()
        runner.wait()


def test_a_stopped_process_of_a_pool_is_ended_and_others_are_not(tmp_path: Path) -> None:
    pool = [subprocess.Popen(["sleep", "60"]) for _ in range(3)]
    watch = Watch(tmp_path)
    try:
        for each in pool[:2]:
            each.send_signal(signal.SIGSTOP)
        wait_until(lambda: len(_stopped_children(PID)) == 2, seconds=10, what="two stopped")
        assert watch.end_stopped_children([PID], 100.0) == []
        pool[1].send_signal(signal.SIGCONT)
        wait_until(lambda: len(_stopped_children(PID)) == 1, seconds=10, what="one goes on")
        assert watch.end_stopped_children([PID], 105.0) == []
        assert watch.end_stopped_children([PID], 110.0) == [pool[0].pid]
        assert pool[0].wait(10) == -signal.SIGKILL
        assert [each.poll() for each in pool[1:]] == [None, None]
    finally:
        for each in pool:
            each.kill()
            each.wait()


def test_a_flag_still_wakes_its_waiter(tmp_path: Path) -> None:
    flag = BeatingFlag(Beat(tmp_path, "gpu"))
    threading.Timer(0.1, flag.set).start()
    assert flag.wait(5)
    assert flag.is_set()
