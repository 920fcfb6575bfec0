"""Tests of `WaitingQueue` against `rank`, which defines the order."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)

from scheduling.core.policies import POLICIES, rank
from scheduling.core.request import PRIORITIES, Request
from scheduling.core.request_strategies import DUE_SECONDS, TOKENS, requests
from scheduling.core.waiting import WaitingQueue

FEW_IDS = st.sampled_from(["a", "b", "c", "d", "e", "f"])
MOMENTS = (-1.0, 0.0, 1.5, 3.0, 1e6)


class WaitingMachine(RuleBasedStateMachine):
    pushed = Bundle("pushed")

    def __init__(self) -> None:
        super().__init__()
        self.policy = POLICIES["semantic"]
        self.queue = WaitingQueue(self.policy)
        self.model: dict[str, Request] = {}

    @rule(target=pushed, request=requests(FEW_IDS))
    def push(self, request: Request) -> Request:
        self.queue.push(request)
        self.model[request.id] = request
        return request

    @rule(request=pushed)
    def push_an_old_version_again(self, request: Request) -> None:
        self.push(request)

    @rule(target=pushed, request=pushed, generated=TOKENS)
    def push_with_progress(self, request: Request, generated: int) -> Request:
        later = request.with_progress(generated)
        self.push(later)
        return later

    @rule(
        target=pushed,
        request=consumes(pushed),
        priority=st.sampled_from(PRIORITIES),
        due_seconds=DUE_SECONDS,
    )
    def reprioritise(self, request: Request, priority: int, due_seconds: float) -> Request:
        moved = request.with_priority(priority, due_seconds)
        self.push(moved)
        return moved

    @rule(now=st.sampled_from(MOMENTS))
    def pop_the_best(self, now: float) -> None:
        best = self.queue.best(now)
        if best is not None:
            assert self.queue.pop(best.id) == self.model.pop(best.id)

    @rule(request_id=FEW_IDS)
    def pop_any(self, request_id: str) -> None:
        if request_id in self.model:
            assert self.queue.pop(request_id) == self.model.pop(request_id)
        else:
            with pytest.raises(KeyError):
                self.queue.pop(request_id)

    @rule(name=st.sampled_from(list(POLICIES)))
    def switch_policy(self, name: str) -> None:
        self.policy = POLICIES[name]
        self.queue.set_policy(self.policy)

    @invariant()
    def best_is_first_in_rank_at_any_moment(self) -> None:
        for now in MOMENTS:
            ranked = rank(self.model.values(), self.policy, now)
            assert self.queue.best(now) == (ranked[0] if ranked else None)

    @invariant()
    def holds_what_was_pushed_and_not_popped(self) -> None:
        assert len(self.queue) == len(self.model)
        assert {request.id: request for request in self.queue} == self.model


@pytest.mark.timeout(60)
def test_best_is_first_in_rank_after_any_sequence_of_changes() -> None:
    run_state_machine_as_test(WaitingMachine)


@pytest.mark.parametrize("name", POLICIES)
def test_popping_until_empty_gives_the_order_of_rank(name: str) -> None:
    batch = [
        Request(
            id=f"r{n}",
            arrival_seconds=float(n // 3),
            priority=n * 7 % 5,
            prompt_tokens=1,
            predicted_tokens=n * 11 % 4,
            due_seconds=float(n * 5 % 17),
        )
        for n in range(60)
    ]
    queue = WaitingQueue(POLICIES[name])
    for request in batch:
        queue.push(request)
    served = []
    while (best := queue.best(now=8.0)) is not None:
        served.append(queue.pop(best.id))
    assert served == rank(batch, POLICIES[name], now=8.0)


def test_progress_does_not_change_the_rank_under_first_come() -> None:
    """Two versions of one request have the same order and must not be compared themselves."""
    queue = WaitingQueue(POLICIES["fcfs"])
    first = Request(id="a", arrival_seconds=0, priority=1, prompt_tokens=1, predicted_tokens=9)
    queue.push(first)
    queue.push(first.with_progress(4))
    assert queue.best(now=0.0) == first.with_progress(4)
    assert len(queue) == 1
