"""One open page of the live streams: what it has received, and what it must receive next."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final

from scheduling.queue.events import FIRST, StreamEntry
from triage_site.cases.board_changes import Picture, changes, whole
from triage_site.cases.panel import render_token
from triage_site.cases.sse import sse
from triage_site.cases.stream_access import Access

MAX_UNREAD: Final = 512  # a page with more unread events is closed; the browser reconnects
_ENTRY_ID: Final = re.compile(r"(\d{1,18})-(\d{1,18})")


class Watcher:
    """One open page. A newer fragment replaces an unread one; tokens go into a bounded queue."""

    def __init__(self, access: Access) -> None:
        self.target = access.target
        self.access = access
        self.closed = False
        self.is_refused = False  # the access has ended
        self.job_id: str | None = None
        self.last_id = FIRST
        self.attempt = 0
        self._tokens: list[bytes] = []
        self._fragment: bytes | None = None
        self._trouble: bytes | None = None
        self._shown: Picture | None = None
        self._newest: Picture | None = None
        self._ready = asyncio.Event()

    def resume(self, last_event_id: str) -> None:
        """Continues after the last token that the page has, if it belongs to this job.

        Browsers return the id as they got it. Any other text is ignored: the page then gets
        the answer from its start.
        """
        job, _, rest = last_event_id.partition("/")
        attempt, _, entry_id = rest.partition("/")
        is_number = attempt.isascii() and attempt.isdigit() and len(attempt) < 10
        if is_number and _ENTRY_ID.fullmatch(entry_id) and job == short_id(self.job_id):
            self.attempt, self.last_id = int(attempt), entry_id

    def follow(self, job_id: str | None) -> None:
        """Watches the tokens of `job_id`. Another job has another stream, with a reset."""
        if job_id != self.job_id:
            self.job_id, self.attempt, self.last_id = job_id, 0, FIRST

    def show(self, fragment: bytes) -> None:
        self._fragment = fragment
        self._ready.set()

    def show_board(self, picture: Picture) -> None:
        self._newest = picture
        self._ready.set()

    def show_trouble(self, event: bytes) -> None:
        self._trouble = event
        self._ready.set()

    def push(self, chunk: bytes) -> None:
        if len(self._tokens) >= MAX_UNREAD:
            self.close()
        else:
            self._tokens.append(chunk)
        self._ready.set()

    def close(self) -> None:
        self.closed = True
        self._tokens.clear()
        self._ready.set()

    def refuse(self) -> None:
        """Ends the stream, because the person may no longer watch."""
        self.is_refused = True
        self.close()

    def deliver(self, entry: StreamEntry) -> None:
        """Sends one entry of the token stream, once. A new attempt begins with a reset event."""
        if id_order(entry.id) <= id_order(self.last_id):
            return
        is_first = self.last_id == FIRST
        self.last_id = entry.id
        event_id = f"{short_id(self.job_id)}/{entry.attempt}/{entry.id}"
        if entry.status is not None:
            self.push(sse("end", entry.status, event_id))
            return
        if is_first or entry.attempt != self.attempt:
            self.attempt = entry.attempt
            self.push(sse("reset", "", event_id))
        if entry.text:
            self.push(sse("token", render_token(entry.text), event_id))

    async def next(self, timeout_seconds: float, disconnected: asyncio.Future[Any]) -> bytes:
        """Returns everything unread; empty after the timeout or when the browser disconnects."""
        ready: asyncio.Future[Any] = asyncio.ensure_future(self._ready.wait())
        try:
            await asyncio.wait(
                {ready, disconnected},
                timeout=timeout_seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            ready.cancel()
        self._ready.clear()
        chunks, self._tokens = self._tokens, []
        chunks += [one for one in (self._trouble, self._fragment, self._board()) if one]
        self._trouble = self._fragment = None
        return b"".join(chunks)

    def _board(self) -> bytes | None:
        """Returns the whole board first, later the difference to what the page shows."""
        old, new = self._shown, self._newest
        if new is None or new is old:
            return None
        key = 0 if old is None else old.version
        if key not in new.encoded:
            new.encoded[key] = whole(new) if old is None else changes(old, new)
        if not new.encoded[key]:
            return None  # the page keeps the older version, from which it knows everything
        self._shown = new
        return sse("board" if old is None else "changes", new.encoded[key])


def id_order(entry_id: str) -> tuple[int, int]:
    first, _, second = entry_id.partition("-")
    return int(first), int(second or 0)


def short_id(job_id: str | None) -> str:
    """Returns the part of a job's id that stands in the ids of its events."""
    return (job_id or "").partition("-")[0]
