"""The remote engine sends requests to a server with the OpenAI-compatible HTTP API.

It gives the slots of the server to the best requests of our policy and keeps a few more waiting
there (`placing.py`), so that none stays empty between two answers. It also sends
the priority, for the server's own scheduler.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from queue import Empty, Queue
from typing import Any

from llm_worker.engine.protocol import (
    EngineFailed,
    EngineJob,
    EngineNotRunning,
    EngineUnavailable,
    Event,
    Failed,
    Finished,
    Released,
    Started,
    TokensOut,
)
from llm_worker.engine.rate import Rate
from llm_worker.engine.remote.api import Dialect, RemoteSettings, assumed_dialect
from llm_worker.engine.remote.loop import RemoteLoop, StreamUpdate
from llm_worker.engine.remote.probe import probe
from scheduling.core.policies import POLICIES, Policy, Preemption
from scheduling.core.request import Request
from scheduling.core.scheduler import NeverFits

START_SECONDS, STOP_SECONDS = 60.0, 5.0  # at most, for the thread


def estimated_tokens(prompt: str) -> int:
    """A high estimate, for prompts whose tokenizer is only on the server: 3 bytes per token."""
    return -(-len(prompt.encode()) // 3)


@dataclass(slots=True)
class _Answer:
    """One open answer with the tokens that `events` returned so far."""

    job: EngineJob
    attempt: str
    token_ids: list[int]
    text: str

    def finished(self, reason: Any) -> Finished:
        return Finished(
            id=self.job.id, text=self.text, token_ids=tuple(self.token_ids), reason=reason
        )


@dataclass(slots=True)
class _LoopHandle:
    """The thread and the event loop of one start of the engine."""

    thread: threading.Thread
    loop: asyncio.AbstractEventLoop
    remote_loop: RemoteLoop
    updates: Queue[StreamUpdate] = field(repr=False)

    def call(self, function: Callable[..., None], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop has just ended and holds no request
            self.loop.call_soon_threadsafe(function, *arguments)


class RemoteEngine:
    """Streams answers from a server. An interrupted answer resumes after its text so far."""

    def __init__(
        self,
        settings: RemoteSettings,
        *,
        clock: Callable[[], float],
        count_tokens: Callable[[str], int] = estimated_tokens,
        policy: Policy = POLICIES["semantic"],
        preemption: Preemption = Preemption.LEVEL,
    ) -> None:
        self._settings, self._clock, self._count_tokens = settings, clock, count_tokens
        self._policy, self._preemption = policy, preemption
        self._dialect = assumed_dialect(settings)
        self._probed: Dialect | None = None
        self._running: _LoopHandle | None = None
        self._numbers = count()
        self._rate = Rate()
        self._answers: dict[str, _Answer] = {}
        self._job_ids: dict[str, str] = {}  # by attempt
        self._unread: list[Event] = []

    @property
    def num_slots(self) -> int:
        return self._settings.num_slots

    @property
    def num_ahead(self) -> int:
        return self._settings.num_ahead

    def start(self) -> None:
        """Does not fail without a server: `events` then returns an `EngineFailed`."""
        self.stop()
        updates: Queue[StreamUpdate] = Queue()
        ready: Queue[tuple[asyncio.AbstractEventLoop, RemoteLoop]] = Queue()
        policy, preemption, dialect = self._policy, self._preemption, self._dialect

        async def run_loop() -> None:
            remote_loop = RemoteLoop(
                self._settings,
                dialect,
                policy=policy,
                preemption=preemption,
                clock=self._clock,
                on_update=updates.put,
            )
            ready.put((asyncio.get_running_loop(), remote_loop))
            await remote_loop.run()

        thread = threading.Thread(target=lambda: asyncio.run(run_loop()), daemon=True)
        thread.start()
        loop, remote_loop = ready.get(timeout=START_SECONDS)
        self._rate = Rate()
        self._running = _LoopHandle(
            thread=thread, loop=loop, remote_loop=remote_loop, updates=updates
        )

    def stop(self) -> None:
        running, self._running = self._running, None
        self._answers.clear()
        self._job_ids.clear()
        self._unread = []
        if running is not None:
            running.call(running.remote_loop.end)
            running.thread.join(STOP_SECONDS)

    def alive(self) -> bool:
        return self._running is not None and self._running.thread.is_alive()

    def ready(self) -> str:
        """Asks the server for its models and for one token."""
        try:
            self._probed = probe(self._settings, self._clock, known=self._probed)
        except EngineUnavailable as error:
            self._probed = None  # another server may come back
            return str(error)
        self._dialect = self._probed
        if self._running is not None:
            self._running.call(self._running.remote_loop.set_dialect, self._dialect)
        return ""

    def holds(self, request_id: str) -> bool:
        return request_id in self._answers or any(
            getattr(event, "id", None) == request_id for event in self._unread
        )

    def waiting(self) -> frozenset[str]:
        running = self._running.remote_loop.running if self._running else ()
        return frozenset(a.job.id for a in self._answers.values() if a.attempt not in running)

    def add(self, job: EngineJob) -> None:
        running = self._running
        if running is None or not running.thread.is_alive():
            raise EngineNotRunning("the engine is not running")
        if job.id in self._answers:
            raise ValueError(f"{job.id}: the engine already has this id")
        self._check_fits(job)
        answer = _Answer(
            job=job,
            attempt=f"{job.id}#{next(self._numbers)}",
            token_ids=list(job.prefix_token_ids),
            text=job.prefix_text,
        )
        if len(answer.token_ids) >= job.max_new_tokens:
            self._unread.append(answer.finished("length"))
            return
        self._answers[job.id], self._job_ids[answer.attempt] = answer, job.id
        request = replace(
            job.request, id=answer.attempt, generated_tokens=len(job.prefix_token_ids)
        )
        running.call(running.remote_loop.add, job, request)

    def release(self, request_id: str) -> Released | None:
        answer = self._answers.get(request_id)
        if answer is None or self._has_ended(answer.attempt):
            return None
        self._drop(answer)
        return Released(id=request_id, token_ids=tuple(answer.token_ids), text=answer.text)

    def cancel(self, request_id: str) -> None:
        self._unread = [e for e in self._unread if getattr(e, "id", None) != request_id]
        if (answer := self._answers.get(request_id)) is not None:
            self._drop(answer)

    def update(self, request: Request) -> None:
        answer = self._answers.get(request.id)
        if answer is not None and self._running is not None:
            self._running.call(
                self._running.remote_loop.update, replace(request, id=answer.attempt)
            )

    def set_policy(self, policy: Policy, preemption: Preemption) -> None:
        self._policy, self._preemption = policy, preemption
        if self._running is not None:
            self._running.call(self._running.remote_loop.set_policy, policy, preemption)

    def events(self, timeout_seconds: float) -> list[Event]:
        running = self._running
        if running is not None:
            for update in _drain(running.updates, 0.0 if self._unread else timeout_seconds):
                self._handle(update)
            if self._running is not None and not running.thread.is_alive():
                self._handle(StreamUpdate(attempt="", failed="the loop ended"))
        unread, self._unread = self._unread, []
        return unread

    def count_prompt_tokens(self, prompt: str) -> int:
        return self._count_tokens(prompt)

    def stats(self) -> dict[str, float]:
        running = self._running
        return {
            "slots_total": float(self.num_slots),
            "slots_used": float(len(running.remote_loop.running) if running else 0),
            "requests": float(len(self._answers)),
            "kv_blocks_total": 0.0,
            "kv_blocks_used": 0.0,
            "tokens_per_second": self._rate.per_second(self._clock()),
            "tokens": float(self._rate.total),
            "steps": float(running.remote_loop.num_steps if running else 0),
        }

    def _check_fits(self, job: EngineJob) -> None:
        limit = self._dialect.max_context_tokens
        needed = self._count_tokens(job.prompt) + job.max_new_tokens
        if limit is not None and needed > limit:
            raise NeverFits(
                f"{job.id}: prompt and answer need {needed} tokens, "
                f"the context of the server has {limit}"
            )

    def _handle(self, update: StreamUpdate) -> None:
        if not update.attempt:
            unread, self._probed = self._unread, None  # a server that failed is asked anew
            self.stop()
            self._unread = [*unread, EngineFailed(reason=update.failed)]
            return
        job_id = self._job_ids.get(update.attempt)
        if job_id is None:  # it was released or cancelled
            return
        answer = self._answers[job_id]
        if update.started:
            self._unread.append(Started(id=job_id))
        elif update.failed:
            self._drop(answer)
            self._unread.append(Failed(id=job_id, reason=update.failed))
        elif update.chunk is not None:
            self._handle_chunk(answer, update)

    def _handle_chunk(self, answer: _Answer, update: StreamUpdate) -> None:
        chunk = update.chunk
        assert chunk is not None
        answer.token_ids.extend(chunk.token_ids)
        answer.text += chunk.text
        self._rate.add(len(chunk.token_ids), self._clock())
        if chunk.token_ids or chunk.text:
            self._unread.append(
                TokensOut(
                    id=answer.job.id,
                    text_delta=chunk.text,
                    token_ids=chunk.token_ids,
                    num_generated=len(answer.token_ids),
                )
            )
        if chunk.end is not None:
            self._drop(answer)
            self._unread.append(answer.finished(chunk.end))

    def _has_ended(self, attempt: str) -> bool:
        assert self._running is not None
        with self._running.updates.mutex:
            return any(
                update.attempt == attempt
                and update.chunk is not None
                and update.chunk.end is not None
                for update in self._running.updates.queue
            )

    def _drop(self, answer: _Answer) -> None:
        del self._answers[answer.job.id], self._job_ids[answer.attempt]
        if self._running is not None:
            self._running.call(self._running.remote_loop.remove, answer.attempt)


def _drain(queue: Queue[StreamUpdate], timeout_seconds: float) -> list[StreamUpdate]:
    updates: list[StreamUpdate] = []
    with suppress(Empty):
        if timeout_seconds > 0:
            updates.append(queue.get(timeout=timeout_seconds))
        while True:
            updates.append(queue.get_nowait())
    return updates
