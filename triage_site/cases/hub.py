"""The live streams of one process: one Redis subscriber and a bounded queue per open page."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, cast

import redis.asyncio
import structlog
from django.db import DatabaseError
from django.utils import timezone
from redis.exceptions import RedisError, ResponseError

from scheduling import connection
from scheduling.queue.events import events_channel, parse_entries, tokens_key
from triage_site.cases.board_changes import Picture
from triage_site.cases.departments import Sight
from triage_site.cases.live_fragments import job_of, rendered
from triage_site.cases.live_pages import PAGES
from triage_site.cases.sse import on_database, sse
from triage_site.cases.stream_access import Access, Target, refused
from triage_site.cases.trouble import render_trouble
from triage_site.cases.watchers import Watcher, id_order

log = structlog.get_logger(__name__)

RENDER_SECONDS: Final = 0.25  # minimum time between two renderings of the same fragment
# A rendering of a long board is followed by a pause that is longer: requests and streams of this
# process must not wait for it, and each one is sent to every page.
PAUSE_PER_RENDERING: Final = 3.0
MAX_PAUSE_SECONDS: Final = 2.0
REFRESH_SECONDS: Final = 10.0
READ_MILLISECONDS: Final = 200
ACCESS_SECONDS: Final = 2.0
PAGE_SECONDS: Final = 1.0  # between two renderings of a page of figures
STORE_SECONDS: Final = 0.5
_TIMEOUT_SECONDS: Final = 3.0  # of Redis, longer than a blocking read
_NUM_ENTRIES: Final = 500  # of one stream at a time


class Hub:
    """Renders fragments and forwards tokens from Redis to all watchers, until `stop`."""

    def __init__(self, url: str) -> None:
        self._redis = redis.asyncio.Redis.from_url(
            url,
            decode_responses=True,
            socket_connect_timeout=1,
            socket_timeout=_TIMEOUT_SECONDS,
            health_check_interval=5,
        )
        self._watchers: dict[Target, set[Watcher]] = defaultdict(set)
        self._dirty: set[Target] = set()
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._num_pictures = 0
        self._pictures: dict[Sight, Picture] = {}
        self._is_database_down = False
        self._trouble = ""

    def start(self) -> None:
        duties = (self._listen, self._render, self._read_tokens, self._refresh, self._tell)
        for duty in (*duties, self._renew_pages, self._check_access):
            self._tasks.append(asyncio.create_task(self._forever(duty)))

    async def stop(self) -> None:
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(RedisError, OSError):
            await self._redis.aclose()

    def num_watchers(self) -> int:
        return sum(len(watchers) for watchers in self._watchers.values())

    async def watch(self, access: Access, *, last_event_id: str | None) -> Watcher:
        """Adds a page. It receives the tokens of its case after `last_event_id`, or all."""
        target, watcher = access.target, Watcher(access)
        if isinstance(target, uuid.UUID):
            watcher.job_id = await on_database(job_of, target)
            watcher.resume(last_event_id or "")
        elif isinstance(target, Sight) and target in self._pictures:
            watcher.show_board(self._pictures[target])
        if self._trouble:
            watcher.show_trouble(sse("trouble", self._trouble))
        self._watchers[target].add(watcher)
        self._mark(target)
        return watcher

    def unwatch(self, watcher: Watcher) -> None:
        watcher.close()
        watchers = self._watchers.get(watcher.target, set())
        watchers.discard(watcher)
        if not watchers:
            self._watchers.pop(watcher.target, None)
            if isinstance(watcher.target, Sight):
                self._pictures.pop(watcher.target, None)

    def _mark(self, target: Target) -> None:
        if self._watchers.get(target):
            self._dirty.add(target)
            self._changed.set()

    async def _forever(self, duty: Callable[[], Any]) -> None:
        """Runs a duty again after an error, so that streams survive store outages."""
        while True:
            try:
                await duty()
            except (RedisError, OSError):
                pass  # the breaker of scheduling.connection logs the outage once
            except Exception as error:
                log.error("stream_failed", duty=duty.__name__, error=type(error).__name__)
            await asyncio.sleep(1.0)

    # -- events of Redis

    async def _listen(self) -> None:
        async with self._redis.pubsub() as subscriber:
            await subscriber.subscribe(events_channel())
            self._mark_all()
            while True:  # each round also checks that the connection lives
                message = await subscriber.get_message(timeout=1.0)
                if message is not None and message["type"] == "message":
                    with suppress(ValueError, TypeError, KeyError):  # one bad event
                        self._on_event(json.loads(message["data"]))

    def _on_event(self, event: dict[str, Any]) -> None:
        for target in list(self._watchers):
            if isinstance(target, Sight):
                self._mark(target)
        if "case" in event:
            self._mark(uuid.UUID(event["case"]))

    def _mark_all(self) -> None:
        for target in list(self._watchers):
            self._mark(target)

    async def _refresh(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            self._mark_all()

    async def _renew_pages(self) -> None:
        """Pages of figures change with time, so they are rendered each second while watched."""
        while True:
            await asyncio.sleep(PAGE_SECONDS)
            for target in PAGES:
                self._mark(target)

    async def _check_access(self) -> None:
        """Ends the streams of people who signed out, were deactivated or have another role."""
        while True:
            await asyncio.sleep(ACCESS_SECONDS)
            watchers = [one for some in self._watchers.values() for one in some]
            if not watchers or self._is_database_down:
                continue
            accesses = {watcher.access for watcher in watchers}
            ended = await on_database(refused, accesses, timezone.now())
            for watcher in watchers:
                if watcher.access in ended:
                    watcher.refuse()

    # -- fragments

    async def _render(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            targets, self._dirty = self._dirty, set()
            begun = time.monotonic()
            try:
                shown = await on_database(rendered, targets & self._watchers.keys())
                self._is_database_down = False
            except DatabaseError:
                self._is_database_down = True
                self._dirty |= targets
                await asyncio.sleep(1.0)
                self._changed.set()
                continue
            for target, html, job_id in shown:
                await self._show(target, html, job_id)
            took = time.monotonic() - begun
            await asyncio.sleep(_pause(took))

    async def _show(self, target: Target, html: str, job_id: str | None) -> None:
        watchers = list(self._watchers.get(target, ()))
        if not watchers:  # the last page left meanwhile
            return
        if isinstance(target, Sight):
            self._num_pictures += 1
            self._pictures[target] = picture = Picture.of(self._num_pictures, html)
            for watcher in watchers:
                watcher.show_board(picture)
            return
        if target in PAGES:
            for watcher in watchers:
                watcher.show(sse(str(target), html))
            return
        for watcher in watchers:
            watcher.follow(job_id)
        if job_id is not None and not connection.is_silent():
            # The fragment may show that the text is complete, so all tokens are sent first.
            with suppress(RedisError, OSError):
                await self._deliver_tokens({job_id: watchers}, None)
        fragment = sse("case", html)
        for watcher in watchers:
            watcher.show(fragment)

    async def _tell(self) -> None:
        """Tells all pages when a store is down, and when it works again."""
        while True:
            trouble = render_trouble(connection.trouble(), self._is_database_down)
            if trouble != self._trouble:
                self._trouble = trouble
                for watchers in self._watchers.values():
                    for watcher in watchers:
                        watcher.show_trouble(sse("trouble", trouble))
            await asyncio.sleep(STORE_SECONDS)

    # -- tokens

    async def _read_tokens(self) -> None:
        while True:
            watched = self._by_job()
            if not watched or connection.is_silent():
                await asyncio.sleep(READ_MILLISECONDS / 1000)
                continue
            try:
                await self._deliver_tokens(watched, READ_MILLISECONDS)
            except ResponseError:  # one damaged stream must not stop the others
                for job_id, watchers in watched.items():
                    with suppress(ResponseError):
                        await self._deliver_tokens({job_id: watchers}, None)
                await asyncio.sleep(READ_MILLISECONDS / 1000)

    async def _deliver_tokens(
        self, watched: Mapping[str, list[Watcher]], wait_milliseconds: int | None
    ) -> None:
        """Sends new stream entries of these jobs to their watchers. None does not wait."""
        oldest = {
            tokens_key(job_id): min((w.last_id for w in watchers), key=id_order)
            for job_id, watchers in watched.items()
        }
        if not oldest:
            return
        answer: Any = await self._redis.xread(
            cast(Any, oldest), count=_NUM_ENTRIES, block=wait_milliseconds
        )
        names = {tokens_key(job_id): job_id for job_id in watched}
        for key, raw in answer or ():
            job_id = names[key]
            for one in raw:
                with suppress(ValueError, KeyError):  # an entry that this release cannot read
                    (entry,) = parse_entries([one])
                    for watcher in watched[job_id]:
                        if watcher.job_id == job_id:
                            watcher.deliver(entry)

    def _by_job(self) -> dict[str, list[Watcher]]:
        watched: dict[str, list[Watcher]] = defaultdict(list)
        for watchers in self._watchers.values():
            for watcher in watchers:
                if watcher.job_id is not None and not watcher.closed:
                    watched[watcher.job_id].append(watcher)
        return watched


def _pause(took_seconds: float) -> float:
    return min(max(RENDER_SECONDS, PAUSE_PER_RENDERING * took_seconds), MAX_PAUSE_SECONDS)
