"""The event loop of the remote engine: it gives slots to requests and reads their streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

import httpx

from llm_worker.engine.protocol import EngineJob
from llm_worker.engine.remote.api import (
    Chunk,
    Dialect,
    InvalidResponse,
    RemoteSettings,
    parse_line,
    request_body,
)
from llm_worker.engine.remote.placing import Placing
from scheduling.core.policies import Policy, Preemption
from scheduling.core.request import Request

RESCHEDULE_SECONDS: Final = 0.2  # passed deadlines change the order without an event
_BUSY_STATUSES: Final = frozenset({429, 503})
_CONFIGURATION_ERROR_STATUSES: Final = frozenset({401, 403, 404})
_MAX_PAUSE_SECONDS: Final = 10.0
_LAST_LINES_SECONDS: Final = 1.0
_MAX_TICK_SECONDS: Final = 2.0  # a loop that was late itself says nothing about the server


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamUpdate:
    """News about one attempt; about the whole engine where `attempt` is empty."""

    attempt: str
    started: bool = False
    chunk: Chunk | None = None
    failed: str = ""


@dataclass(slots=True)
class _Stream:
    job: EngineJob
    request: Request  # its id is the id of the attempt
    text: str
    num_tokens: int
    has_started: bool = False
    has_slot: bool = False
    num_failures: int = 0
    is_closing: bool = False
    silent_at: float | None = None  # when the server has been silent for too long; of the loop
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class _RequestRejected(Exception):
    """The server rejected this request."""


class _ServerUnusable(Exception):
    """No request can succeed: the server is down or the settings are wrong."""


class RemoteLoop:
    """All methods run in the thread of the event loop, and so does the callback `on_update`."""

    def __init__(
        self,
        settings: RemoteSettings,
        dialect: Dialect,
        *,
        policy: Policy,
        preemption: Preemption,
        clock: Callable[[], float],
        on_update: Callable[[StreamUpdate], None],
    ) -> None:
        self._settings, self._clock, self._on_update = settings, clock, on_update
        self._dialect = dialect
        self._placing = Placing(
            policy=policy,
            preemption=preemption,
            num_slots=settings.num_slots,
            num_ahead=settings.num_ahead,
        )
        self._streams: dict[str, _Stream] = {}
        self._ended = asyncio.Event()
        # A cancelled request has its connection until that is closed.
        num_connections = 2 * settings.num_slots + settings.num_ahead + 1
        self._client = httpx.AsyncClient(
            headers=settings.headers,
            timeout=httpx.Timeout(
                settings.read_timeout_seconds, connect=settings.connect_timeout_seconds
            ),
            limits=httpx.Limits(
                max_connections=num_connections,
                max_keepalive_connections=num_connections,
            ),
        )
        self._checked_at = self._heard_at = float("-inf")  # of the event loop's clock
        self.running: tuple[str, ...] = ()  # attempts with a slot; other threads may read it
        self.num_steps = 0

    async def run(self) -> None:
        """Runs until `end` is called or the server cannot be used. Reports the latter."""
        while not self._ended.is_set():
            self._placing.look(self._clock())
            self._schedule()
            self._check_silence(asyncio.get_running_loop().time())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), RESCHEDULE_SECONDS)
        tasks = [stream.task for stream in self._streams.values() if stream.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()

    def end(self) -> None:
        self._ended.set()

    def set_dialect(self, dialect: Dialect) -> None:
        """For all requests from now on."""
        self._dialect = dialect

    def add(self, job: EngineJob, request: Request) -> None:
        self._streams[request.id] = _Stream(
            job=job, request=request, text=job.prefix_text, num_tokens=request.generated_tokens
        )
        self._placing.add(request)
        self._schedule()

    def remove(self, attempt: str) -> None:
        stream = self._streams.pop(attempt, None)
        if stream is None:
            return
        self._placing.remove(attempt)
        _cancel_stream(stream)
        self._schedule()

    def update(self, request: Request) -> None:
        stream = self._streams.get(request.id)
        if stream is not None:
            stream.request = request
            self._placing.update(request.with_progress(stream.num_tokens))
            self._schedule()

    def set_policy(self, policy: Policy, preemption: Preemption) -> None:
        self._placing.set_policy(policy, preemption)
        self._schedule()

    def _schedule(self) -> None:
        """Gives the slots to the best requests. A preempted one resumes later from its text."""
        if self._ended.is_set():
            return
        placement = self._placing.place(self._clock())
        for attempt in placement.cancels:
            self._streams[attempt].has_slot = False
            _cancel_stream(self._streams[attempt])
        for attempt in placement.posts:
            stream = self._streams[attempt]
            stream.task = asyncio.get_running_loop().create_task(self._run_stream(stream))
        for attempt in placement.running:
            self._begin(self._streams[attempt])
        self.running = placement.running

    def _begin(self, stream: _Stream) -> None:
        """It has a slot. What had waited at the server gets its time from now on."""
        if not stream.has_slot:
            stream.has_slot = True
            if stream.silent_at is not None:
                self._expect_token(stream, self._settings.first_token_seconds)
        self._tell_start(stream)

    def _tell_start(self, stream: _Stream) -> None:
        if not stream.has_started:
            stream.has_started = True
            self._on_update(StreamUpdate(attempt=stream.request.id, started=True))

    def _check_silence(self, now: float) -> None:
        """Gives a server up that takes requests and sends nothing: it hangs or is frozen.

        One answer may be slow while others go on: the server has its own queue.
        """
        if now - self._checked_at > _MAX_TICK_SECONDS:
            self._heard_at = now
        self._checked_at = now
        overdue = any(s.silent_at is not None and now > s.silent_at for s in self._streams.values())
        if overdue and now > self._heard_at + self._settings.token_seconds:
            self._report_failure(f"{self._settings.base_url}: the server is silent")

    def _expect_token(self, stream: _Stream, seconds: float) -> None:
        stream.silent_at = asyncio.get_running_loop().time() + seconds

    async def _run_stream(self, stream: _Stream) -> None:
        """Reads one answer to its end, over lost connections."""
        try:
            while stream.task is asyncio.current_task() and not await self._send_request(stream):
                pass
        except _RequestRejected as error:
            self._on_update(StreamUpdate(attempt=stream.request.id, failed=str(error)))
            self.remove(stream.request.id)
        except _ServerUnusable as error:
            self._report_failure(str(error))
        except Exception as error:  # report our own errors too
            self._report_failure(f"{type(error).__name__}: {error}")

    async def _send_request(self, stream: _Stream) -> bool:
        """Sends one HTTP request. Returns true when the answer is complete."""
        try:
            return await self._read(stream)
        except (httpx.HTTPError, InvalidResponse) as error:
            if stream.task is not asyncio.current_task():  # preempted or removed
                return True
            self._placing.lost(stream.request.id, self._clock())
            if self._placing.has_slot(stream.request.id):  # else it may have waited for long
                stream.num_failures += 1
            if stream.num_failures > self._settings.max_failures:
                reason = f"{type(error).__name__}: {error}".removesuffix(": ")
                raise _ServerUnusable(f"{self._settings.base_url}: {reason}") from error
            stream.is_closing = False
            stream.silent_at = None
            await self._pause(stream)
            return False
        finally:
            if stream.task in (None, asyncio.current_task()):  # it may have been sent again
                stream.silent_at = None

    async def _read(self, stream: _Stream) -> bool:
        dialect = self._dialect
        stream.is_closing = False
        body = request_body(
            dialect,
            model=self._settings.model,
            prompt=stream.job.prompt,
            prefix_text=stream.text,
            num_tokens=stream.job.max_new_tokens - stream.num_tokens,
            priority=stream.request.priority,
        )
        self._expect_token(stream, self._settings.first_token_seconds)
        async with self._client.stream("POST", dialect.url, json=body) as response:
            self._heard_at = asyncio.get_running_loop().time()
            try:
                if not await self._is_accepted(response, stream):
                    return False
                lines = response.aiter_lines()
                async for line in lines:
                    chunk = parse_line(line)
                    if chunk is not None and self._accept_chunk(stream, chunk):
                        await _read_to_end(lines)
                        return True
            finally:
                if stream.task is asyncio.current_task():
                    stream.is_closing = True
        raise InvalidResponse("the stream ended before the answer")

    async def _is_accepted(self, response: httpx.Response, stream: _Stream) -> bool:
        status = response.status_code
        if status == 200:
            self._placing.accepted(stream.request.id, self._clock())
            self._schedule()
            return True
        await response.aread()
        # Without the server's words: they may quote the prompt, and reasons are logged.
        reason = f"HTTP {status}: the server refused the request"
        if status in _BUSY_STATUSES:
            await self._pause(stream)
            return False
        if status in _CONFIGURATION_ERROR_STATUSES:
            raise _ServerUnusable(f"{self._dialect.url}: {reason}")
        if 400 <= status < 500:
            raise _RequestRejected(reason)
        raise InvalidResponse(reason)

    def _accept_chunk(self, stream: _Stream, chunk: Chunk) -> bool:
        if stream.task is not asyncio.current_task():
            return False  # sent again meanwhile; the words come again, too
        stream.num_failures = 0
        self._heard_at = asyncio.get_running_loop().time()
        self._expect_token(stream, self._settings.token_seconds)
        stream.text += chunk.text
        stream.num_tokens += len(chunk.token_ids)
        self.num_steps += 1
        request = stream.request.with_progress(stream.num_tokens)
        if self._placing.wrote(request, len(chunk.token_ids), self._clock()):
            self._schedule()
            self._tell_start(stream)
        if stream.num_tokens >= stream.job.max_new_tokens and chunk.end is None:
            chunk = replace(chunk, end="length")  # the server may send one more, empty piece
        self._on_update(StreamUpdate(attempt=stream.request.id, chunk=chunk))
        if chunk.end is not None:
            stream.is_closing = True
            self.remove(stream.request.id)
        return chunk.end is not None

    async def _pause(self, stream: _Stream) -> None:
        seconds = self._settings.retry_seconds * 2.0**stream.num_failures
        await asyncio.sleep(min(seconds, _MAX_PAUSE_SECONDS))

    def _report_failure(self, reason: str) -> None:
        """Reports the end of the engine, once, and ends the loop."""
        if self._ended.is_set():
            return
        self._on_update(StreamUpdate(attempt="", failed=reason))
        self._ended.set()


async def _read_to_end(lines: AsyncIterator[str]) -> None:
    """So that the connection serves the next request. The answer has ended already."""
    with suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(_LAST_LINES_SECONDS):
            async for _ in lines:
                pass


def _cancel_stream(stream: _Stream) -> None:
    """Cancels the task of a stream, unless it is closing its connection.

    A task that is cancelled while it closes never gives its connection back to the pool.
    """
    task, stream.task = stream.task, None
    if task is not None and not stream.is_closing:
        task.cancel()
