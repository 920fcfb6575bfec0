"""A circuit breaker: whether a store is called, or known to be unreachable. Pure, clock passed in.

After one failed call the store counts as silent: callers fail at once instead of waiting for a
time-out each, until a probe succeeds. A store that answers but refuses writes (it is full, or a
read-only replica) is not silent: calls go on, and only `trouble` reports it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import Final

SILENT: Final = "silent"
FULL: Final = "full"
READ_ONLY: Final = "read_only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The begin of an outage (`trouble` is its name), or its end after `seconds`."""

    trouble: str
    seconds: float = 0.0


@dataclass(slots=True)
class Breaker:
    """The state of one store in one process. Methods return what changed, once per change."""

    trouble: str = ""  # empty while the store works
    since: float = 0.0  # seconds, when `trouble` began
    last_success: float | None = None
    _lock: Lock = field(default_factory=Lock)

    @property
    def is_open(self) -> bool:
        """Whether calls must fail at once."""
        return self.trouble == SILENT

    def failed(self, now: float, trouble: str = SILENT) -> Change | None:
        with self._lock:
            if self.trouble == trouble:
                return None
            is_first = not self.trouble
            self.trouble = trouble
            self.since = now if is_first else self.since
            return Change(trouble=trouble)

    def succeeded(self, now: float, *, wrote: bool = False) -> Change | None:
        """A call was answered. Only a write ends the trouble of a store that refuses writes."""
        with self._lock:
            self.last_success = now
            if not self.trouble or not (wrote or self.trouble == SILENT):
                return None
            seconds = now - self.since
            self.trouble = ""
            return Change(trouble="", seconds=seconds)
