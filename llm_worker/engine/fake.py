"""An arithmetic engine: the same slots and order, words from a checksum, time passed in."""

from __future__ import annotations

from collections.abc import Callable
from zlib import crc32

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
from scheduling.core.kv_blocks import KVBlocks
from scheduling.core.policies import POLICIES, Policy, Preemption
from scheduling.core.request import Request
from scheduling.core.scheduler import NeverFits, Scheduler

WORDS = ("airway", "breathing", "pulse", "oxygen", "monitor", "access", "fluids", "review")


def words_of(prompt: str, num_tokens: int) -> tuple[int, ...]:
    """Token ids of the answer to `prompt`: the same each time, and one per step."""
    return tuple(crc32(f"{prompt}{i}".encode()) % len(WORDS) for i in range(num_tokens))


def text_of(token_ids: tuple[int, ...]) -> str:
    return " ".join(WORDS[token_id] for token_id in token_ids)


def _answer_length(job: EngineJob) -> int:
    return 5 + crc32(job.prompt.encode()) % 20


def _is_among(events: list[Event], request_id: str) -> bool:
    return any(getattr(event, "id", None) == request_id for event in events)


class FakeEngine:
    """Stands in for a model in tests of whatever drives an engine.

    A step gives each slot one token. With `step_on_events` (the default) each call of
    `events` first makes one step, and calls `sleep` with the step's time, or with its
    own time-out when no slot is taken; without it nothing moves until `step` is called.
    `clock` orders by due times, `answer_length` says how many tokens a job's answer has.
    """

    def __init__(
        self,
        *,
        num_slots: int = 8,
        clock: Callable[[], float] = lambda: 0.0,
        sleep: Callable[[float], None] = lambda seconds: None,
        step_seconds: float = 0.0,
        step_on_events: bool = True,
        answer_length: Callable[[EngineJob], int] = _answer_length,
        policy: Policy = POLICIES["semantic"],
        preemption: Preemption = Preemption.LEVEL,
        kv: tuple[int, int] | None = None,
    ) -> None:
        """`kv` is (number of blocks, tokens per block), or None for memory without end."""
        self._num_slots = num_slots
        self._clock = clock
        self._sleep = sleep
        self._step_seconds = step_seconds
        self._step_on_events = step_on_events
        self._answer_length = answer_length
        self._policy, self._preemption = policy, preemption
        self._kv_shape = kv
        self._alive = False
        self.problem = ""  # what `ready` says
        self._unread: list[Event] = []
        self._forget()

    @property
    def num_slots(self) -> int:
        return self._num_slots

    def start(self) -> None:
        self._forget()
        self._unread.clear()
        self._alive = True

    def stop(self) -> None:
        self._forget()
        self._alive = False

    def alive(self) -> bool:
        return self._alive

    def ready(self) -> str:
        return self.problem

    def holds(self, request_id: str) -> bool:
        return request_id in self._jobs or _is_among(self._unread, request_id)

    def add(self, job: EngineJob) -> None:
        if not self._alive:
            raise EngineNotRunning("the engine is not running")
        if job.id in self._jobs:
            raise ValueError(f"{job.id}: is here already")
        self._refuse_what_cannot_fit(job)
        self._scheduler.add(self._counted(job, len(job.prefix_token_ids)))
        self._jobs[job.id] = job
        self._told[job.id] = self._written[job.id] = len(job.prefix_token_ids)

    def release(self, request_id: str) -> Released | None:
        if request_id not in self._jobs:
            return None
        ids = self._answer(request_id)[: self._told[request_id]]
        self.cancel(request_id)
        return Released(id=request_id, token_ids=ids, text=text_of(ids))

    def cancel(self, request_id: str) -> None:
        if request_id in self._jobs:
            self._remove(request_id)
        self._unread = [e for e in self._unread if getattr(e, "id", None) != request_id]

    def update(self, request: Request) -> None:
        if request.id in self._jobs:
            self._scheduler.update(request.with_progress(self._written[request.id]))

    def set_policy(self, policy: Policy, preemption: Preemption) -> None:
        self._policy, self._preemption = policy, preemption
        self._scheduler.set_policy(policy, preemption)

    def events(self, timeout_seconds: float) -> list[Event]:
        if self._step_on_events and self._alive:
            self._sleep(self._step_seconds if self._jobs else timeout_seconds)
            self.step()
        unread, self._unread = self._unread, []
        for event in unread:
            if isinstance(event, TokensOut) and event.id in self._told:
                self._told[event.id] = event.num_generated
        return unread

    def count_prompt_tokens(self, prompt: str) -> int:
        return len(prompt.split())

    def stats(self) -> dict[str, float]:
        pace = len(self._scheduler.running) / self._step_seconds if self._step_seconds else 0.0
        return {
            "slots_total": float(self._num_slots),
            "slots_used": float(len(self._scheduler.running)),
            "requests": float(len(self._jobs)),
            "kv_blocks_total": float(self._kv.num_blocks if self._kv else 0),
            "kv_blocks_used": float(self._kv.num_blocks - self._kv.num_free if self._kv else 0),
            "tokens_per_second": pace,
            "tokens": float(self._num_tokens),
            "steps": float(self._num_steps),
        }

    def step(self) -> None:
        """One token for every slot, slots given out by the core's scheduler first."""
        now = self._clock()
        self._scheduler.schedule(now)
        running = [request.id for request in self._scheduler.running]
        self._num_steps += bool(running)
        grown: dict[str, int] = {}
        for request_id in running:
            if request_id not in self._started:
                self._started.add(request_id)
                self._unread.append(Started(id=request_id))
            self._write_one(request_id)
            if request_id in self._jobs:
                grown[request_id] = self._written[request_id]
        self._scheduler.advance(grown, now)

    def fail(self, request_id: str, reason: str) -> None:
        """This request fails now; the others go on."""
        self._remove(request_id)
        self._unread.append(Failed(id=request_id, reason=reason))

    def die(self, reason: str) -> None:
        """The whole loop dies now."""
        self._alive = False
        self._forget()
        self._unread.append(EngineDied(reason=reason))

    def _forget(self) -> None:
        self._jobs: dict[str, EngineJob] = {}
        self._written: dict[str, int] = {}  # tokens, prefix included
        self._told: dict[str, int] = {}  # of those, handed out by `events`
        self._started: set[str] = set()
        self._num_steps = self._num_tokens = 0
        self._scheduler = self._new_scheduler()

    def _new_scheduler(self) -> Scheduler:
        shape = self._kv_shape
        self._kv = KVBlocks(num_blocks=shape[0], block_tokens=shape[1]) if shape else None
        return Scheduler(
            policy=self._policy,
            num_slots=self._num_slots,
            kv=self._kv,
            preemption=self._preemption,
        )

    def _refuse_what_cannot_fit(self, job: EngineJob) -> None:
        wanted = self.count_prompt_tokens(job.prompt) + job.max_new_tokens
        if self._kv is not None and self._kv.blocks_for(wanted) > self._kv.num_blocks:
            raise NeverFits(
                f"{job.id}: prompt and answer take {wanted} tokens, there is KV memory for "
                f"{self._kv.num_blocks * self._kv.block_tokens}"
            )

    def _counted(self, job: EngineJob, num_written: int) -> Request:
        return job.request.with_progress(num_written)

    def _answer(self, request_id: str) -> tuple[int, ...]:
        job = self._jobs[request_id]
        return words_of(job.prompt, min(self._answer_length(job), job.max_new_tokens))

    def _write_one(self, request_id: str) -> None:
        answer, old = self._answer(request_id), self._written[request_id]
        if old < len(answer):
            text = text_of(answer[old : old + 1])
            self._written[request_id] = old + 1
            self._num_tokens += 1
            self._unread.append(
                TokensOut(
                    id=request_id,
                    text_delta=f" {text}" if old else text,
                    token_ids=answer[old : old + 1],
                    num_generated=old + 1,
                )
            )
        if self._written[request_id] >= len(answer):
            job = self._jobs[request_id]
            self._remove(request_id)
            self._unread.append(
                Finished(
                    id=request_id,
                    text=text_of(answer),
                    token_ids=answer,
                    reason="eos" if self._answer_length(job) <= len(answer) else "length",
                )
            )

    def _remove(self, request_id: str) -> None:
        self._scheduler.remove(request_id)
        self._started.discard(request_id)
        del self._jobs[request_id], self._written[request_id], self._told[request_id]
