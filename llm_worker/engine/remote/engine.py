"""The remote engine: a serving cluster that speaks the OpenAI-compatible HTTP API.

Our queue stays in front: no more requests are sent than there are slots, and they are
given out here, in our order. The priority goes along for the server's own scheduler.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from queue import Empty, Queue
from typing import Any, Final

from llm_worker.engine.protocol import (
    EngineDied,
    EngineJob,
    EngineNotRunning,
    Event,
    Failed,
    Finished,
    Released,
    Started,
    TokensOut,
)
from llm_worker.engine.rate import Rate
from llm_worker.engine.remote.api import RemoteSettings
from llm_worker.engine.remote.loop import RemoteLoop, Said
from scheduling.core.policies import POLICIES, Policy, Preemption
from scheduling.core.request import Request
from scheduling.core.scheduler import NeverFits

STOP_TIMEOUT_SECONDS: Final = 5.0


def estimated_tokens(prompt: str) -> int:
    """A rather high guess for prompts whose tokenizer stands elsewhere."""
    return -(-len(prompt.encode()) // 3)


@dataclass(slots=True)
class _Answer:
    """One answer, as far as it was handed out."""

    job: EngineJob
    attempt: str
    token_ids: list[int]
    text: str

    def finished(self, reason: Any) -> Finished:
        return Finished(
            id=self.job.id, text=self.text, token_ids=tuple(self.token_ids), reason=reason
        )


@dataclass(slots=True)
class _Running:
    """One life of the engine."""

    thread: threading.Thread
    loop: asyncio.AbstractEventLoop
    inner: RemoteLoop
    said: Queue[Said] = field(repr=False)

    def call(self, function: Callable[..., None], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop has just ended, and has forgotten all anyway
            self.loop.call_soon_threadsafe(function, *arguments)


class RemoteEngine:
    """Streams answers from a server; interrupted ones go on from their text."""

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
        self._running: _Running | None = None
        self._numbers = count()
        self._rate = Rate()
        self._answers: dict[str, _Answer] = {}
        self._job_ids: dict[str, str] = {}  # by attempt
        self._unread: list[Event] = []

    @property
    def num_slots(self) -> int:
        return self._settings.num_slots

    def start(self) -> None:
        """Never fails for want of a server: that is said by an `EngineDied`."""
        self.stop()
        said: Queue[Said] = Queue()
        ready: Queue[tuple[asyncio.AbstractEventLoop, RemoteLoop]] = Queue()
        policy, preemption = self._policy, self._preemption

        async def live() -> None:
            inner = RemoteLoop(
                self._settings,
                policy=policy,
                preemption=preemption,
                clock=self._clock,
                say=said.put,
            )
            ready.put((asyncio.get_running_loop(), inner))
            await inner.run()

        thread = threading.Thread(target=lambda: asyncio.run(live()), name="remote", daemon=True)
        thread.start()
        loop, inner = ready.get(timeout=STOP_TIMEOUT_SECONDS)
        self._rate = Rate()
        self._running = _Running(thread=thread, loop=loop, inner=inner, said=said)

    def stop(self) -> None:
        running, self._running = self._running, None
        self._answers.clear()
        self._job_ids.clear()
        self._unread = []
        if running is not None:
            running.call(running.inner.end)
            running.thread.join(STOP_TIMEOUT_SECONDS)

    def alive(self) -> bool:
        return self._running is not None and self._running.thread.is_alive()

    def ready(self) -> str:
        return ""

    def holds(self, request_id: str) -> bool:
        return request_id in self._answers or any(
            getattr(event, "id", None) == request_id for event in self._unread
        )

    def add(self, job: EngineJob) -> None:
        running = self._running
        if running is None or not running.thread.is_alive():
            raise EngineNotRunning("the engine is not running")
        if job.id in self._answers:
            raise ValueError(f"{job.id}: is here already")
        self._refuse_what_cannot_fit(job)
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
        running.call(running.inner.add, job, request)

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
            self._running.call(self._running.inner.update, replace(request, id=answer.attempt))

    def set_policy(self, policy: Policy, preemption: Preemption) -> None:
        self._policy, self._preemption = policy, preemption
        if self._running is not None:
            self._running.call(self._running.inner.set_policy, policy, preemption)

    def events(self, timeout_seconds: float) -> list[Event]:
        running = self._running
        if running is not None:
            for said in _drained(running.said, 0.0 if self._unread else timeout_seconds):
                self._hear(said)
            if self._running is not None and not running.thread.is_alive():
                self._hear(Said(attempt="", failed="the loop ended"))
        unread, self._unread = self._unread, []
        return unread

    def count_prompt_tokens(self, prompt: str) -> int:
        return self._count_tokens(prompt)

    def stats(self) -> dict[str, float]:
        running = self._running
        return {
            "slots_total": float(self.num_slots),
            "slots_used": float(running.inner.num_admitted if running else 0),
            "requests": float(len(self._answers)),
            "kv_blocks_total": 0.0,
            "kv_blocks_used": 0.0,
            "tokens_per_second": self._rate.per_second(self._clock()),
            "tokens": float(self._rate.total),
            "steps": float(running.inner.num_steps if running else 0),
        }

    def _refuse_what_cannot_fit(self, job: EngineJob) -> None:
        most = self._settings.max_context_tokens
        wanted = self._count_tokens(job.prompt) + job.max_new_tokens
        if most is not None and wanted > most:
            raise NeverFits(
                f"{job.id}: prompt and answer take {wanted} tokens, the server reads at most {most}"
            )

    def _hear(self, said: Said) -> None:
        if not said.attempt:
            unread = self._unread
            self.stop()
            self._unread = [*unread, EngineDied(reason=said.failed)]
            return
        job_id = self._job_ids.get(said.attempt)
        if job_id is None:  # released or cancelled since
            return
        answer = self._answers[job_id]
        if said.started:
            self._unread.append(Started(id=job_id))
        elif said.failed:
            self._drop(answer)
            self._unread.append(Failed(id=job_id, reason=said.failed))
        elif said.chunk is not None:
            self._hear_tokens(answer, said)

    def _hear_tokens(self, answer: _Answer, said: Said) -> None:
        chunk = said.chunk
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
        with self._running.said.mutex:
            return any(
                said.attempt == attempt and said.chunk is not None and said.chunk.end is not None
                for said in self._running.said.queue
            )

    def _drop(self, answer: _Answer) -> None:
        del self._answers[answer.job.id], self._job_ids[answer.attempt]
        if self._running is not None:
            self._running.call(self._running.inner.remove, answer.attempt)


def _drained(said: Queue[Said], timeout_seconds: float) -> list[Said]:
    heard: list[Said] = []
    with suppress(Empty):
        if timeout_seconds > 0:
            heard.append(said.get(timeout=timeout_seconds))
        while True:
            heard.append(said.get_nowait())
    return heard
