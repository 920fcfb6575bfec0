"""Contract tests of cancellation, new priorities, policy switches and `replace_all`."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from scheduling.core.policies import POLICIES, rank
from scheduling.queue.protocol import QueueCounts, Replaced, SemanticQueue, UnknownPolicy
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

# -- cancel, re-prioritise


def test_cancel_returns_the_previous_state(queue: SemanticQueue) -> None:
    fill(queue, [make_request("a", 0), make_request("b", 4)])
    claim = claim_one(queue)
    assert queue.cancel("b") == "waiting"
    assert queue.cancel("a") == "running"
    assert queue.cancel("a") is None
    assert queue.counts() == QueueCounts()
    assert not queue.finish("a", claim.token)
    assert queue.renew("w", {"a": claim.token}, NOW, LEASE) == {"a"}


def test_a_cancelled_run_cannot_change_the_same_id_enqueued_again(queue: SemanticQueue) -> None:
    queue.enqueue(make_request("a"))
    old = claim_one(queue)
    queue.cancel("a")
    queue.enqueue(make_request("a"))
    new = claim_one(queue)
    assert not queue.finish("a", old.token)
    assert queue.renew("w", {"a": old.token}, NOW, LEASE) == {"a"}
    assert queue.renew("w", {"a": new.token}, NOW, LEASE) == set()


@pytest.mark.parametrize("policy_name", ["semantic", "semantic_due"])
def test_reprioritise_moves_a_waiting_request_at_once(
    queue: SemanticQueue, policy_name: str
) -> None:
    queue.switch_policy(policy_name)
    fill(queue, [make_request("a", 1), make_request("b", 4, due=NOW - 1)])
    assert queue.reprioritise("b", 0, NOW + 2)
    assert queue.waiting(NOW)[0] == make_request("b", 0, due=NOW + 2)
    assert queue.counts().waiting == (1, 1, 0, 0, 0)


def test_reprioritise_changes_a_running_request_and_survives_its_release(
    queue: SemanticQueue,
) -> None:
    queue.enqueue(make_request("a", 4))
    claim = claim_one(queue)
    queue.enqueue(make_request("b", 2))
    assert queue.reprioritise("a", 1, NOW + 10)
    assert queue.counts() == QueueCounts(waiting=(0, 0, 1, 0, 0), running=(0, 1, 0, 0, 0))
    assert queue.release("a", claim.token, 5, NOW), "its token is still good"
    assert queue.waiting(NOW)[0] == make_request("a", 1, due=NOW + 10).with_progress(5)


@pytest.mark.parametrize("policy_name", ["semantic", "sjf"])
def test_revise_gives_a_waiting_one_the_place_of_its_new_values(
    queue: SemanticQueue, policy_name: str
) -> None:
    queue.switch_policy(policy_name)
    fill(queue, [replace(make_request(name, 2), predicted_tokens=50) for name in "ab"])
    shorter = replace(make_request("b", 1), predicted_tokens=9, prompt_tokens=33)
    assert queue.revise(shorter)
    assert queue.waiting(NOW)[0] == shorter
    assert queue.counts().waiting == (0, 1, 1, 0, 0)


def test_revise_reaches_a_running_one_and_its_claim_stays_good(queue: SemanticQueue) -> None:
    queue.enqueue(make_request("a", 4))
    claim = claim_one(queue)
    assert queue.revise(replace(make_request("a", 1), predicted_tokens=9))
    assert queue.release("a", claim.token, 5, NOW)
    assert queue.waiting(NOW)[0].predicted_tokens == 9


def test_revise_of_an_unknown_id_changes_nothing(queue: SemanticQueue) -> None:
    assert not queue.revise(make_request("a"))
    assert queue.get("a") is None


def test_reprioritise_of_an_unknown_id_changes_nothing(queue: SemanticQueue) -> None:
    assert not queue.reprioritise("a", 0, NOW)
    assert queue.get("a") is None


# -- policies


def test_the_default_policy_is_semantic(queue: SemanticQueue) -> None:
    assert queue.active_policy() == "semantic"


@pytest.mark.parametrize("first", POLICIES)
def test_a_switch_sorts_waiting_requests_and_keeps_running_ones(
    queue: SemanticQueue, first: str
) -> None:
    queue.switch_policy(first)
    fill(queue, mixed_requests())
    claims = queue.claim("w", 3, NOW, LEASE)
    held = queue.lease_tokens()
    left = [each for each in mixed_requests() if each.id not in held]
    for name, policy in POLICIES.items():
        queue.switch_policy(name)
        assert queue.active_policy() == name
        assert queue.waiting(NOW) == rank(left, policy, NOW)
        assert queue.lease_tokens() == held
    assert queue.finish(claims[0].request.id, claims[0].token)


def test_an_unknown_policy_changes_nothing(queue: SemanticQueue) -> None:
    fill(queue, mixed_requests())
    with pytest.raises(UnknownPolicy, match="astrology"):
        queue.switch_policy("astrology")
    with pytest.raises(UnknownPolicy):
        queue.replace_all([], "astrology")
    assert queue.waiting(NOW) == rank(mixed_requests(), POLICIES["semantic"], NOW)


# -- reconcile


def test_replace_all_adds_removes_and_corrects(queue: SemanticQueue) -> None:
    fill(queue, [make_request("stays"), make_request("wrong", 4), make_request("gone")])
    truth = [make_request("stays"), make_request("wrong", 1), make_request("missing", 3)]
    assert queue.replace_all(truth, "semantic") == Replaced(added=1, removed=1, updated=1)
    assert queue.waiting(NOW) == rank(truth, POLICIES["semantic"], NOW)
    assert queue.counts().waiting == (0, 1, 1, 1, 0)
    assert queue.replace_all(truth, "semantic") == Replaced(0, 0, 0)


@pytest.mark.parametrize("policy_name", POLICIES)
def test_replace_all_rebuilds_an_empty_queue_in_the_same_order(
    queue: SemanticQueue, policy_name: str
) -> None:
    queue.switch_policy(policy_name)
    fill(queue, mixed_requests())
    before = queue.waiting(NOW)
    queue.clear()
    assert queue.waiting(NOW) == []
    assert queue.replace_all(mixed_requests(), policy_name) == Replaced(40, 0, 0)
    assert queue.waiting(NOW) == before


def test_replace_all_leaves_leases_alone(queue: SemanticQueue) -> None:
    fill(queue, [make_request("runs", 0), make_request("waits", 1)])
    claim = claim_one(queue)
    assert queue.replace_all([make_request("runs", 4)], "pjf") == Replaced(0, 1, 0)
    assert queue.lease_tokens() == {"runs": claim.token}
    assert queue.get("runs") == make_request("runs", 0)
    assert queue.replace_all([], "pjf") == Replaced(0, 0, 0)
    assert queue.finish("runs", claim.token)


def test_replace_all_sets_the_policy(queue: SemanticQueue) -> None:
    fill(queue, mixed_requests())
    assert queue.replace_all(mixed_requests(), "sjf") == Replaced(0, 0, 0)
    assert queue.active_policy() == "sjf"
    assert queue.waiting(NOW) == rank(mixed_requests(), POLICIES["sjf"], NOW)


def test_replace_all_keeps_changes_after_the_mark(queue: SemanticQueue) -> None:
    fill(
        queue,
        [
            make_request("done", 0),
            make_request("cancelled"),
            make_request("moved", 4),
            make_request("gone"),
            make_request("old"),
        ],
    )
    claim = claim_one(queue)
    mark = queue.mark()
    truth = [
        make_request("done", 0),
        make_request("cancelled"),
        make_request("moved", 4),
        make_request("old", 3),
        make_request("lost"),
    ]
    queue.finish("done", claim.token)
    queue.cancel("cancelled")
    queue.reprioritise("moved", 1, inf)
    queue.enqueue(make_request("new", 2))
    assert queue.replace_all(truth, "semantic", mark=mark) == Replaced(1, 1, 1)
    assert set(ids(queue.waiting(NOW))) == {"moved", "new", "old", "lost"}
    assert queue.get("moved") == make_request("moved", 1)


def test_replace_all_keeps_requests_that_returned_after_the_mark(queue: SemanticQueue) -> None:
    """Both requests were running at the mark, so the given requests do not include them."""
    fill(queue, [make_request("released", 0), make_request("expired", 1)])
    claims = queue.claim("w", 2, NOW, LEASE)
    mark = queue.mark()
    queue.release("released", claims[0].token, 5, NOW)
    assert reaped_ids(queue, NOW + LEASE) == ["expired"]
    assert queue.replace_all([], "semantic", mark=mark) == Replaced(0, 0, 0)
    assert ids(queue.waiting(NOW)) == ["released", "expired"]


def test_replace_all_keeps_a_policy_switched_after_the_mark(queue: SemanticQueue) -> None:
    mark = queue.mark()
    queue.switch_policy("sjf")
    queue.replace_all([make_request("a")], "semantic", mark=mark)
    assert queue.active_policy() == "sjf"
    queue.replace_all([make_request("a")], "semantic", mark=queue.mark())
    assert queue.active_policy() == "semantic"


def test_clear_removes_everything_but_the_policy(queue: SemanticQueue) -> None:
    queue.switch_policy("semantic_due")
    fill(queue, mixed_requests())
    claim = claim_one(queue)
    queue.clear()
    assert (queue.waiting(NOW), queue.running(), queue.counts()) == ([], [], QueueCounts())
    assert queue.active_policy() == "semantic_due"
    assert queue.renew("w", {claim.request.id: claim.token}, NOW, LEASE) == {claim.request.id}


def test_a_repeated_claim_returns_the_same_requests_and_claims_nothing_more(
    queue: SemanticQueue,
) -> None:
    fill(queue, mixed_requests())
    first = queue.claim("w", 3, NOW, LEASE, token="t1")
    again = queue.claim("w", 3, NOW + 5, LEASE, token="t1", repeated=True)
    assert {claim.request for claim in again} == {claim.request for claim in first}
    assert {claim.token for claim in again} == {"t1"}
    assert {claim.lease_expires_seconds for claim in again} == {NOW + 5 + LEASE}
    assert queue.claim("w", 3, NOW, LEASE, token="lost", repeated=True) == []
    assert queue.claim("other", 3, NOW, LEASE, token="t1", repeated=True) == []
    assert queue.counts().num_running == 3


def test_reap_returns_the_tokens_that_are_void(queue: SemanticQueue) -> None:
    fill(queue, [make_request("a"), make_request("b")])
    claims = queue.claim("w", 2, NOW, LEASE)
    assert queue.reap(NOW + LEASE) == [(claim.request.id, claim.token) for claim in claims]
    assert queue.audit() == ""
    assert queue.mend(NOW, LEASE) == 0
