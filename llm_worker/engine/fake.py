"""An engine without a model: real slots and order, words from a checksum, time as an argument."""

from __future__ import annotations

from collections.abc import Callable
from zlib import crc32

from llm_worker.engine.protocol import (
    EngineFailed,
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


def fake_token_ids(prompt: str, num_tokens: int) -> tuple[int, ...]:
    """The first `num_tokens` token ids of the answer to `prompt`. Always the same for a prompt."""
    return tuple(crc32(f"{prompt}{i}".encode()) % len(WORDS) for i in range(num_tokens))


def fake_text(token_ids: tuple[int, ...]) -> str:
    return " ".join(WORDS[token_id] for token_id in token_ids)


def _answer_length(job: EngineJob) -> int:
    return 5 + crc32(job.prompt.encode()) % 20


def _is_among(events: list[Event], request_id: str) -> bool:
    return any(getattr(event, "id", None) == request_id for event in events)


class FakeEngine:
    """Replaces a real engine in tests.

    A step gives each slot one token. With `step_on_events` (the default) each call of
    `events` first calls `sleep` and then makes one step. It sleeps for `step_seconds`, or
    for the timeout when no request is present. Without it, only `step` makes steps.
    `clock` gives the time for deadlines. `answer_length` gives the tokens of a job's answer.
    """

    def __init__(
        self,
        *,
        num_slots: int = 8,
        num_ahead: int = 0,
        clock: Callable[[], float] = lambda: 0.0,
        sleep: Callable[[float], None] = lambda seconds: None,
        step_seconds: float = 0.0,
        step_on_events: bool = True,
        answer_length: Callable[[EngineJob], int] = _answer_length,
        policy: Policy = POLICIES["semantic"],
        preemption: Preemption = Preemption.LEVEL,
        kv: tuple[int, int] | None = None,
    ) -> None:
        """`kv` is (number of blocks, tokens per block), or None for unlimited memory."""
        self._num_slots = num_slots
        self._num_ahead = num_ahead
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
        self._reset()

    @property
    def num_slots(self) -> int:
        return self._num_slots

    @property
    def num_ahead(self) -> int:
        return self._num_ahead

    def start(self) -> None:
        self._reset()
        self._unread.clear()
        self._alive = True

    def stop(self) -> None:
        self._reset()
        self._alive = False

    def alive(self) -> bool:
        return self._alive

    def ready(self) -> str:
        return self.problem

    def holds(self, request_id: str) -> bool:
        return request_id in self._jobs or _is_among(self._unread, request_id)

    def waiting(self) -> frozenset[str]:
        return frozenset(self._jobs) - {request.id for request in self._scheduler.running}

    def add(self, job: EngineJob) -> None:
        if not self._alive:
            raise EngineNotRunning("the engine is not running")
        if job.id in self._jobs:
            raise ValueError(f"{job.id}: the engine already has this id")
        self._check_fits(job)
        self._scheduler.add(self._with_progress(job, len(job.prefix_token_ids)))
        self._jobs[job.id] = job
        self._num_delivered[job.id] = self._num_generated[job.id] = len(job.prefix_token_ids)

    def release(self, request_id: str) -> Released | None:
        if request_id not in self._jobs:
            return None
        ids = self._answer(request_id)[: self._num_delivered[request_id]]
        self.cancel(request_id)
        return Released(id=request_id, token_ids=ids, text=fake_text(ids))

    def cancel(self, request_id: str) -> None:
        if request_id in self._jobs:
            self._remove(request_id)
        self._unread = [e for e in self._unread if getattr(e, "id", None) != request_id]

    def update(self, request: Request) -> None:
        if request.id in self._jobs:
            self._scheduler.update(request.with_progress(self._num_generated[request.id]))

    def set_policy(self, policy: Policy, preemption: Preemption) -> None:
        self._policy, self._preemption = policy, preemption
        self._scheduler.set_policy(policy, preemption)

    def events(self, timeout_seconds: float) -> list[Event]:
        if self._step_on_events and self._alive:
            self._sleep(self._step_seconds if self._jobs else timeout_seconds)
            self.step()
        unread, self._unread = self._unread, []
        for event in unread:
            if isinstance(event, TokensOut) and event.id in self._num_delivered:
                self._num_delivered[event.id] = event.num_generated
        return unread

    def count_prompt_tokens(self, prompt: str) -> int:
        return len(prompt.split())

    def stats(self) -> dict[str, float]:
        rate = len(self._scheduler.running) / self._step_seconds if self._step_seconds else 0.0
        return {
            "slots_total": float(self._num_slots),
            "slots_used": float(len(self._scheduler.running)),
            "requests": float(len(self._jobs)),
            "kv_blocks_total": float(self._kv.num_blocks if self._kv else 0),
            "kv_blocks_used": float(self._kv.num_blocks - self._kv.num_free if self._kv else 0),
            "tokens_per_second": rate,
            "tokens": float(self._num_tokens),
            "steps": float(self._num_steps),
        }

    def step(self) -> None:
        """Schedules requests on slots and generates one token for each slot."""
        now = self._clock()
        self._scheduler.schedule(now)
        running = [request.id for request in self._scheduler.running]
        self._num_steps += bool(running)
        grown: dict[str, int] = {}
        for request_id in running:
            if request_id not in self._started:
                self._started.add(request_id)
                self._unread.append(Started(id=request_id))
            self._generate_token(request_id)
            if request_id in self._jobs:
                grown[request_id] = self._num_generated[request_id]
        self._scheduler.advance(grown, now)

    def fail(self, request_id: str, reason: str) -> None:
        """Makes this request fail. The others continue."""
        self._remove(request_id)
        self._unread.append(Failed(id=request_id, reason=reason))

    def fail_engine(self, reason: str) -> None:
        """Makes the whole engine fail."""
        self._alive = False
        self._reset()
        self._unread.append(EngineFailed(reason=reason))

    def _reset(self) -> None:
        self._jobs: dict[str, EngineJob] = {}
        self._num_generated: dict[str, int] = {}  # tokens, including the prefix
        self._num_delivered: dict[str, int] = {}  # tokens that `events` has returned
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

    def _check_fits(self, job: EngineJob) -> None:
        needed = self.count_prompt_tokens(job.prompt) + job.max_new_tokens
        if self._kv is not None and self._kv.blocks_for(needed) > self._kv.num_blocks:
            raise NeverFits(
                f"{job.id}: prompt and answer need {needed} tokens, the KV memory holds "
                f"{self._kv.num_blocks * self._kv.block_tokens}"
            )

    def _with_progress(self, job: EngineJob, num_generated: int) -> Request:
        return job.request.with_progress(num_generated)

    def _answer(self, request_id: str) -> tuple[int, ...]:
        job = self._jobs[request_id]
        return fake_token_ids(job.prompt, min(self._answer_length(job), job.max_new_tokens))

    def _generate_token(self, request_id: str) -> None:
        answer, old = self._answer(request_id), self._num_generated[request_id]
        if old < len(answer):
            text = fake_text(answer[old : old + 1])
            self._num_generated[request_id] = old + 1
            self._num_tokens += 1
            self._unread.append(
                TokensOut(
                    id=request_id,
                    text_delta=f" {text}" if old else text,
                    token_ids=answer[old : old + 1],
                    num_generated=old + 1,
                )
            )
        if self._num_generated[request_id] >= len(answer):
            job = self._jobs[request_id]
            self._remove(request_id)
            self._unread.append(
                Finished(
                    id=request_id,
                    text=fake_text(answer),
                    token_ids=answer,
                    reason="eos" if self._answer_length(job) <= len(answer) else "length",
                )
            )

    def _remove(self, request_id: str) -> None:
        self._scheduler.remove(request_id)
        self._started.discard(request_id)
        del self._jobs[request_id], self._num_generated[request_id], self._num_delivered[request_id]
