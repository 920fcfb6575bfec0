"""The live streams of one process: one Redis subscriber and a bounded queue per open page."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, cast

import redis.asyncio
import structlog
from django.utils import timezone
from redis.exceptions import RedisError

from scheduling.models import Job
from scheduling.queue.events import FIRST, StreamEntry, events_channel, parse_entries, tokens_key
from triage_site.cases.board import render_board
from triage_site.cases.panel import render_case_panel, render_token
from triage_site.cases.sse import on_database, sse

log = structlog.get_logger(__name__)

BOARD: Final = "board"
MAX_UNREAD: Final = 512  # a page with more unread events is closed; the browser reconnects
RENDER_SECONDS: Final = 0.25  # minimum time between two renderings of the same fragment
REFRESH_SECONDS: Final = 10.0
READ_MILLISECONDS: Final = 200

Target = str | uuid.UUID


class Watcher:
    """One open page. A new fragment replaces an unread one; tokens go into a bounded queue."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.closed = False
        self.job_id: str | None = None
        self.last_id = FIRST
        self.attempt = 0
        self._tokens: list[bytes] = []
        self._fragment: bytes | None = None
        self._ready = asyncio.Event()

    def show(self, fragment: bytes) -> None:
        self._fragment = fragment
        self._ready.set()

    def push(self, chunk: bytes) -> None:
        if len(self._tokens) >= MAX_UNREAD:
            self.closed = True
        else:
            self._tokens.append(chunk)
        self._ready.set()

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
        if self._fragment is not None:
            chunks.append(self._fragment)
            self._fragment = None
        return b"".join(chunks)


class Hub:
    """Renders fragments and forwards tokens from Redis to all watchers, until `stop`."""

    def __init__(self, url: str) -> None:
        self._redis = redis.asyncio.Redis.from_url(url, decode_responses=True)
        self._watchers: dict[Target, set[Watcher]] = defaultdict(set)
        self._dirty: set[Target] = set()
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        for duty in (self._listen, self._render, self._read_tokens, self._refresh):
            self._tasks.append(asyncio.create_task(self._forever(duty)))

    async def stop(self) -> None:
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.closed = True
                watcher.push(b"")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._redis.aclose()

    async def watch(self, target: Target, *, last_event_id: str | None) -> Watcher:
        """Adds a page. It receives the tokens of its case after `last_event_id`, or all."""
        watcher = Watcher(target)
        if target != BOARD:
            watcher.job_id = await on_database(_job_of, target)
            attempt, _, entry_id = (last_event_id or "").partition("/")
            if entry_id and attempt.isdigit():
                watcher.attempt, watcher.last_id = int(attempt), entry_id
        self._watchers[target].add(watcher)
        self._mark(target)
        return watcher

    def unwatch(self, watcher: Watcher) -> None:
        watcher.closed = True
        self._watchers[watcher.target].discard(watcher)
        if not self._watchers[watcher.target]:
            del self._watchers[watcher.target]

    def _mark(self, target: Target) -> None:
        if self._watchers.get(target):
            self._dirty.add(target)
            self._changed.set()

    async def _forever(self, duty: Callable[[], Any]) -> None:
        """Runs a duty again after an error, so that streams survive store outages."""
        while True:
            try:
                await duty()
            except (RedisError, OSError) as error:
                log.warning("stream_store_error", error=type(error).__name__)
            except Exception as error:
                log.error("stream_failed", duty=duty.__name__, error=type(error).__name__)
            await asyncio.sleep(1.0)

    async def _listen(self) -> None:
        async with self._redis.pubsub() as subscriber:
            await subscriber.subscribe(events_channel())
            self._mark_all()
            async for message in subscriber.listen():
                if message["type"] == "message":
                    self._on_event(json.loads(message["data"]))

    def _on_event(self, event: dict[str, Any]) -> None:
        self._mark(BOARD)
        if "case" in event:
            self._mark(uuid.UUID(event["case"]))

    def _mark_all(self) -> None:
        for target in list(self._watchers):
            self._mark(target)

    async def _refresh(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            self._mark_all()

    async def _render(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            targets, self._dirty = self._dirty, set()
            for target in targets:
                await self._render_target(target)
            await asyncio.sleep(RENDER_SECONDS)

    async def _render_target(self, target: Target) -> None:
        watchers = self._watchers.get(target)
        if not watchers:
            return
        if target == BOARD:
            html = await on_database(render_board, timezone.now())
            event = "board"
        else:
            html = await on_database(render_case_panel, target, timezone.now())
            event = "case"
            job_id = await on_database(_job_of, target)
            for watcher in watchers:
                watcher.job_id = job_id
            if job_id is not None:
                # The fragment may show that the text is complete, so all tokens are sent first.
                with suppress(RedisError, OSError):
                    await self._deliver_tokens({job_id: list(watchers)}, None)
        fragment = sse(event, html)
        for watcher in list(watchers):
            watcher.show(fragment)

    async def _read_tokens(self) -> None:
        while True:
            watched = self._by_job()
            if not watched:
                await asyncio.sleep(READ_MILLISECONDS / 1000)
                continue
            await self._deliver_tokens(watched, READ_MILLISECONDS)

    async def _deliver_tokens(
        self, watched: Mapping[str, list[Watcher]], wait_milliseconds: int | None
    ) -> None:
        """Sends new stream entries of these jobs to their watchers. None does not wait."""
        oldest = {
            tokens_key(job_id): min((w.last_id for w in watchers), key=_id_order)
            for job_id, watchers in watched.items()
        }
        answer: Any = await self._redis.xread(cast(Any, oldest), block=wait_milliseconds)
        names = {tokens_key(job_id): job_id for job_id in watched}
        for key, raw in answer or ():
            for entry in parse_entries(raw):
                for watcher in watched[names[key]]:
                    _deliver(watcher, entry)

    def _by_job(self) -> dict[str, list[Watcher]]:
        watched: dict[str, list[Watcher]] = defaultdict(list)
        for watchers in self._watchers.values():
            for watcher in watchers:
                if watcher.job_id is not None:
                    watched[watcher.job_id].append(watcher)
        return watched


def _deliver(watcher: Watcher, entry: StreamEntry) -> None:
    """Sends one entry to one page, once. A new attempt begins with a reset event."""
    if _id_order(entry.id) <= _id_order(watcher.last_id):
        return
    is_first = watcher.last_id == FIRST
    watcher.last_id = entry.id
    event_id = f"{entry.attempt}/{entry.id}"
    if entry.status is not None:
        watcher.push(sse("end", entry.status, event_id))
        return
    if is_first or entry.attempt != watcher.attempt:
        watcher.attempt = entry.attempt
        watcher.push(sse("reset", "", event_id))
    if entry.text:
        watcher.push(sse("token", render_token(entry.text), event_id))


def _id_order(entry_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence or 0)


def _job_of(case_id: uuid.UUID) -> str | None:
    found = Job.objects.filter(case_id=case_id).order_by("created_at")
    job_id = found.values_list("id", flat=True).last()
    return None if job_id is None else str(job_id)
