"""Tests of `PreemptedWithKV.worst` and `WaitingQueue.ascending` against `rank`."""

from __future__ import annotations

from contextlib import closing
from itertools import islice

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.core.policies import POLICIES, rank
from scheduling.core.preempted import PreemptedWithKV
from scheduling.core.request import Request
from scheduling.core.request_strategies import batches
from scheduling.core.waiting import WaitingQueue

MOMENTS = st.lists(st.sampled_from([-1.0, 0.0, 1.5, 3.0, 1e6]), min_size=1, max_size=4).map(sorted)


@given(batches(), st.sampled_from(sorted(POLICIES)), MOMENTS)
@settings(max_examples=50, deadline=None)
def test_worst_is_the_last_of_rank_at_increasing_times(
    requests: list[Request], policy: str, moments: list[float]
) -> None:
    preempted = PreemptedWithKV(POLICIES[policy])
    left = {request.id: request for request in requests}
    for request in requests:
        preempted.push(request)
    for now in moments:
        worst = preempted.worst(now)
        last = rank(left.values(), POLICIES[policy], now)[-1:]
        assert worst == (last[0] if last else None)
        if worst is not None:
            preempted.discard(worst.id)
            del left[worst.id]


@given(batches(), st.sampled_from(sorted(POLICIES)), st.integers(0, 14), MOMENTS)
@settings(max_examples=50, deadline=None)
def test_ascending_yields_the_order_of_rank_and_keeps_the_queue(
    requests: list[Request], policy: str, num: int, moments: list[float]
) -> None:
    queue = WaitingQueue(POLICIES[policy])
    for request in requests:
        queue.push(request)
    for now in (*moments, *reversed(moments)):
        with closing(queue.ascending(now)) as ascending:
            first = list(islice(ascending, num))
        assert first == rank(requests, POLICIES[policy], now)[:num]
    assert len(queue) == len(requests)
    best = rank(requests, POLICIES[policy], moments[0])[:1]
    assert queue.best(moments[0]) == (best[0] if best else None)
