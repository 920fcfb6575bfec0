"""The limit interrupts the computation alone."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from triage_site.cases.time_limit import TooSlow, limited


def test_a_slow_computation_is_interrupted() -> None:
    begun = time.monotonic()

    def slow() -> None:
        with limited(0.05):
            while time.monotonic() - begun < 10:
                pass

    with pytest.raises(TooSlow):
        slow()
    assert time.monotonic() - begun < 5


def test_nothing_is_interrupted_after_the_block() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with limited(0.05):
        pass
    time.sleep(0.1)
    assert signal.getsignal(signal.SIGALRM) is before


def test_another_thread_is_not_limited() -> None:
    done: list[bool] = []

    def work() -> None:
        with limited(0.01):
            time.sleep(0.05)
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(5)
    assert done == [True]
