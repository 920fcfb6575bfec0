"""The local engine: continuous batching of `transformers` in the order of our policy."""

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

from llm_worker.engine.local.answers import OpenAnswers, Output
from llm_worker.engine.local.batch_scheduler import PolicyScheduler, registered
from llm_worker.engine.local.constrained import Walker
from llm_worker.engine.local.form_processor import FormProcessor
from llm_worker.engine.local.ragged_attention import use_ragged_attention
from llm_worker.engine.local.settings import EngineSettings
from llm_worker.engine.protocol import (
    UNKNOWN_TOKEN,
    EngineFailed,
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
    """One model on one machine, with greedy decoding: interruptions do not change an answer.

    `encode` converts a prompt to token ids, with the chat template. `form`, if given, makes the
    walker that says which tokens an answer may have. `clock` gives seconds on the scale of the
    requests' arrivals and deadlines. The library's loop runs in its own thread. One caller's
    thread must call all methods except `stats` and `alive`.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        encode: Callable[[str], list[int]],
        clock: Callable[[], float],
        settings: EngineSettings,
        form: Callable[[str, int], Walker] | None = None,
        policy: Policy = POLICIES["semantic"],
        preemption: Preemption = Preemption.LEVEL,
    ) -> None:
        self._model, self._tokenizer = model, tokenizer
        self._encode, self._clock, self._settings = encode, clock, settings
        self._form, self._processor = form, FormProcessor()
        self._policy, self._preemption = policy, preemption
        self._eos_ids = frozenset(_eos_ids(model, tokenizer))
        self._answers = OpenAnswers(tokenizer, self._eos_ids)
        self._vocabulary_size = int(model.get_input_embeddings().weight.shape[0])
        self._attention = model.config._attn_implementation
        self._manager: Any = None
        self._scheduler: PolicyScheduler | None = None
        self._outputs: Queue[Output] = Queue()
        self._unread: list[Event] = []

    @property
    def num_slots(self) -> int:
        return self._settings.num_slots

    @property
    def num_ahead(self) -> int:
        return 0

    # Start and stop.

    def start(self) -> None:
        """Raises MemoryError when the KV cache does not fit into memory."""
        self.stop()
        try:
            manager = self._new_manager()
            if self._model.device.type == "cuda":
                manager.warmup()
        except BaseException:
            self._restore_model()
            raise
        # Same as the library's `start`, but with a daemon thread.
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
            if self._form is not None:
                manager.logit_processor = self._processor.as_list()
            # Created here and not in the loop, so that the caller gets a MemoryError.
            manager.batch_processor = manager._create_batch_processor()
        scheduler = manager.batch_processor.scheduler
        if not isinstance(scheduler, PolicyScheduler):  # the library falls back to FIFO
            raise RuntimeError(f"the library took {type(scheduler).__name__} as its scheduler")
        self._scheduler = scheduler
        self._outputs = manager.output_router.output_queue
        return manager

    def stop(self) -> None:
        manager, self._manager = self._manager, None
        self._scheduler = None  # it holds the KV cache, which must be freed before a new one
        self._answers.clear()
        self._unread = []
        if manager is None:
            return
        manager.stop(block=True, timeout=STOP_TIMEOUT_SECONDS, hard_stop=True)
        del manager
        self._restore_model()

    def _restore_model(self) -> None:
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
        return self._answers.get(request_id) is not None or any(
            getattr(event, "id", None) == request_id for event in self._unread
        )

    def waiting(self) -> frozenset[str]:
        """None: the loop adds no more requests than there are slots."""
        return frozenset()

    # Requests.

    def add(self, job: EngineJob) -> None:
        scheduler = self._scheduler
        if scheduler is None or not self.alive():
            raise EngineNotRunning("the engine is not running")
        if self._answers.get(job.id) is not None:
            raise ValueError(f"{job.id}: the engine already has this id")
        try:
            prompt_ids, prefix_ids = self._encode_job(job)
        except Exception as error:  # an error of this prompt must not affect other requests
            self._unread.append(Failed(id=job.id, reason=str(error)))
            return
        self._check_fits(job, len(prompt_ids), scheduler.num_kv_tokens)
        answer = self._answers.new(job, prefix_ids)
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
        if self._form is not None:
            walker = self._form(job.prompt, len(prompt_ids))
            self._processor.add(answer.library_id, walker, self._answers.library_ids())
        accepted = self._manager.add_request(
            [*prompt_ids, *prefix_ids],
            request_id=answer.library_id,
            max_new_tokens=job.max_new_tokens - len(prefix_ids),
            streaming=True,
            eos_token_id=list(self._eos_ids),
        )
        if accepted is None:
            raise EngineNotRunning("the loop of the engine has ended")
        self._answers.add(answer)

    def release(self, request_id: str) -> Released | None:
        answer = self._answers.get(request_id)
        if answer is None or self._has_ended(answer.library_id):
            return None
        self._answers.remove(answer)
        self._manager.cancel_request(answer.library_id)
        return Released(id=request_id, token_ids=tuple(answer.token_ids), text=answer.text)

    def cancel(self, request_id: str) -> None:
        self._unread = [e for e in self._unread if getattr(e, "id", None) != request_id]
        answer = self._answers.get(request_id)
        if answer is not None:
            self._answers.remove(answer)
            self._manager.cancel_request(answer.library_id)

    def update(self, request: Request) -> None:
        answer = self._answers.get(request.id)
        if answer is not None and self._scheduler is not None:
            self._scheduler.update(replace(request, id=answer.library_id))

    def set_policy(self, policy: Policy, preemption: Preemption) -> None:
        self._policy, self._preemption = policy, preemption
        if self._scheduler is not None:
            self._scheduler.set_policy(policy, preemption)

    # Events and figures.

    def events(self, timeout_seconds: float) -> list[Event]:
        if self._manager is not None:
            wait = 0.0 if self._unread else timeout_seconds
            self._read_outputs(wait)
            if not self.alive():
                self._read_outputs(0.0)
                self._report_engine_failure()
        unread, self._unread = self._unread, []
        return unread

    def count_prompt_tokens(self, prompt: str) -> int:
        return len(self._encode(prompt))

    def stats(self) -> dict[str, float]:
        scheduler = self._scheduler
        figures = scheduler.stats() if scheduler is not None else {}
        return {
            "slots_total": float(self.num_slots),
            "slots_used": figures.get("slots_used", 0.0),
            "requests": float(len(self._answers)),
            "kv_blocks_total": figures.get("kv_blocks_total", 0.0),
            "kv_blocks_used": figures.get("kv_blocks_used", 0.0),
            "tokens_per_second": self._answers.rate.per_second(self._clock()),
            "tokens": float(self._answers.rate.total),
            "steps": figures.get("steps", 0.0),
        }

    # Internal: configuration.

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
            # A form needs each token before the next step.
            use_async_batching=None if self._form is None else False,
            use_cuda_graph=None if self._form is None else False,
        )

    # Internal: adding a job.

    def _encode_job(self, job: EngineJob) -> tuple[list[int], list[int]]:
        """Token ids of prompt and prefix. Raises ValueError for an id outside the vocabulary:
        it would end the loop and all other answers."""
        prompt_ids = self._encode(job.prompt)
        if not prompt_ids:
            raise ValueError("the prompt is empty")
        prefix_ids = list(job.prefix_token_ids)
        if UNKNOWN_TOKEN in prefix_ids:
            prefix_ids = self._tokenizer.encode(job.prefix_text, add_special_tokens=False)
        unknown = [i for i in (*prompt_ids, *prefix_ids) if not 0 <= i < self._vocabulary_size]
        if unknown:
            raise ValueError(f"token id {unknown[0]} is not in the model's vocabulary")
        return prompt_ids, prefix_ids

    def _check_fits(self, job: EngineJob, num_prompt_tokens: int, num_kv_tokens: int) -> None:
        needed = num_prompt_tokens + job.max_new_tokens
        spare = 2  # the next token, and one in flight
        room = num_kv_tokens - spare
        positions = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        if needed > room:
            raise NeverFits(
                f"{job.id}: prompt ({num_prompt_tokens}) and answer ({job.max_new_tokens}) need "
                f"{needed} tokens, the KV memory holds {room}"
            )
        if positions is not None and needed > positions:
            raise NeverFits(
                f"{job.id}: prompt ({num_prompt_tokens}) and answer ({job.max_new_tokens}) need "
                f"{needed} tokens, the context of the model has {positions}"
            )

    # Internal: output of the loop.

    def _on_started(self, library_id: str) -> None:
        """Called by the loop. Uses the output queue, so that it comes before the tokens."""
        self._outputs.put(Started(id=library_id))

    def _read_outputs(self, timeout_seconds: float) -> None:
        outputs: list[Output] = []
        with suppress(Empty):
            if timeout_seconds > 0:
                outputs.append(self._outputs.get(timeout=timeout_seconds))
            while True:
                outputs.append(self._outputs.get_nowait())
        self._unread.extend(self._answers.to_events(outputs, self._clock(), is_alive=self.alive))

    def _report_engine_failure(self) -> None:
        error = self._manager.background_thread_status.fatal_error
        unread = self._unread
        self.stop()
        self._unread = [*unread, EngineFailed(reason=str(error or "the loop ended"))]

    def _has_ended(self, library_id: str) -> bool:
        with self._outputs.mutex:
            return any(
                not isinstance(output, Started)
                and output.request_id == library_id
                and output.status == RequestStatus.FINISHED
                for output in self._outputs.queue
            )


def _is_alive(manager: Any) -> bool:
    """True while the loop runs. A failing loop reports its error before its requests fail."""
    return (
        manager is not None
        and manager.is_running()
        and manager.background_thread_status.can_accept_new_requests() is None
    )


def _eos_ids(model: Any, tokenizer: Any) -> Iterator[int]:
    """All tokens that end an answer, for the model or for the tokenizer."""
    for owner in (model.generation_config, tokenizer):
        ids = getattr(owner, "eos_token_id", None)
        if ids is not None:
            yield from [ids] if isinstance(ids, int) else ids
