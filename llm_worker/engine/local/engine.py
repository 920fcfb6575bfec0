"""The local engine: continuous batching of `transformers` on this machine, in our order."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import count
from queue import Empty, Queue
from typing import Any, Final

import torch
from transformers import ContinuousBatchingConfig, GenerationConfig
from transformers.generation.continuous_batching.requests import RequestStatus

from llm_worker.engine.local.answers import AnswerBook, Output
from llm_worker.engine.local.batch_scheduler import PolicyScheduler, registered
from llm_worker.engine.local.ragged_attention import use_ragged_attention
from llm_worker.engine.local.settings import EngineSettings
from llm_worker.engine.protocol import (
    UNKNOWN_TOKEN,
    EngineDied,
    EngineJob,
    EngineNotRunning,
    Event,
    Failed,
    Released,
    Started,
)
from scheduling.core.policies import POLICIES, Policy, Preemption
from scheduling.core.request import Request
from scheduling.core.scheduler import NeverFits

STOP_TIMEOUT_SECONDS: Final = 10.0
_SCHEDULER_NUMBERS: Final = count()


class LocalEngine:
    """One model on one machine. Greedy, so that an answer does not depend on interruptions.

    `encode` turns a prompt into token ids, template included. `clock` gives seconds on
    the scale of the requests' arrival and due times. The library's loop runs in a thread
    of its own; everything here but `stats` and `alive` belongs to the caller's one thread.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        encode: Callable[[str], list[int]],
        clock: Callable[[], float],
        settings: EngineSettings,
        policy: Policy = POLICIES["semantic"],
        preemption: Preemption = Preemption.LEVEL,
    ) -> None:
        self._model, self._tokenizer = model, tokenizer
        self._encode, self._clock, self._settings = encode, clock, settings
        self._policy, self._preemption = policy, preemption
        self._eos_ids = frozenset(_eos_ids(model, tokenizer))
        self._book = AnswerBook(tokenizer, self._eos_ids)
        self._num_tokens_known = int(model.get_input_embeddings().weight.shape[0])
        self._attention = model.config._attn_implementation
        self._manager: Any = None
        self._scheduler: PolicyScheduler | None = None
        self._outputs: Queue[Output] = Queue()
        self._unread: list[Event] = []

    @property
    def num_slots(self) -> int:
        return self._settings.num_slots

    # Life and death.

    def start(self) -> None:
        """Raises MemoryError when there is no room for the KV cache."""
        self.stop()
        try:
            manager = self._new_manager()
            if self._model.device.type == "cuda":
                manager.warmup()
        except BaseException:
            self._give_model_back()
            raise
        # The library's own `start`, but for a thread that does not outlive the process.
        manager.background_thread_status.clear()
        manager._generation_thread = threading.Thread(
            target=manager._run_generation_loop, name="engine-loop", daemon=True
        )
        manager._generation_thread.start()
        self._manager = manager

    def _new_manager(self) -> Any:
        name = f"triage_policy_{next(_SCHEDULER_NUMBERS)}"
        with registered(
            name,
            page_tokens=self._settings.page_tokens,
            policy=self._policy,
            preemption=self._preemption,
            clock=self._clock,
            on_started=self._on_started,
        ):
            manager = self._model.init_continuous_batching(
                generation_config=self._generation_config(),
                continuous_batching_config=self._batching_config(name),
            )
            use_ragged_attention(self._model)
            # Made here, not in the loop, so that want of memory is said to the caller.
            manager.batch_processor = manager._create_batch_processor()
        scheduler = manager.batch_processor.scheduler
        if not isinstance(scheduler, PolicyScheduler):  # the library falls back to FIFO
            raise RuntimeError(f"the library took {type(scheduler).__name__} as its scheduler")
        self._scheduler = scheduler
        self._outputs = manager.output_router.output_queue
        return manager

    def stop(self) -> None:
        manager, self._manager = self._manager, None
        self._scheduler = None  # it holds the KV cache, which must go before another comes
        self._book.clear()
        self._unread = []
        if manager is None:
            return
        manager.stop(block=True, timeout=STOP_TIMEOUT_SECONDS, hard_stop=True)
        del manager
        self._give_model_back()

    def _give_model_back(self) -> None:
        self._scheduler = None
        if self._model.config._attn_implementation != self._attention:
            self._model.set_attn_implementation(self._attention)
        if self._model.device.type == "cuda":
            gc.collect()
            torch.cuda.empty_cache()

    def alive(self) -> bool:
        return _is_alive(self._manager)

    def ready(self) -> str:
        return ""  # what can be wrong with a model is found when it is loaded and started

    def holds(self, request_id: str) -> bool:
        return self._book.get(request_id) is not None or any(
            getattr(event, "id", None) == request_id for event in self._unread
        )

    # Requests.

    def add(self, job: EngineJob) -> None:
        scheduler = self._scheduler
        if scheduler is None or not self.alive():
            raise EngineNotRunning("the engine is not running")
        if self._book.get(job.id) is not None:
            raise ValueError(f"{job.id}: is here already")
        try:
            prompt_ids, prefix_ids = self._checked_ids(job)
        except Exception as error:  # whatever is wrong with this prompt is no one else's fault
            self._unread.append(Failed(id=job.id, reason=str(error)))
            return
        self._refuse_what_cannot_fit(job, len(prompt_ids), scheduler.num_kv_tokens)
        answer = self._book.new(job, prefix_ids)
        if len(prefix_ids) >= job.max_new_tokens:
            self._unread.append(answer.finished("length"))
            return
        scheduler.expect(
            replace(
                job.request,
                id=answer.library_id,
                prompt_tokens=len(prompt_ids),
                generated_tokens=len(prefix_ids),
            )
        )
        taken = self._manager.add_request(
            [*prompt_ids, *prefix_ids],
            request_id=answer.library_id,
            max_new_tokens=job.max_new_tokens - len(prefix_ids),
            streaming=True,
            eos_token_id=list(self._eos_ids),
        )
        if taken is None:
            raise EngineNotRunning("the engine's loop has ended")
        self._book.put(answer)

    def release(self, request_id: str) -> Released | None:
        answer = self._book.get(request_id)
        if answer is None or self._has_ended(answer.library_id):
            return None
        self._book.drop(answer)
        self._manager.cancel_request(answer.library_id)
        return Released(id=request_id, token_ids=tuple(answer.token_ids), text=answer.text)

    def cancel(self, request_id: str) -> None:
        self._unread = [e for e in self._unread if getattr(e, "id", None) != request_id]
        answer = self._book.get(request_id)
        if answer is not None:
            self._book.drop(answer)
            self._manager.cancel_request(answer.library_id)

    def update(self, request: Request) -> None:
        answer = self._book.get(request.id)
        if answer is not None and self._scheduler is not None:
            self._scheduler.update(replace(request, id=answer.library_id))

    def set_policy(self, policy: Policy, preemption: Preemption) -> None:
        self._policy, self._preemption = policy, preemption
        if self._scheduler is not None:
            self._scheduler.set_policy(policy, preemption)

    # What came of them.

    def events(self, timeout_seconds: float) -> list[Event]:
        if self._manager is not None:
            wait = 0.0 if self._unread else timeout_seconds
            self._read(wait)
            if not self.alive():
                self._read(0.0)
                self._say_died()
        unread, self._unread = self._unread, []
        return unread

    def count_prompt_tokens(self, prompt: str) -> int:
        return len(self._encode(prompt))

    def stats(self) -> dict[str, float]:
        scheduler = self._scheduler
        inside = scheduler.stats() if scheduler is not None else {}
        return {
            "slots_total": float(self.num_slots),
            "slots_used": inside.get("slots_used", 0.0),
            "requests": float(len(self._book)),
            "kv_blocks_total": inside.get("kv_blocks_total", 0.0),
            "kv_blocks_used": inside.get("kv_blocks_used", 0.0),
            "tokens_per_second": self._book.rate.per_second(self._clock()),
            "tokens": float(self._book.rate.total),
            "steps": inside.get("steps", 0.0),
        }

    # Inside: configuration.

    def _generation_config(self) -> GenerationConfig:
        return GenerationConfig(  # type: ignore[no-untyped-call]
            do_sample=False, eos_token_id=list(self._eos_ids) or -1, pad_token_id=0
        )

    def _batching_config(self, scheduler_name: str) -> ContinuousBatchingConfig:
        settings = self._settings
        return ContinuousBatchingConfig(
            scheduler_type=scheduler_name,
            page_size=settings.page_tokens,
            num_blocks=settings.num_blocks,
            max_batch_tokens=settings.max_batch_tokens,
            max_memory_percent=settings.memory_fraction,
            max_requests_per_batch=settings.num_slots,
            safety_margin=0.0,
            seed=0,
        )

    # Inside: taking a job.

    def _checked_ids(self, job: EngineJob) -> tuple[list[int], list[int]]:
        """Prompt and prefix as ids. Raises ValueError: an id that the model does not know
        would end the loop, and with it every other answer."""
        prompt_ids = self._encode(job.prompt)
        if not prompt_ids:
            raise ValueError("the prompt is empty")
        prefix_ids = list(job.prefix_token_ids)
        if UNKNOWN_TOKEN in prefix_ids:
            prefix_ids = self._tokenizer.encode(job.prefix_text, add_special_tokens=False)
        unknown = [i for i in (*prompt_ids, *prefix_ids) if not 0 <= i < self._num_tokens_known]
        if unknown:
            raise ValueError(f"the model knows no token {unknown[0]}")
        return prompt_ids, prefix_ids

    def _refuse_what_cannot_fit(
        self, job: EngineJob, num_prompt_tokens: int, num_kv_tokens: int
    ) -> None:
        wanted = num_prompt_tokens + job.max_new_tokens
        spare = 2  # the token being made, and one in flight
        room = num_kv_tokens - spare
        positions = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        if wanted > room:
            raise NeverFits(
                f"{job.id}: prompt ({num_prompt_tokens}) and answer ({job.max_new_tokens}) take "
                f"{wanted} tokens, there is KV memory for {room}"
            )
        if positions is not None and wanted > positions:
            raise NeverFits(
                f"{job.id}: prompt ({num_prompt_tokens}) and answer ({job.max_new_tokens}) take "
                f"{wanted} tokens, the model reads at most {positions}"
            )

    # Inside: reading what the loop says.

    def _on_started(self, library_id: str) -> None:
        """Called by the loop: goes through the one queue, so that it precedes the tokens."""
        self._outputs.put(Started(id=library_id))

    def _read(self, timeout_seconds: float) -> None:
        outputs: list[Output] = []
        with suppress(Empty):
            if timeout_seconds > 0:
                outputs.append(self._outputs.get(timeout=timeout_seconds))
            while True:
                outputs.append(self._outputs.get_nowait())
        self._unread.extend(self._book.read(outputs, self._clock(), is_alive=self.alive))

    def _say_died(self) -> None:
        error = self._manager.background_thread_status.fatal_error
        unread = self._unread
        self.stop()
        self._unread = [*unread, EngineDied(reason=str(error or "the loop ended"))]

    def _has_ended(self, library_id: str) -> bool:
        with self._outputs.mutex:
            return any(
                not isinstance(output, Started)
                and output.request_id == library_id
                and output.status == RequestStatus.FINISHED
                for output in self._outputs.queue
            )


def _is_alive(manager: Any) -> bool:
    """Running and not about to end: a loop that dies says so before its requests fail."""
    return (
        manager is not None
        and manager.is_running()
        and manager.background_thread_status.can_accept_new_requests() is None
    )


def _eos_ids(model: Any, tokenizer: Any) -> Iterator[int]:
    """Every token that ends an answer, by the model's and by the tokenizer's account."""
    for owner in (model.generation_config, tokenizer):
        ids = getattr(owner, "eos_token_id", None)
        if ids is not None:
            yield from [ids] if isinstance(ids, int) else ids
