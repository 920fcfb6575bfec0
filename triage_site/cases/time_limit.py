"""A time limit on one computation, by a signal. It interrupts nothing else, no transaction."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TooSlow(Exception):
    """The computation took longer than its limit."""


def _raise(_number: int, _frame: FrameType | None) -> None:
    raise TooSlow


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raises TooSlow inside the block after `seconds`. Only the main thread can be limited."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    old_handler = signal.signal(signal.SIGALRM, _raise)
    old_seconds, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old_handler)
        if old_seconds:
            signal.setitimer(signal.ITIMER_REAL, old_seconds)
