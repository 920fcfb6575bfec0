"""The inner half of the remote engine: slots, order and streams, in an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

import httpx

from llm_worker.engine.protocol import EngineJob
from llm_worker.engine.remote.api import BadAnswer, Chunk, RemoteSettings, payload, read_line
from scheduling.core.policies import Policy, Preemption
from scheduling.core.request import Request
from scheduling.core.scheduler import Scheduler

ORDER_SECONDS: Final = 0.2  # due times pass without anyone saying so
_BUSY: Final = frozenset({429, 503})
_OUR_FAULT: Final = frozenset({401, 403, 404})  # of the site's settings, not of a request
_MAX_PAUSE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the loop has to say of one attempt; of all of them where `attempt` is empty."""

    attempt: str
    started: bool = False
    chunk: Chunk | None = None
    failed: str = ""


@dataclass(slots=True)
class _Stream:
    job: EngineJob
    request: Request  # under the attempt's id
    text: str
    num_tokens: int
    has_started: bool = False
    num_failures: int = 0
    is_closing: bool = False
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class _Refused(Exception):
    """The server will not write this answer."""


class _Broken(Exception):
    """No request can succeed as things stand."""


class RemoteLoop:
    """Everything here runs in the loop's thread; `say` may be called by it at any time."""

    def __init__(
        self,
        settings: RemoteSettings,
        *,
        policy: Policy,
        preemption: Preemption,
        clock: Callable[[], float],
        say: Callable[[Said], None],
    ) -> None:
        self._settings, self._clock, self._say = settings, clock, say
        self._slots = Scheduler(policy=policy, num_slots=settings.num_slots, preemption=preemption)
        self._streams: dict[str, _Stream] = {}
        self._ended = asyncio.Event()
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {settings.api_key}"} if settings.api_key else {},
            timeout=httpx.Timeout(settings.silence_seconds, connect=settings.connect_seconds),
            limits=httpx.Limits(max_connections=settings.num_slots + 1),
        )
        self.num_admitted = 0
        self.num_steps = 0

    async def run(self) -> None:
        """Until `end` is called, or the server can no longer be used, which is said."""
        while not self._ended.is_set():
            self._slot()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), ORDER_SECONDS)
        tasks = [stream.task for stream in self._streams.values() if stream.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()

    def end(self) -> None:
        self._ended.set()

    def add(self, job: EngineJob, request: Request) -> None:
        self._streams[request.id] = _Stream(
            job=job, request=request, text=job.prefix_text, num_tokens=request.generated_tokens
        )
        self._slots.add(request)
        self._slot()

    def remove(self, attempt: str) -> None:
        stream = self._streams.pop(attempt, None)
        if stream is None:
            return
        self._slots.remove(attempt)
        _leave(stream)
        self._slot()

    def update(self, request: Request) -> None:
        stream = self._streams.get(request.id)
        if stream is not None:
            stream.request = request
            self._slots.update(request.with_progress(stream.num_tokens))
            self._slot()

    def set_policy(self, policy: Policy, preemption: Preemption) -> None:
        self._slots.set_policy(policy, preemption)
        self._slot()

    def _slot(self) -> None:
        """Gives the slots out; whoever loses one is cut off and goes on from there later."""
        if self._ended.is_set():
            return
        batch = self._slots.schedule(self._clock())
        for attempt in batch.preempted:
            _leave(self._streams[attempt])
        for attempt in batch.admitted:
            stream = self._streams[attempt]
            if not stream.has_started:
                stream.has_started = True
                self._say(Said(attempt=attempt, started=True))
            stream.task = asyncio.get_running_loop().create_task(self._write(stream))
        self.num_admitted = len(batch.running)

    async def _write(self, stream: _Stream) -> None:
        """Sees one request through, over interruptions of the line."""
        try:
            while stream.task is asyncio.current_task() and not await self._ask(stream):
                pass
        except _Refused as error:
            self._say(Said(attempt=stream.request.id, failed=str(error)))
            self.remove(stream.request.id)
        except _Broken as error:
            self._die(str(error))
        except Exception as error:  # a fault of ours must not pass for silence
            self._die(f"{type(error).__name__}: {error}")

    async def _ask(self, stream: _Stream) -> bool:
        """One HTTP request; true when the answer is whole."""
        try:
            return await self._read(stream)
        except (httpx.HTTPError, BadAnswer) as error:
            if stream.task is not asyncio.current_task():  # nobody wants it any more
                return True
            stream.num_failures += 1
            if stream.num_failures > self._settings.max_failures:
                reason = f"{type(error).__name__}: {error}".removesuffix(": ")
                raise _Broken(f"{self._settings.base_url}: {reason}") from error
            stream.is_closing = False
            await self._pause(stream)
            return False

    async def _read(self, stream: _Stream) -> bool:
        settings = self._settings
        stream.is_closing = False
        body = payload(
            settings,
            prompt=stream.job.prompt,
            so_far=stream.text,
            num_tokens=stream.job.max_new_tokens - stream.num_tokens,
            priority=stream.request.priority,
        )
        async with self._client.stream("POST", settings.url, json=body) as response:
            try:
                if not await self._accepted(response, stream):
                    return False
                async for line in response.aiter_lines():
                    chunk = read_line(line)
                    if chunk is not None and self._take(stream, chunk):
                        return True
            finally:
                stream.is_closing = True
        raise BadAnswer("the answer broke off")

    async def _accepted(self, response: httpx.Response, stream: _Stream) -> bool:
        status = response.status_code
        if status == 200:
            return True
        reason = f"HTTP {status}: {(await response.aread()).decode(errors='replace')[:200]}"
        if status in _BUSY:
            await self._pause(stream)
            return False
        if status in _OUR_FAULT:
            raise _Broken(f"{self._settings.url}: {reason}")
        if 400 <= status < 500:
            raise _Refused(reason)
        raise BadAnswer(reason)

    def _take(self, stream: _Stream, chunk: Chunk) -> bool:
        stream.num_failures = 0
        stream.text += chunk.text
        stream.num_tokens += len(chunk.token_ids)
        self.num_steps += 1
        if stream.num_tokens >= stream.job.max_new_tokens and chunk.end is None:
            chunk = replace(chunk, end="length")  # the server's last piece may come empty
        self._say(Said(attempt=stream.request.id, chunk=chunk))
        if chunk.end is not None:
            stream.is_closing = True
            self.remove(stream.request.id)
        return chunk.end is not None

    async def _pause(self, stream: _Stream) -> None:
        seconds = self._settings.retry_seconds * 2.0**stream.num_failures
        await asyncio.sleep(min(seconds, _MAX_PAUSE_SECONDS))

    def _die(self, reason: str) -> None:
        """Said once, whichever request finds out first."""
        if self._ended.is_set():
            return
        self._say(Said(attempt="", failed=reason))
        self._ended.set()


def _leave(stream: _Stream) -> None:
    """Cuts a stream off. One that is closing its connection is left to it: cancelled there,
    the connection would be lost to the pool for ever."""
    task, stream.task = stream.task, None
    if task is not None and not stream.is_closing:
        task.cancel()
