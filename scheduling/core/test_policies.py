from dataclasses import replace
from itertools import pairwise
from math import inf
from random import Random

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from scheduling.core.policies import (
    POLICIES,
    KeyFunction,
    Policy,
    Preemption,
    may_preempt,
    order,
    queue_score,
    rank,
    tie_token,
)
from scheduling.core.request import PRIORITIES, Request
from scheduling.core.request_strategies import DUE_SECONDS, SECONDS, TOKENS, batches, requests

EVERY_POLICY = pytest.mark.parametrize("policy", POLICIES.values(), ids=list(POLICIES))
FIFTY = settings(max_examples=50)  # for each policy
NOW = st.one_of(SECONDS, st.sampled_from([-1.0, inf]))


def ids(ranked: list[Request]) -> list[str]:
    return [request.id for request in ranked]


def make_request(request_id: str, priority: int, predicted: int, **more: float) -> Request:
    fields = {"arrival_seconds": 0.0, "due_seconds": inf, **more}
    return Request(
        id=request_id,
        priority=priority,
        prompt_tokens=1,
        predicted_tokens=predicted,
        arrival_seconds=fields["arrival_seconds"],
        due_seconds=fields["due_seconds"],
    )


def test_there_are_six_policies_under_their_names() -> None:
    assert set(POLICIES) == {"fcfs", "sjf", "pjf", "semantic", "semantic_due", "serial"}
    assert all(policy.name == name for name, policy in POLICIES.items())


def test_only_semantic_due_bounds_the_wait_and_only_serial_limits_the_slots() -> None:
    assert [name for name, policy in POLICIES.items() if policy.bounded_wait] == ["semantic_due"]
    capped = {name: p.max_running for name, p in POLICIES.items() if p.max_running is not None}
    assert capped == {"serial": 1}


@EVERY_POLICY
@FIFTY
@given(batch=batches(), now=NOW)
def test_rank_neither_loses_nor_repeats_a_request(
    policy: Policy, batch: list[Request], now: float
) -> None:
    ranked = rank(batch, policy, now)
    assert len(ranked) == len(batch)
    assert set(ranked) == set(batch)


@EVERY_POLICY
@FIFTY
@given(batch=batches(), now=NOW, random=st.randoms(use_true_random=False))
def test_order_is_total(policy: Policy, batch: list[Request], now: float, random: Random) -> None:
    """No two requests are equal in order, so the result does not depend on the input order."""
    ranked = rank(batch, policy, now)
    for before, after in pairwise(ranked):
        assert order(before, policy, now) < order(after, policy, now)
    shuffled = list(batch)
    random.shuffle(shuffled)
    assert rank(shuffled, policy, now) == ranked


def _without_deadlines(request: Request) -> Request:
    manual = request.manual and replace(request.manual, due_seconds=inf)
    return replace(request, due_seconds=inf, manual=manual)


@EVERY_POLICY
@FIFTY
@given(batch=batches())
def test_score_and_tie_token_sort_like_rank(policy: Policy, batch: list[Request]) -> None:
    """A sorted set of Redis compares the score, then the bytes of the member."""
    waiting = [_without_deadlines(request) for request in batch]

    def in_redis(request: Request) -> tuple[float, bytes]:
        return queue_score(policy(request.as_sorted)), tie_token(request).encode()

    assert sorted(waiting, key=in_redis) == rank(waiting, policy, now=0.0)


@given(
    st.lists(st.tuples(st.integers(0, 4), TOKENS), min_size=2, max_size=2),
)
def test_different_keys_have_different_scores_in_the_same_order(
    keys: list[tuple[int, int]],
) -> None:
    first, second = keys
    assert (queue_score(first) < queue_score(second)) == (first < second)
    assert (queue_score(first) == queue_score(second)) == (first == second)


@pytest.mark.parametrize(
    "key", [(0, 2**24), (0, -1), (-1, 0), (0, 0.5), (0.5, 0), (2**29, 0), (0, 0, 2**30)]
)
def test_a_key_without_an_exact_score_is_refused(key: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="key "):
        queue_score(key)


def test_scores_at_the_limits() -> None:
    assert queue_score(()) == 0.0
    assert queue_score((7.25,)) == 7.25
    assert queue_score((4, 2**24 - 1)) == 5 * 2**24 - 1


@given(requests(), requests())
def test_tie_token_sorts_by_arrival_then_nudge_then_id(one: Request, two: Request) -> None:
    def tie(request: Request) -> tuple[float, float, str]:
        return request.as_sorted.arrival_seconds, request.nudge, request.id

    expected = tie(one) < tie(two)
    assert (tie_token(one).encode() < tie_token(two).encode()) == expected


@given(batches(), NOW)
def test_with_a_bounded_wait_level_0_comes_before_all_other_levels(
    batch: list[Request], now: float
) -> None:
    levels = [request.priority == 0 for request in rank(batch, POLICIES["semantic_due"], now)]
    assert levels == sorted(levels, reverse=True)


@given(batches(), NOW)
def test_a_bounded_wait_prevents_starvation(batch: list[Request], now: float) -> None:
    """Only level 0 and requests with an earlier deadline come before an overdue request.

    A request that arrives later has a later deadline and cannot overtake it, so its wait is
    bounded. A request that a person moved counts with the values of its place.
    """
    ranked = rank(batch, POLICIES["semantic_due"], now)
    for place, request in enumerate(ranked):
        if request.priority == 0 or request.sorted_due_seconds > now:
            continue
        for before in ranked[:place]:
            assert before.priority == 0 or before.sorted_due_seconds <= request.sorted_due_seconds


@given(batches())
def test_semantic_due_equals_semantic_while_no_deadline_has_passed(batch: list[Request]) -> None:
    waiting = [_without_deadlines(request) for request in batch]
    expected = rank(waiting, POLICIES["semantic"], 0.0)
    assert rank(waiting, POLICIES["semantic_due"], 0.0) == expected


@given(batches(), DUE_SECONDS, NOW)
def test_only_a_bounded_wait_depends_on_time(
    batch: list[Request], due_seconds: float, now: float
) -> None:
    same_due = [replace(request, due_seconds=due_seconds) for request in batch]
    for policy in POLICIES.values():
        if not policy.bounded_wait:
            assert ids(rank(batch, policy, now)) == ids(rank(same_due, policy, 0.0))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fcfs", ["b", "a", "d", "c"]),
        ("serial", ["b", "a", "d", "c"]),
        ("sjf", ["a", "c", "b", "d"]),
        ("pjf", ["d", "c", "b", "a"]),
        ("semantic", ["c", "d", "a", "b"]),
        ("semantic_due", ["c", "d", "b", "a"]),
    ],
)
def test_each_policy_on_four_cases(name: str, expected: list[str]) -> None:
    cases = [
        make_request("a", priority=3, predicted=10, arrival_seconds=1.0),
        make_request("b", priority=3, predicted=30, arrival_seconds=0.0, due_seconds=50.0),
        make_request("c", priority=0, predicted=20, arrival_seconds=3.0),
        make_request("d", priority=0, predicted=40, arrival_seconds=2.0),
    ]
    assert ids(rank(cases, POLICIES[name], now=60.0)) == expected


@EVERY_POLICY
@FIFTY
@given(waiting=requests(), running=requests(), now=NOW)
def test_preemption_follows_the_mode_and_the_order(
    policy: Policy, waiting: Request, running: Request, now: float
) -> None:
    first = order(waiting, policy, now) < order(running, policy, now)
    allowed = {mode: may_preempt(waiting, running, policy, now, mode) for mode in Preemption}
    assert allowed == {
        Preemption.NEVER: False,
        Preemption.KEY: first,
        Preemption.LEVEL: first and waiting.priority < running.priority,
    }


@EVERY_POLICY
@FIFTY
@given(one=requests(), two=requests(), now=NOW, mode=st.sampled_from(Preemption))
def test_two_requests_never_preempt_each_other(
    policy: Policy, one: Request, two: Request, now: float, mode: Preemption
) -> None:
    forth = may_preempt(one, two, policy, now, mode)
    back = may_preempt(two, one, policy, now, mode)
    assert not (forth and back)


@EVERY_POLICY
@FIFTY
@given(request_=requests(), priority=st.sampled_from(PRIORITIES))
def test_a_more_urgent_level_never_lowers_the_rank(
    policy: Policy, request_: Request, priority: int
) -> None:
    request_ = request_.with_manual(None)  # a change of the level ends a manual place
    moved = request_.with_priority(priority)
    more_urgent, less_urgent = sorted((request_, moved), key=lambda each: each.priority)
    assert order(more_urgent, policy, 0.0) <= order(less_urgent, policy, 0.0)


@pytest.mark.parametrize("name", ["semantic", "pjf"])
@FIFTY
@given(batch=batches())
def test_who_was_not_understood_goes_first_within_the_level_only(
    name: str, batch: list[Request]
) -> None:
    ranked = rank(batch, POLICIES[name], 0.0)
    sorted_by = [request.as_sorted for request in ranked]  # a person may have moved some
    places = [(request.priority, not request.first_in_level) for request in sorted_by]
    assert places == sorted(places)


def key_grows(policy: KeyFunction, request: Request, more_tokens: int) -> bool:
    later = request.with_progress(request.generated_tokens + more_tokens)
    return policy(later) > policy(request)


@EVERY_POLICY
@FIFTY
@given(request_=requests(), more_tokens=TOKENS)
def test_no_key_grows_as_tokens_are_generated(
    policy: Policy, request_: Request, more_tokens: int
) -> None:
    assert not key_grows(policy, request_, more_tokens)


def least_served(request: Request) -> tuple[float, ...]:
    return (request.generated_tokens,)


def test_the_test_above_detects_a_key_that_grows() -> None:
    """Control experiment: `find` raises an error if there is no example."""
    example = find(requests(), lambda each: key_grows(least_served, each, 1))
    assert key_grows(least_served, example, 1)


def test_a_policy_knows_whether_it_ignores_urgency() -> None:
    ignoring = {name for name, policy in POLICIES.items() if policy.ignores_urgency}
    assert ignoring == {"sjf", "fcfs", "serial"}
