"""How often one person may ask for a preview: the generic cell rate algorithm (ITU-T I.371).

Typing asks three times a second at most, since the page waits for a pause; more than that comes
from something else than a keyboard. Counted per process: it shields the processor, no secret.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Final

PER_SECOND: Final = 5.0
BURST: Final = 20
_MAX_PEOPLE: Final = 10_000


class RateLimit:
    """`allows` says whether a request of this person may be served now; `clock` in seconds."""

    def __init__(
        self,
        per_second: float = PER_SECOND,
        burst: int = BURST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gap = 1 / per_second
        self._slack = (burst - 1) * self._gap
        self._clock = clock
        self._due: dict[int, float] = {}  # when the next one would be on time
        self._lock = Lock()

    def allows(self, person: int) -> bool:
        now = self._clock()
        with self._lock:
            if len(self._due) >= _MAX_PEOPLE:
                self._due = {one: due for one, due in self._due.items() if due > now}
            due = max(self._due.get(person, now), now)
            if due - now > self._slack:
                return False
            self._due[person] = due + self._gap
            return True


previews: Final = RateLimit()
