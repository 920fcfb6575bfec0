"""Rate limit of previews per user: the generic cell rate algorithm (ITU-T I.371).

The page sends at most about three requests per second while a user types. The limit protects
the processor from scripts, so it is kept per process.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Final

PER_SECOND: Final = 5.0
BURST: Final = 20
_MAX_USERS: Final = 10_000


class RateLimit:
    """Limits the requests of each user. `clock` returns seconds."""

    def __init__(
        self,
        per_second: float = PER_SECOND,
        burst: int = BURST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gap = 1 / per_second
        self._slack = (burst - 1) * self._gap
        self._clock = clock
        self._due: dict[int, float] = {}  # user id -> regular time of the next request, seconds
        self._lock = Lock()

    def allows(self, user_id: int) -> bool:
        """Returns whether a request of this user may be served now, and counts it if so."""
        now = self._clock()
        with self._lock:
            if len(self._due) >= _MAX_USERS:
                self._due = {one: due for one, due in self._due.items() if due > now}
            due = max(self._due.get(user_id, now), now)
            if due - now > self._slack:
                return False
            self._due[user_id] = due + self._gap
            return True


previews: Final = RateLimit()
