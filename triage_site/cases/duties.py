"""Periodic duties that cannot end each other: each has its time, its last success, its failure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import DatabaseError, close_old_connections

from scheduling.outage_log import OutageLog


@dataclass(slots=True)
class Duty:
    """`action` is called every `every_seconds`. Times are monotonic seconds."""

    name: str
    every_seconds: float
    action: Callable[[], object]
    next_at: float = 0.0
    succeeded_at: float | None = None
    _outage: OutageLog = field(init=False)

    def __post_init__(self) -> None:
        self._outage = OutageLog(self.name)

    def attempt(self, now: float) -> None:
        """Runs the action. A failure is logged when it begins, and when it is over."""
        self.next_at = now + self.every_seconds
        try:
            self.action()
        except Exception as error:
            if isinstance(error, DatabaseError):
                close_old_connections()
            self._outage.failed(error)
        else:
            self.succeeded_at = now
            self._outage.worked()


class Duties:
    """The duties of one process, run one after the other in one thread."""

    def __init__(self, *duties: Duty) -> None:
        self._duties = duties

    def run(self, now: float) -> None:
        for duty in self._duties:
            if now >= duty.next_at:
                duty.attempt(now)

    def due_now(self, name: str) -> None:
        for duty in self._duties:
            if duty.name == name:
                duty.next_at = 0.0

    def ages(self, now: float) -> dict[str, float | None]:
        """Returns seconds since the last success of each duty; None for never."""
        return {
            duty.name: None if duty.succeeded_at is None else max(0.0, now - duty.succeeded_at)
            for duty in self._duties
        }
