"""The scheduler that gives our order to the continuous batching of `transformers`.

Before each step the library calls its scheduler, which chooses the requests of the batch.
`PolicyScheduler` gets this decision from the core: which requests run, in which order, and
which give up their KV memory. The library chooses the tokens of the batch.

All ids here are request ids of the library. The engine makes them unique.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Final

from transformers.generation.continuous_batching.requests import (
    FutureRequestState,
    RequestState,
    RequestStatus,
)
from transformers.generation.continuous_batching.scheduler import SCHEDULER_MAPPING
from transformers.generation.continuous_batching.scheduler import Scheduler as LibraryScheduler

from scheduling.core.kv_blocks import KVBlocks
from scheduling.core.policies import Policy, Preemption, rank
from scheduling.core.request import Request
from scheduling.core.scheduler import Scheduler

Scheduled = tuple[list[FutureRequestState] | None, bool, int, int]

# While a batch is in flight the library counts one token more than it has reported.
IN_FLIGHT_TOKENS: Final = 1


class PolicyScheduler(LibraryScheduler):
    """Ranks by policy. Admits, preempts and evicts as `scheduling.core` decides.

    Call `expect` with a request before the library gets it. `expect`, `update`, `set_policy`,
    `stats` and `num_kv_tokens` may be called from any thread.
    """

    def __init__(
        self,
        cache: Any,
        safety_margin: float | None,
        max_requests_per_batch: int,
        *,
        page_tokens: int,
        policy: Policy,
        preemption: Preemption,
        clock: Callable[[], float],
        on_started: Callable[[str], None],
    ) -> None:
        self._lock = threading.Lock()
        self._page_tokens = page_tokens
        self._policy, self._preemption = policy, preemption
        self._clock, self._on_started = clock, on_started
        self._expected: dict[str, Request] = {}
        self._started: set[str] = set()
        self.num_steps = 0
        # No margin is needed: the core never admits a request that it would evict next.
        super().__init__(cache, safety_margin or 0.0, max_requests_per_batch)

    # Called by the engine, from its own thread.

    @property
    def num_kv_tokens(self) -> int:
        return int(self.cache.num_blocks) * self._page_tokens

    def expect(self, request: Request) -> None:
        """Call this before the library's `add_request` of the same id."""
        with self._lock:
            self._expected[request.id] = request

    def update(self, request: Request) -> None:
        """Replaces a request and keeps its progress. Ignores a request that has just left."""
        with self._lock:
            if request.id in self._expected:
                self._expected[request.id] = request
            elif (held := self._core.get(request.id)) is not None:
                self._core.update(
                    replace(
                        request,
                        prompt_tokens=held.prompt_tokens,
                        generated_tokens=held.generated_tokens,
                    )
                )

    def set_policy(self, policy: Policy, preemption: Preemption) -> None:
        with self._lock:
            self._policy, self._preemption = policy, preemption
            self._core.set_policy(policy, preemption)

    def stats(self) -> dict[str, float]:
        with self._lock:
            used = self._kv.num_blocks - self._kv.num_free
            return {
                "slots_used": float(len(self._core.running)),
                "kv_blocks_total": float(self._kv.num_blocks),
                "kv_blocks_used": float(used),
                "steps": float(self.num_steps),
            }

    # Called by the library, from its loop.

    def reset(self) -> None:
        super().reset()
        self._kv = KVBlocks(num_blocks=int(self.cache.num_blocks), block_tokens=self._page_tokens)
        self._core = Scheduler(
            policy=self._policy,
            num_slots=self.max_requests_per_batch,
            kv=self._kv,
            preemption=self._preemption,
        )

    def add_waiting_request(self, state: RequestState) -> None:
        """Raises KeyError or NeverFits. The library then fails only this request."""
        with self._lock:
            if self._core.get(state.request_id) is None:
                self._core.add(self._expected.pop(state.request_id))
        super().add_waiting_request(state)

    def finish_request(self, request_id: str) -> None:
        super().finish_request(request_id)
        self._remove_from_core(request_id)

    def clear_cancelled_requests(self) -> list[RequestState]:
        states: list[RequestState] = super().clear_cancelled_requests()
        for state in states:
            # Otherwise the batch in flight writes its token to freed blocks.
            state._status = RequestStatus.FINISHED
            self._remove_from_core(state.request_id)
        return states

    def schedule_batch(self, token_budget: int, cache_budget: int) -> Scheduled:
        ranked, newly_admitted, evicted = self._decide()
        for request_id in evicted:
            self._requeue(request_id)
        for request_id in newly_admitted:
            self._on_started(request_id)
        # An evicted request skips one step: a token of it may be in flight, and the library
        # would add that token to the new run of the same id.
        candidates = [
            state
            for request in ranked
            if request.id not in evicted and (state := self._state(request.id)) is not None
        ]
        self._free_cached_blocks_if_short(candidates)
        leaving: set[str] = set()
        scheduled, short_of_memory, fast, num_q_tokens, max_kv_read = self._process_candidates(
            candidates, token_budget, cache_budget, leaving
        )
        self._cleanup_waiting_queue(leaving)
        self.num_steps += bool(scheduled)
        if not scheduled and short_of_memory:
            return None, fast, 0, 0  # the library frees memory and calls again
        return scheduled, fast, num_q_tokens, max_kv_read

    # Internal.

    def _decide(self) -> tuple[list[Request], list[str], set[str]]:
        """Returns the running requests, best first, the newly admitted ids and the evicted ids."""
        with self._lock:
            now = self._clock()
            evicted = set(self._core.advance(self._report_progress(), now))
            batch = self._core.schedule(now)
            evicted.update(batch.evicted)
            newly_admitted = [r for r in batch.admitted if r not in self._started]
            self._started.update(newly_admitted)
            return rank(self._core.running, self._policy, now), newly_admitted, evicted

    def _report_progress(self) -> dict[str, int]:
        """Reports the progress of running requests to the core.

        Returns the new progress of those that need another KV block for it: the core may have
        to evict a request first.
        """
        growing: dict[str, int] = {}
        for request in self._core.running:
            state = self.active_requests.get(request.id)
            if state is None:
                continue
            stored = state.position_offset + IN_FLIGHT_TOKENS - request.prompt_tokens
            if stored <= request.generated_tokens:
                continue
            needed = self._kv.blocks_for(request.prompt_tokens + stored + 1)
            if needed > self._kv.held(request.id):
                growing[request.id] = stored
            else:
                self._core.update(request.with_progress(stored))
        return growing

    def _state(self, request_id: str) -> RequestState | None:
        return self.active_requests.get(request_id) or self.waiting_requests.get(request_id)

    def _remove_from_core(self, request_id: str) -> None:
        with self._lock:
            self._started.discard(request_id)
            if self._core.get(request_id) is not None:
                self._core.remove(request_id)

    def _requeue(self, request_id: str) -> None:
        """Frees the KV memory of a request and queues it. Its tokens become part of its prompt."""
        state = self.active_requests.get(request_id)
        if state is None:  # it never had KV memory
            return
        restarted = state.create_equivalent_initial_request()
        state._status = RequestStatus.FINISHED  # drops the token in flight; it is recomputed
        self.cache.free_blocks(request_id, no_cache=True)
        super().finish_request(request_id)
        super().add_waiting_request(restarted)

    def _free_cached_blocks_if_short(self, candidates: list[RequestState]) -> None:
        """Frees the blocks of cached prefixes when the candidates need their memory."""
        needed = [
            {
                name: allocator.needs_new_blocks(
                    state.request_id,
                    state.current_len(),
                    max(1, len(state.remaining_prefill_tokens)),
                )
                for name, allocator in self.cache.cache_allocators.items()
            }
            for state in candidates
        ]
        if self.cache.count_storable_requests(needed) < len(needed):
            self.cache.evict_cached_blocks()
            self.cache.pool.try_to_free_sectors()


@contextmanager
def registered(name: str, **settings: Any) -> Iterator[None]:
    """Registers a `PolicyScheduler` with these settings under `name` within the context."""
    mapping: dict[str, Any] = SCHEDULER_MAPPING
    mapping[name] = partial(PolicyScheduler, **settings)
    try:
        yield
    finally:
        mapping.pop(name, None)
