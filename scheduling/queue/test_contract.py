"""Contract tests of order, claims and leases, for both implementations of the queue."""

from __future__ import annotations

from math import inf, nan

import pytest

from scheduling.core.policies import POLICIES, rank
from scheduling.queue.protocol import QueueCounts, SemanticQueue
from scheduling.queue.queue_testing import (
    LEASE,
    NOW,
    claim_one,
    fill,
    ids,
    make_request,
    mixed_requests,
    reaped_ids,
)

# -- order


@pytest.mark.parametrize("policy_name", POLICIES)
@pytest.mark.parametrize("now", [-1.0, NOW - 15, NOW, NOW + 15, NOW + 1e6])
def test_requests_wait_in_the_order_of_rank(
    queue: SemanticQueue, policy_name: str, now: float
) -> None:
    queue.switch_policy(policy_name)
    fill(queue, mixed_requests())
    expected = rank(mixed_requests(), POLICIES[policy_name], now)
    assert queue.waiting(now) == expected
    assert queue.peek(7, now) == expected[:7]
    assert [queue.position(request.id, now) for request in expected] == list(range(40))


@pytest.mark.parametrize("policy_name", POLICIES)
def test_claims_come_in_the_order_of_rank(queue: SemanticQueue, policy_name: str) -> None:
    queue.switch_policy(policy_name)
    fill(queue, mixed_requests())
    claimed = []
    while claims := queue.claim("w", 3, NOW, LEASE):
        claimed += [claim.request for claim in claims]
        for claim in claims:
            assert queue.finish(claim.request.id, claim.token)
    assert claimed == rank(mixed_requests(), POLICIES[policy_name], NOW)


def test_a_reader_with_a_slower_clock_gets_the_order_of_its_own_time(queue: SemanticQueue) -> None:
    queue.switch_policy("semantic_due")
    fill(queue, mixed_requests())
    for now in (NOW + 15, NOW - 15, NOW, NOW - 5, NOW + 5):
        expected = rank(mixed_requests(), POLICIES["semantic_due"], now)
        assert queue.waiting(now) == expected
        assert [queue.position(request.id, now) for request in expected] == list(range(40))


def test_claims_with_a_bounded_wait(queue: SemanticQueue) -> None:
    queue.switch_policy("semantic_due")
    overdue_long = make_request("overdue-long", 4, due=NOW - 5)
    overdue = make_request("overdue", 3, due=NOW)
    urgent = make_request("urgent", 1, due=NOW + 1)
    level_0 = make_request("level-0", 0, due=NOW + 100)
    fill(queue, [urgent, overdue, overdue_long, level_0])
    claims = queue.claim("w", 4, NOW, LEASE)
    assert [claim.request.id for claim in claims] == [
        "level-0",
        "overdue-long",
        "overdue",
        "urgent",
    ]


def test_equal_deadlines_are_sorted_by_the_key(queue: SemanticQueue) -> None:
    queue.switch_policy("semantic_due")
    fill(
        queue,
        [
            make_request("a", 3, due=NOW),
            make_request("b", 2, predicted=9, due=NOW),
            make_request("c", 2, due=NOW),
        ],
    )
    assert ids(queue.waiting(NOW)) == ["b", "c", "a"]


def test_ids_in_any_alphabet_keep_their_order(queue: SemanticQueue) -> None:
    requests = [
        make_request(each)
        for each in ("é", "z", "a:b", "a b", "a,semantic=0,", " 1", "a\nb", "病", "\U0001f691")
    ]
    fill(queue, requests)
    assert queue.waiting(NOW) == rank(requests, POLICIES["semantic"], NOW)


def test_numbers_are_stored_without_rounding(queue: SemanticQueue) -> None:
    request = make_request("a", arrival=1795473998.123456789, predicted=2**24 - 1, due=0.1 + 0.2)
    queue.enqueue(request)
    assert queue.get("a") == request
    assert queue.peek(1, NOW) == [request]


# -- enqueue, claim, finish


def test_an_id_is_enqueued_once(queue: SemanticQueue) -> None:
    assert queue.enqueue(make_request("a", 3))
    assert not queue.enqueue(make_request("a", 0))
    claim = claim_one(queue)
    assert claim.request.priority == 3
    assert not queue.enqueue(make_request("a", 0)), "it runs"
    assert queue.finish("a", claim.token)
    assert queue.enqueue(make_request("a", 0)), "it has left"


def test_a_request_without_exact_score_is_refused_and_not_stored(queue: SemanticQueue) -> None:
    with pytest.raises(ValueError, match="whole number"):
        queue.enqueue(make_request("a", predicted=2**24))
    assert queue.get("a") is None
    assert queue.counts() == QueueCounts()


def test_a_claim_has_an_expiry_and_excludes_other_workers(queue: SemanticQueue) -> None:
    fill(queue, [make_request("a"), make_request("b")])
    claim = claim_one(queue, worker="w1")
    assert claim.lease_expires_seconds == NOW + LEASE
    assert [lease.request.id for lease in queue.running()] == [claim.request.id]
    assert queue.lease_tokens() == {claim.request.id: claim.token}
    assert claim_one(queue, worker="w2").request.id != claim.request.id
    assert queue.claim("w3", 5, NOW, LEASE) == []
    assert queue.position(claim.request.id, NOW) is None


@pytest.mark.parametrize("num", [0, -1])
def test_a_claim_of_nothing_takes_nothing(queue: SemanticQueue, num: int) -> None:
    queue.enqueue(make_request("a"))
    assert queue.claim("w", num, NOW, LEASE) == []
    assert queue.peek(num, NOW) == []
    assert queue.counts().num_waiting == 1


def test_running_names_the_worker(queue: SemanticQueue) -> None:
    fill(queue, [make_request("a"), make_request("b")])
    late = claim_one(queue, worker="gpu one", now=NOW + 1)
    soon = claim_one(queue, worker="gpu two", now=NOW)
    assert [(each.request.id, each.worker, each.token) for each in queue.running()] == [
        (soon.request.id, "gpu two", soon.token),
        (late.request.id, "gpu one", late.token),
    ]
    assert queue.running()[0].expires_seconds == NOW + LEASE


def test_serial_runs_one_across_all_workers(queue: SemanticQueue) -> None:
    queue.switch_policy("serial")
    fill(queue, [make_request("a"), make_request("b", 0)])
    claim = claim_one(queue, worker="w1")
    assert queue.claim("w2", 1, NOW, LEASE) == []
    queue.finish(claim.request.id, claim.token)
    assert len(queue.claim("w2", 5, NOW, LEASE)) == 1


def test_max_running_counts_the_leases_of_all_workers(queue: SemanticQueue) -> None:
    fill(queue, mixed_requests(9))
    assert len(queue.claim("w1", 2, NOW, LEASE, max_running=3)) == 2
    assert len(queue.claim("w2", 5, NOW, LEASE, max_running=3)) == 1
    assert queue.claim("w1", 1, NOW, LEASE, max_running=3) == []


def test_counts_per_level(queue: SemanticQueue) -> None:
    fill(
        queue,
        [make_request("a", 0), make_request("b", 2), make_request("c", 2), make_request("d", 4)],
    )
    claim_one(queue)
    counts = queue.counts()
    assert counts == QueueCounts(waiting=(0, 0, 2, 0, 1), running=(1, 0, 0, 0, 0))
    assert (counts.num_waiting, counts.num_running) == (3, 1)


# -- leases


def test_release_keeps_progress_and_original_arrival(queue: SemanticQueue) -> None:
    fill(
        queue,
        [
            make_request("a", arrival=1.0, predicted=100),
            make_request("b", arrival=2.0, predicted=110),
        ],
    )
    claim = claim_one(queue)
    assert queue.release("a", claim.token, 60, NOW)
    assert queue.waiting(NOW)[0] == make_request("a", arrival=1.0, predicted=100).with_progress(60)
    assert queue.counts().num_running == 0


def test_a_released_request_is_sorted_by_its_progress(queue: SemanticQueue) -> None:
    fill(queue, [make_request("short", predicted=50), make_request("long", predicted=80)])
    queue.claim("w", 2, NOW, LEASE)
    for request_id, token in queue.lease_tokens().items():
        queue.release(request_id, token, {"short": 0, "long": 60}[request_id], NOW)
    assert ids(queue.waiting(NOW)) == ["long", "short"]


def test_renew_extends_leases_and_returns_stale_ids(queue: SemanticQueue) -> None:
    fill(queue, [make_request("a", 0), make_request("b", 1), make_request("c", 2)])
    tokens = {claim.request.id: claim.token for claim in queue.claim("w", 3, NOW, LEASE)}
    queue.cancel("b")
    queue.finish("c", tokens["c"])
    assert queue.renew("w", {**tokens, "never": "seen"}, NOW + 5, LEASE) == {"b", "c", "never"}
    assert reaped_ids(queue, NOW + LEASE + 1) == []
    assert reaped_ids(queue, NOW + 5 + LEASE) == ["a"]


def test_only_the_holder_of_a_lease_can_renew_it(queue: SemanticQueue) -> None:
    queue.enqueue(make_request("a"))
    claim = claim_one(queue, worker="w1")
    assert queue.renew("w2", {"a": claim.token}, NOW, LEASE) == {"a"}
    assert queue.renew("w1", {"a": "forged"}, NOW, LEASE) == {"a"}
    assert queue.renew("w1", {"a": claim.token}, NOW, LEASE) == set()
    assert queue.renew("w1", {}, NOW, LEASE) == set()


def test_reap_returns_only_expired_leases_to_waiting(queue: SemanticQueue) -> None:
    fill(queue, [make_request("a", 1, arrival=3.0), make_request("b", 2)])
    claim_one(queue, now=NOW)
    claim_one(queue, now=NOW + 1)
    assert reaped_ids(queue, NOW + LEASE - 0.001) == []
    assert reaped_ids(queue, NOW + LEASE) == ["a"]
    assert queue.waiting(NOW) == [make_request("a", 1, arrival=3.0)]
    assert [lease.request.id for lease in queue.running()] == ["b"]
    assert reaped_ids(queue, NOW + LEASE) == []


def test_a_stale_token_changes_nothing(queue: SemanticQueue) -> None:
    queue.enqueue(make_request("a"))
    old = claim_one(queue, worker="w1")
    queue.reap(NOW + LEASE)
    new = claim_one(queue, worker="w2", now=NOW + LEASE)
    assert old.token != new.token
    assert not queue.release("a", old.token, 99, NOW)
    assert not queue.finish("a", old.token)
    assert queue.renew("w1", {"a": old.token}, NOW, LEASE) == {"a"}
    assert queue.lease_tokens() == {"a": new.token}
    assert queue.finish("a", new.token)


def test_a_token_is_stale_after_release_and_finish(queue: SemanticQueue) -> None:
    fill(queue, [make_request("a"), make_request("b")])
    claims = {claim.request.id: claim.token for claim in queue.claim("w", 2, NOW, LEASE)}
    assert queue.release("a", claims["a"], 1, NOW)
    assert not queue.release("a", claims["a"], 2, NOW)
    assert not queue.finish("a", claims["a"])
    assert queue.finish("b", claims["b"])
    assert not queue.finish("b", claims["b"])
    assert not queue.release("b", claims["b"], 2, NOW)


# -- invalid arguments


@pytest.mark.parametrize("now", [inf, nan])
def test_a_time_that_is_not_finite_is_refused(queue: SemanticQueue, now: float) -> None:
    queue.enqueue(make_request("a"))
    for move in (queue.waiting, queue.reap, lambda at: queue.claim("w", 1, at, LEASE)):
        with pytest.raises(ValueError, match="now"):
            move(now)
    assert queue.counts().num_waiting == 1


@pytest.mark.parametrize("lease_seconds", [0.0, -1.0, nan])
def test_a_lease_without_length_is_refused(queue: SemanticQueue, lease_seconds: float) -> None:
    with pytest.raises(ValueError, match="lease_seconds"):
        queue.claim("w", 1, NOW, lease_seconds)


def test_a_worker_without_name_is_refused(queue: SemanticQueue) -> None:
    queue.enqueue(make_request("a"))
    with pytest.raises(ValueError, match="worker"):
        queue.claim("", 1, NOW, LEASE)
    assert queue.counts().num_running == 0
