"""One loop for every policy: which request runs next, which loses its slot or its memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

from scheduling.core.eviction import lowest_ranked, victims_for
from scheduling.core.kv_blocks import KVBlocks
from scheduling.core.policies import KeyFunction, Preemption, may_preempt, order
from scheduling.core.preempted import PreemptedWithKV
from scheduling.core.refusal import Refusal
from scheduling.core.request import Request
from scheduling.core.running import RunningSet
from scheduling.core.waiting import WaitingQueue


class NeverFits(ValueError):
    """The request needs more KV memory than exists; the message gives both numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One decision, as request ids. `running` includes `admitted`.

    A preempted request keeps its KV blocks. An evicted request has lost them.
    """

    running: tuple[str, ...]
    admitted: tuple[str, ...] = ()
    preempted: tuple[str, ...] = ()
    evicted: tuple[str, ...] = ()


class Scheduler:
    """Owns waiting and running requests and returns decisions. The caller acts on them.

    A preempted request keeps its KV blocks while it waits. Blocks are evicted only when
    memory is short, from the lowest ranked request first. The scheduler never sleeps and
    never reads a clock. A decision costs O(log n) in waiting requests and O(s) in slots.
    """

    def __init__(
        self,
        *,
        policy: KeyFunction,
        num_slots: int,
        kv: KVBlocks | None = None,
        preemption: Preemption = Preemption.KEY,
    ) -> None:
        if num_slots < 1:
            raise ValueError("num_slots must be at least 1")
        self._all_slots = num_slots
        self._kv = kv
        self._waiting = WaitingQueue(policy)
        self._with_kv = PreemptedWithKV(policy)  # those of `_waiting` that hold KV blocks
        self._running = RunningSet()
        self._set_policy(policy, preemption)

    @property
    def num_waiting(self) -> int:
        return len(self._waiting)

    @property
    def num_running(self) -> int:
        return len(self._running)

    @property
    def running(self) -> tuple[Request, ...]:
        return self._running.up_to_date()

    @property
    def num_slots(self) -> int:
        return self._num_slots

    def add(self, request: Request) -> None:
        """Adds a waiting request. Raises NeverFits, or ValueError if the id is here already."""
        if request.id in self._running or request.id in self._waiting:
            raise ValueError(f"{request.id}: already waiting or running")
        if self._kv is not None:
            wanted = self._kv.blocks_for(request.context_tokens + 1)
            if wanted > self._kv.num_blocks:
                raise NeverFits(
                    f"{request.id}: needs {wanted} KV blocks, there are {self._kv.num_blocks}"
                )
        self._waiting.push(request)

    def get(self, request_id: str) -> Request | None:
        """Returns the waiting or running request; None if it is not here."""
        if request_id in self._waiting:
            return self._waiting[request_id]
        if request_id in self._running:
            return self._running[request_id]
        return None

    def remove(self, request_id: str) -> Request:
        """Removes and returns a finished or cancelled request. Raises KeyError if it is not
        here."""
        request = self.get(request_id)
        if request is None:
            raise KeyError(request_id)
        self.discard(request_id)
        return request

    def discard(self, request_id: str) -> None:
        """Like `remove`, but faster, because it does not return the request's progress."""
        if request_id in self._running:
            self._running.discard(request_id)
        else:
            self._waiting.pop(request_id)
        self._free(request_id)

    def update(self, request: Request) -> None:
        """Replaces a request by a newer version, with another priority or more tokens.

        Raises KeyError if it is not here.
        """
        self._refusal.clear()
        if request.id in self._running:
            self._running[request.id] = request
        elif request.id in self._waiting:
            self._waiting.push(request)
            if request.id in self._with_kv:
                self._with_kv.push(request)
        else:
            raise KeyError(request.id)

    def set_policy(self, policy: KeyFunction, preemption: Preemption | None = None) -> None:
        """Sorts waiting requests again. Slots change at the next decision. `preemption` None
        keeps the mode."""
        self._set_policy(policy, self._preemption if preemption is None else preemption)
        self._waiting.set_policy(policy)
        self._with_kv.set_policy(policy)

    def schedule(self, now: float) -> Batch:
        """Fills free slots in rank order; then better ranked requests preempt the worst ones."""
        admitted: list[str] = []
        preempted: list[str] = []
        evicted: list[str] = []
        while len(self._running) > self._num_slots:  # the new policy has fewer slots
            preempted.append(self._preempt(self._worst_running(now)))
        while (best := self._waiting.best(now)) is not None:
            victim = None
            if len(self._running) >= self._num_slots:
                if self._preemption is Preemption.NEVER:
                    break
                if self._refusal.is_still_valid(best, now):
                    break
                victim = self._worst_running(now)
                if not may_preempt(best, victim, self._policy, now, self._preemption):
                    self._refusal.record(best, now)
                    break
            if not self._find_room(best, now, evicted, preempted):
                break
            if victim is not None and victim.id in self._running:
                preempted.append(self._preempt(victim))
            self._admit(best, now)
            admitted.append(best.id)
        if preempted or evicted:
            admitted = [r for r in admitted if r in self._running]
        return Batch(
            running=self._running.ids(),
            admitted=tuple(admitted),
            preempted=tuple(r for r in preempted if r not in self._running),
            evicted=tuple(evicted),
        )

    def best_waiting(self, num: int, now: float) -> tuple[Request, ...]:
        """Returns up to `num` waiting requests, best first. They continue to wait."""
        with closing(self._waiting.ascending(now)) as waiting:
            return tuple(islice(waiting, num))

    def exchange(self, request_id: str, running_id: str | None) -> None:
        """Gives a slot to a waiting request that has begun elsewhere, against the order.

        `running_id` waits again in its place; None takes a free slot. Raises KeyError if one of
        them is not there, and ValueError if there is no free slot. Without KV memory only.
        """
        if self._kv is not None:
            raise ValueError("exchange: not with KV memory")
        if running_id is not None:
            self._stop(running_id)
        elif len(self._running) >= self._num_slots:
            raise ValueError("exchange: no slot is free")
        self._running[request_id] = self._waiting.pop(request_id)
        self._refusal.clear()

    def next_due_seconds(self, now: float) -> float | None:
        """Returns the next time at which a deadline changes the order; None if there is none."""
        due = self._waiting.first_due_seconds()
        return due if due is not None and due > now else None

    # Progress of running requests.

    def advance(self, generated_tokens: Mapping[str, int], now: float) -> tuple[str, ...]:
        """Sets the total of generated tokens of running requests and reserves KV blocks.

        Returns the ids that were evicted to make room, lowest ranked first. The growing
        request itself is evicted if no request ranks after it.
        """
        evicted: list[str] = []
        for request_id, total in generated_tokens.items():
            if request_id not in self._running:  # evicted earlier in this loop
                continue
            request = self._running[request_id].with_progress(total)
            self._running[request_id] = request
            if self._kv is None:
                continue
            own_order = order(request, self._policy, now)
            evictable = [r for r in self.running if order(r, self._policy, now) > own_order]
            if self._evict_for(request, evictable, now, evicted):
                self._kv.reserve(request_id, request.context_tokens + 1)
            else:
                self._evict(request, evicted)
        return tuple(evicted)

    def advance_all(
        self, num_tokens: int, now: float, *, except_ids: Collection[str] = ()
    ) -> tuple[str, ...]:
        """Adds `num_tokens` to every running request not in `except_ids`: O(1) if they fit.

        If memory is short, requests are evicted, lowest ranked first, until the others can
        grow; their ids are returned. This works for one token only: more than
        `steps_before_shortage` raises MemoryError. Raises NeverFits if the last request left
        cannot grow.
        """
        self._running.step(num_tokens, except_ids)
        if self._kv is None:
            return ()
        for request_id in except_ids:
            self._kv.stop_growing(request_id)
        evicted: list[str] = []
        while not self._kv.grow(num_tokens):
            if num_tokens > 1:
                raise MemoryError(f"{num_tokens} tokens each do not fit without an eviction")
            victim = lowest_ranked(self._with_kv, self.running, self._policy, now)
            if victim is None or (len(self._running) == 1 and not self._with_kv):
                raise NeverFits(f"{victim and victim.id}: has outgrown the KV memory")
            self._evict(victim, evicted)
        for request_id in except_ids:
            if request_id in self._running:
                self._kv.start_growing(request_id, self._running[request_id].context_tokens + 1)
        return tuple(evicted)

    def steps_before_shortage(self, at_most: int) -> int:
        """Number of tokens, up to `at_most`, that all running requests can get without an
        eviction."""
        return at_most if self._kv is None else self._kv.steps_before_shortage(at_most)

    def reserve_ahead(self, num: int, now: float) -> tuple[Request, ...]:
        """Reserves KV blocks for up to `num` of the best waiting requests.

        Blocks that running requests are predicted to need stay free. Only the best 2 x slots
        requests are considered. They continue to wait, and can be evicted like others.
        """
        if self._kv is None:
            return ()
        spare = self._kv.num_free - sum(
            max(0, self._kv.blocks_for(tokens + 1) - self._kv.held(request_id))
            for request_id, tokens in self._running.predicted_tokens()
        )
        reserved: list[Request] = []
        with closing(self._waiting.ascending(now)) as waiting:
            for request in islice(waiting, 2 * self._num_slots if num else 0):
                if request.id in self._with_kv:
                    continue
                spare -= self._kv.blocks_for(request.context_tokens + 1)
                if spare < 0:
                    break
                self._kv.reserve(request.id, request.context_tokens + 1)
                self._with_kv.push(request)
                reserved.append(request)
                if len(reserved) == num:
                    break
        return tuple(reserved)

    # Order.

    def _set_policy(self, policy: KeyFunction, preemption: Preemption) -> None:
        self._policy = policy
        self._preemption = preemption
        cap: int | None = getattr(policy, "max_running", None)
        self._num_slots = self._all_slots if cap is None else min(cap, self._all_slots)
        self._refusal = Refusal(policy, preemption)

    def _worst_running(self, now: float) -> Request:
        return max(self.running, key=lambda request: order(request, self._policy, now))

    # Moves.

    def _admit(self, request: Request, now: float) -> None:
        self._running[request.id] = self._waiting.pop(request.id)
        # If this one was to be refused, the next one ranks after all running requests too.
        if self._refusal.is_still_valid(request, now):
            self._refusal.record(self._waiting.best(now), now)
        self._with_kv.discard(request.id)
        if self._kv is not None:
            self._kv.start_growing(request.id, request.context_tokens + 1)

    def _stop(self, request_id: str) -> Request:
        """Moves a request from running to waiting."""
        request = self._running[request_id]
        self._running.discard(request_id)
        self._waiting.push(request)
        return request

    def _preempt(self, running: Request) -> str:
        request = self._stop(running.id)
        if self._kv is not None:
            self._kv.stop_growing(request.id)
            self._with_kv.push(request)
        return request.id

    def _evict(self, request: Request, evicted: list[str]) -> None:
        if request.id in self._running:
            self._stop(request.id)
        self._free(request.id)
        evicted.append(request.id)

    def _free(self, request_id: str) -> None:
        if self._kv is not None:
            self._with_kv.discard(request_id)
            self._kv.free(request_id)

    # Memory.

    def _find_room(
        self, request: Request, now: float, evicted: list[str], preempted: list[str]
    ) -> bool:
        """Returns True if a waiting request fits, after evictions if needed."""
        if self._kv is None or not self._kv.missing(request.id, request.context_tokens + 1):
            return True
        before = list(self._running)
        evictable = [
            other
            for other in self.running
            if may_preempt(request, other, self._policy, now, self._preemption)
        ]
        found = self._evict_for(request, evictable, now, evicted)
        preempted.extend(r for r in before if r not in self._running)
        return found

    def _evict_for(
        self, request: Request, evictable: list[Request], now: float, evicted: list[str]
    ) -> bool:
        """Evicts until the next token of `request` fits. Evicts none and returns False if
        that is not possible."""
        assert self._kv is not None
        missing = self._kv.missing(request.id, request.context_tokens + 1)
        if not missing:
            return True
        victims = victims_for(
            request,
            missing,
            kv=self._kv,
            with_kv=self._with_kv,
            running=evictable,
            policy=self._policy,
            now=now,
        )
        for victim in victims:
            self._evict(victim, evicted)
        return bool(victims)
