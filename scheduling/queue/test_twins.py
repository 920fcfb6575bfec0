"""Property test: the queue in Redis, the queue in memory and `rank` always agree."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import pytest
import redis
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from scheduling.core.policies import POLICIES, rank
from scheduling.core.request import PRIORITIES, ManualPlace, Request
from scheduling.queue.memory_queue import MemorySemanticQueue
from scheduling.queue.protocol import SemanticQueue
from scheduling.queue.semantic_queue import RedisSemanticQueue, tagged

IDS = st.sampled_from(["a", "b", "c", "d", "e", "é", "g:h"])
MOMENTS = st.sampled_from([0.0, 1.0, 2.5, 4.0, 7.0, 100.0])
LEASES = st.sampled_from([0.5, 3.0, 50.0])
DUE = st.sampled_from([0.0, 1.0, 2.5, 3.0, 6.0, float("inf")])
FEW_TOKENS = st.integers(0, 4)
NAMES = st.sampled_from(list(POLICIES))
REQUESTS = st.builds(
    Request,
    id=IDS,
    arrival_seconds=st.sampled_from([0.0, 0.25, 1.5]),
    priority=st.sampled_from(PRIORITIES),
    prompt_tokens=FEW_TOKENS,
    predicted_tokens=FEW_TOKENS,
    due_seconds=DUE,
    manual=st.none()
    | st.builds(
        ManualPlace,
        arrival_seconds=st.sampled_from([0.0, 1.5]),
        tokens=FEW_TOKENS,
        due_seconds=DUE,
        nudge=st.sampled_from([-1.0, 0.0, 0.5]),
    ),
)


class Twins(RuleBasedStateMachine):
    """Runs each method on both queues. All results but the tokens must be equal."""

    def __init__(self, client: redis.Redis) -> None:
        super().__init__()
        client.flushall()
        self.client = client
        self.redis = RedisSemanticQueue(client, time="caller")
        self.memory = MemorySemanticQueue()
        self.now = 0.0
        self.tokens: list[tuple[str, str, str]] = []  # id, in Redis, in memory; stale ones too
        self.marks: tuple[str, str] | None = None

    def both(self, move: Callable[[SemanticQueue], Any]) -> Any:
        answer = move(self.redis)
        assert answer == move(self.memory)
        return answer

    def token(self, index: int) -> tuple[str, str, str]:
        return self.tokens[index % len(self.tokens)]

    @rule(now=MOMENTS)
    def set_time(self, now: float) -> None:
        self.now = now  # also backwards, because the clocks of machines differ

    @rule(request=REQUESTS)
    def enqueue(self, request: Request) -> None:
        self.both(lambda queue: queue.enqueue(request))

    @rule(num=st.integers(0, 3), lease=LEASES, cap=st.none() | st.integers(1, 4))
    def claim(self, num: int, lease: float, cap: int | None) -> None:
        ours = self.redis.claim("w", num, self.now, lease, cap)
        twins = self.memory.claim("w", num, self.now, lease, cap)
        assert [(each.request, each.lease_expires_seconds) for each in ours] == [
            (each.request, each.lease_expires_seconds) for each in twins
        ]
        for one, two in zip(ours, twins, strict=True):
            self.tokens.append((one.request.id, one.token, two.token))

    @precondition(lambda self: self.tokens)
    @rule(index=st.integers(0, 20), generated=FEW_TOKENS)
    def release(self, index: int, generated: int) -> None:
        key, ours, twins = self.token(index)
        assert self.redis.release(key, ours, generated, self.now) == self.memory.release(
            key, twins, generated, self.now
        )

    @precondition(lambda self: self.tokens)
    @rule(index=st.integers(0, 20))
    def finish(self, index: int) -> None:
        key, ours, twins = self.token(index)
        assert self.redis.finish(key, ours) == self.memory.finish(key, twins)

    @precondition(lambda self: self.tokens)
    @rule(lease=LEASES)
    def renew(self, lease: float) -> None:
        ours = {key: token for key, token, _ in self.tokens}
        twins = {key: token for key, _, token in self.tokens}
        assert self.redis.renew("w", ours, self.now, lease) == self.memory.renew(
            "w", twins, self.now, lease
        )

    @rule(request_id=IDS)
    def cancel(self, request_id: str) -> None:
        self.both(lambda queue: queue.cancel(request_id))

    @rule(request_id=IDS, priority=st.sampled_from(PRIORITIES), due=DUE)
    def reprioritise(self, request_id: str, priority: int, due: float) -> None:
        self.both(lambda queue: queue.reprioritise(request_id, priority, due))

    @rule(request=REQUESTS)
    def revise(self, request: Request) -> None:
        self.both(lambda queue: queue.revise(request))

    @rule()
    def reap(self) -> None:
        ours, twins = self.redis.reap(self.now), self.memory.reap(self.now)
        tokens = {(key, ours): twins for key, ours, twins in self.tokens}
        assert [(key, tokens[key, token]) for key, token in ours] == twins

    @rule(name=NAMES)
    def switch_policy(self, name: str) -> None:
        self.both(lambda queue: queue.switch_policy(name))

    @rule()
    def mark(self) -> None:
        self.marks = self.redis.mark(), self.memory.mark()

    @rule(truth=st.lists(REQUESTS, max_size=5, unique_by=lambda each: each.id), name=NAMES)
    def replace_all(self, truth: list[Request], name: str) -> None:
        ours, twins = self.marks or (None, None)
        assert self.redis.replace_all(truth, name, mark=ours) == self.memory.replace_all(
            truth, name, mark=twins
        )

    @rule()
    def mend(self) -> None:
        assert self.redis.mend(self.now, 3.0) == 0

    @rule()
    def redis_restarts_and_is_rebuilt(self) -> None:
        """After a flush all requests wait again; only the leases are lost."""
        self.memory.reap(1e9)
        truth = self.memory.waiting(self.now)
        self.client.flushall()
        self.redis.replace_all(truth, self.memory.active_policy())
        self.marks = None

    @invariant()
    def the_audit_finds_nothing(self) -> None:
        assert self.redis.audit() == ""

    @invariant()
    def answers_are_equal(self) -> None:
        self.both(lambda queue: queue.active_policy())
        self.both(lambda queue: queue.counts())
        self.both(lambda queue: queue.peek(2, self.now))
        self.both(
            lambda queue: [
                (each.request, each.worker, each.expires_seconds) for each in queue.running()
            ]
        )

    @invariant()
    def order_is_rank(self) -> None:
        waiting = self.both(lambda queue: queue.waiting(self.now))
        assert waiting == rank(waiting, POLICIES[self.redis.active_policy()], self.now)
        for place, request in enumerate(waiting):
            assert self.redis.position(request.id, self.now) == place
            assert self.redis.get(request.id) == request

    @invariant()
    def redis_holds_nothing_else(self) -> None:
        """Every job waits in one sorted set or runs, and no sorted set contains another id."""
        jobs = set(self.client.hkeys(tagged("main", "jobs")))
        held = set(self.redis.lease_tokens())
        assert held == set(self.client.zrange(tagged("main", "leases"), 0, -1))
        ordered = [tie[33:] for tie in self.client.zrange(tagged("main", "order"), 0, -1)]
        urgent = [tie[33:] for tie in self.client.zrange(tagged("main", "urgent"), 0, -1)]
        due = {tie[50:] for tie in self.client.zrange(tagged("main", "due"), 0, -1)}
        assert len(ordered) + len(urgent) == len({*ordered, *urgent})
        assert {*ordered, *urgent} | due == jobs - held
        assert not due & set(urgent)


@pytest.mark.timeout(120)
def test_redis_and_memory_agree_after_any_sequence_of_calls(redis_client: redis.Redis) -> None:
    run_state_machine_as_test(
        cast(type[Twins], partial(Twins, redis_client)),
        settings=settings(max_examples=40, stateful_step_count=40, deadline=None),
    )
