"""API tokens that open nothing leave a log line and a record of the audit.

The first refusal of a kind is recorded at once, and those of the next ten minutes as one record
with their number. Whoever sends a million wrong tokens, from however many addresses, makes at
most `MOST_KINDS` records at once, and as many again when the time is over.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, NamedTuple

import structlog
from django.contrib.auth.models import User

from triage_site.audit.models import AuditRecord
from triage_site.audit.services import record
from triage_site.cases.api_tokens import Refusal

WINDOW: Final = timedelta(minutes=10)
MOST_KINDS: Final = 100  # of one window; what comes beyond them is counted together

log = structlog.get_logger(__name__)


class Kind(NamedTuple):
    """`address` is empty where there were too many; `user_id` is None for an unknown token."""

    reason: str
    address: str
    user_id: int | None


class Refusals:
    """Counts of one process. `write` records how often a kind was refused."""

    def __init__(self, write: Callable[[Kind, int, datetime], None]) -> None:
        self._write = write
        self._counts: dict[Kind, int] = {}  # beyond the first, which was written at once
        self._began_at: datetime | None = None
        self._lock = Lock()

    def add(self, kind: Kind, now: datetime) -> None:
        self.flush(now)
        with self._lock:
            if kind not in self._counts and len(self._counts) >= MOST_KINDS:
                kind = Kind(kind.reason, "", None)
            is_first = kind not in self._counts
            self._counts[kind] = 0 if is_first else self._counts[kind] + 1
            self._began_at = self._began_at or now
        if is_first:
            self._write(kind, 1, now)

    def flush(self, now: datetime) -> None:
        """Writes the counts of a window that is over."""
        with self._lock:
            if self._began_at is None or now - self._began_at < WINDOW:
                return
            counts, self._counts, self._began_at = self._counts, {}, None
        for kind, num in counts.items():
            if num:
                self._write(kind, num, now)


def _write(kind: Kind, num: int, now: datetime) -> None:
    user = None if kind.user_id is None else User.objects.filter(pk=kind.user_id).first()
    account = user.get_username() if user else "unknown"
    address = kind.address or "many"
    record(
        AuditRecord.Kind.TOKEN_REFUSED,
        now,
        actor=user,
        what=kind.reason,
        data={"address": address, "times": num},
    )
    log.warning("token_refused", reason=kind.reason, account=account, address=address, times=num)


refusals: Final = Refusals(_write)


def note_refusal(reason: Refusal, address: str, user: User | None, now: datetime) -> None:
    refusals.add(Kind(reason.value, address, user.pk if user else None), now)
