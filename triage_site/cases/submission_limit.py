"""Fair turn among submitters: a flood of one is refused, or waits, before it delays others.

The generic cell rate algorithm (ITU-T I.371) per user and process. `comes_later` decides for the
form and the API alike: cases that look like level 0 or 1 are never refused.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from threading import Lock
from typing import Final

from triage_site.cases.services import SAFE_PRIORITY
from triage_site.triage import screen
from triage_site.triage.facts import CaseFacts

PER_SECOND: Final = 5.0
BURST: Final = 600  # a mass casualty that one account reports at once
FLOOD: Final = 60  # from this number above the rate on, others are classified first
_MAX_USERS: Final = 10_000


class TooMany(Exception):
    """One person asks for more than their share. `field` names what there is too much of.

    `reason` is one sentence. `wait_seconds` says when it will pass; None where a time alone does
    not help.
    """

    def __init__(self, field: str, reason: str, wait_seconds: int | None) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason
        self.wait_seconds = wait_seconds


class SubmissionLimit:
    """Counts the cases of each submitter. `clock` returns seconds."""

    def __init__(
        self,
        per_second: float = PER_SECOND,
        burst: int = BURST,
        flood: int = FLOOD,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gap, self._burst, self._flood = 1 / per_second, burst, flood
        self._clock = clock
        self._due: dict[int, float] = {}  # user id -> regular time of the next case, seconds
        self._lock = Lock()

    def wait_seconds(self, user_id: int) -> int:
        """Returns 0 when the user may submit now, else whole seconds until then."""
        debt = self._debt(user_id) - (self._burst - 1) * self._gap
        return math.ceil(debt) if debt > 1e-9 else 0

    def is_flood(self, user_id: int) -> bool:
        """Returns whether the user is so far above the rate that others come first."""
        return self._debt(user_id) > self._flood * self._gap

    def count(self, user_id: int) -> None:
        """Counts one accepted case."""
        now = self._clock()
        with self._lock:
            if len(self._due) >= _MAX_USERS:
                self._due = {one: due for one, due in self._due.items() if due > now}
            self._due[user_id] = max(self._due.get(user_id, now), now) + self._gap

    def _debt(self, user_id: int) -> float:
        now = self._clock()
        with self._lock:
            return max(0.0, self._due.get(user_id, now) - now)


submissions: Final = SubmissionLimit()


def comes_later(user_id: int, facts: CaseFacts) -> bool:
    """Returns whether the case comes after those of others. Raises TooMany to refuse it.

    What the rules put on level 0 or 1 is never refused, and never comes later.
    """
    wait = submissions.wait_seconds(user_id)
    is_flood = submissions.is_flood(user_id)
    if not (wait or is_flood) or screen(facts).priority <= SAFE_PRIORITY:
        return False
    if wait:
        reason = f"too many cases of this account; send the next one in {wait} s"
        raise TooMany("cases", reason, wait)
    return True
