"""What every semantic queue promises where priorities, policies or the whole truth change."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from scheduling.core.policies import POLICIES, rank
from scheduling.queue.protocol import QueueCounts, Replaced, SemanticQueue, UnknownPolicy
from scheduling.queue.queue_testing import LEASE, NOW, claim_one, fill, ids, made, mixed

# -- cancel, re-prioritise


def test_cancel_says_what_it_was(queue: SemanticQueue) -> None:
    fill(queue, [made("a", 0), made("b", 4)])
    claim = claim_one(queue)
    assert queue.cancel("b") == "waiting"
    assert queue.cancel("a") == "running"
    assert queue.cancel("a") is None
    assert queue.counts() == QueueCounts()
    assert not queue.finish("a", claim.token)
    assert queue.renew("w", {"a": claim.token}, NOW, LEASE) == {"a"}


def test_a_cancelled_run_does_not_touch_the_same_id_enqueued_again(queue: SemanticQueue) -> None:
    queue.enqueue(made("a"))
    old = claim_one(queue)
    queue.cancel("a")
    queue.enqueue(made("a"))
    new = claim_one(queue)
    assert not queue.finish("a", old.token)
    assert queue.renew("w", {"a": old.token}, NOW, LEASE) == {"a"}
    assert queue.renew("w", {"a": new.token}, NOW, LEASE) == set()


@pytest.mark.parametrize("policy_name", ["semantic", "semantic_due"])
def test_reprioritise_moves_a_waiting_one_at_once(queue: SemanticQueue, policy_name: str) -> None:
    queue.switch_policy(policy_name)
    fill(queue, [made("a", 1), made("b", 4, due=NOW - 1)])
    assert queue.reprioritise("b", 0, NOW + 2)
    assert queue.waiting(NOW)[0] == made("b", 0, due=NOW + 2)
    assert queue.counts().waiting == (1, 1, 0, 0, 0)


def test_reprioritise_reaches_a_running_one_and_stays_with_it(queue: SemanticQueue) -> None:
    queue.enqueue(made("a", 4))
    claim = claim_one(queue)
    queue.enqueue(made("b", 2))
    assert queue.reprioritise("a", 1, NOW + 10)
    assert queue.counts() == QueueCounts(waiting=(0, 0, 1, 0, 0), running=(0, 1, 0, 0, 0))
    assert queue.release("a", claim.token, 5, NOW), "its token is still good"
    assert queue.waiting(NOW)[0] == made("a", 1, due=NOW + 10).with_progress(5)


@pytest.mark.parametrize("policy_name", ["semantic", "sjf"])
def test_revise_gives_a_waiting_one_the_place_of_its_new_values(
    queue: SemanticQueue, policy_name: str
) -> None:
    queue.switch_policy(policy_name)
    fill(queue, [replace(made(name, 2), predicted_tokens=50) for name in "ab"])
    shorter = replace(made("b", 1), predicted_tokens=9, prompt_tokens=33)
    assert queue.revise(shorter)
    assert queue.waiting(NOW)[0] == shorter
    assert queue.counts().waiting == (0, 1, 1, 0, 0)


def test_revise_reaches_a_running_one_and_its_claim_stays_good(queue: SemanticQueue) -> None:
    queue.enqueue(made("a", 4))
    claim = claim_one(queue)
    assert queue.revise(replace(made("a", 1), predicted_tokens=9))
    assert queue.release("a", claim.token, 5, NOW)
    assert queue.waiting(NOW)[0].predicted_tokens == 9


def test_revise_of_what_is_not_here(queue: SemanticQueue) -> None:
    assert not queue.revise(made("a"))
    assert queue.get("a") is None


def test_reprioritise_of_what_is_not_here(queue: SemanticQueue) -> None:
    assert not queue.reprioritise("a", 0, NOW)
    assert queue.get("a") is None


# -- policies


def test_a_queue_begins_with_semantic(queue: SemanticQueue) -> None:
    assert queue.active_policy() == "semantic"


@pytest.mark.parametrize("first", POLICIES)
def test_switching_orders_anew_what_waits_and_keeps_what_runs(
    queue: SemanticQueue, first: str
) -> None:
    queue.switch_policy(first)
    fill(queue, mixed())
    claims = queue.claim("w", 3, NOW, LEASE)
    held = queue.held()
    left = [each for each in mixed() if each.id not in held]
    for name, policy in POLICIES.items():
        queue.switch_policy(name)
        assert queue.active_policy() == name
        assert queue.waiting(NOW) == rank(left, policy, NOW)
        assert queue.held() == held
    assert queue.finish(claims[0].request.id, claims[0].token)


def test_an_unknown_policy_changes_nothing(queue: SemanticQueue) -> None:
    fill(queue, mixed())
    with pytest.raises(UnknownPolicy, match="astrology"):
        queue.switch_policy("astrology")
    with pytest.raises(UnknownPolicy):
        queue.replace_all([], "astrology")
    assert queue.waiting(NOW) == rank(mixed(), POLICIES["semantic"], NOW)


# -- reconcile


def test_replace_all_adds_removes_and_corrects(queue: SemanticQueue) -> None:
    fill(queue, [made("stays"), made("wrong", 4), made("gone")])
    truth = [made("stays"), made("wrong", 1), made("missing", 3)]
    assert queue.replace_all(truth, "semantic") == Replaced(added=1, removed=1, updated=1)
    assert queue.waiting(NOW) == rank(truth, POLICIES["semantic"], NOW)
    assert queue.counts().waiting == (0, 1, 1, 1, 0)
    assert queue.replace_all(truth, "semantic") == Replaced(0, 0, 0)


@pytest.mark.parametrize("policy_name", POLICIES)
def test_replace_all_rebuilds_an_empty_queue_in_the_same_order(
    queue: SemanticQueue, policy_name: str
) -> None:
    queue.switch_policy(policy_name)
    fill(queue, mixed())
    before = queue.waiting(NOW)
    queue.clear()
    assert queue.waiting(NOW) == []
    assert queue.replace_all(mixed(), policy_name) == Replaced(40, 0, 0)
    assert queue.waiting(NOW) == before


def test_replace_all_leaves_leases_alone(queue: SemanticQueue) -> None:
    fill(queue, [made("runs", 0), made("waits", 1)])
    claim = claim_one(queue)
    assert queue.replace_all([made("runs", 4)], "pjf") == Replaced(0, 1, 0)
    assert queue.held() == {"runs": claim.token}
    assert queue.get("runs") == made("runs", 0)
    assert queue.replace_all([], "pjf") == Replaced(0, 0, 0)
    assert queue.finish("runs", claim.token)


def test_replace_all_sets_the_policy(queue: SemanticQueue) -> None:
    fill(queue, mixed())
    assert queue.replace_all(mixed(), "sjf") == Replaced(0, 0, 0)
    assert queue.active_policy() == "sjf"
    assert queue.waiting(NOW) == rank(mixed(), POLICIES["sjf"], NOW)


def test_what_changed_after_the_mark_is_left_alone(queue: SemanticQueue) -> None:
    fill(queue, [made("done", 0), made("cancelled"), made("moved", 4), made("gone"), made("old")])
    claim = claim_one(queue)
    mark = queue.mark()
    truth = [made("done", 0), made("cancelled"), made("moved", 4), made("old", 3), made("lost")]
    queue.finish("done", claim.token)
    queue.cancel("cancelled")
    queue.reprioritise("moved", 1, inf)
    queue.enqueue(made("new", 2))
    assert queue.replace_all(truth, "semantic", mark=mark) == Replaced(1, 1, 1)
    assert set(ids(queue.waiting(NOW))) == {"moved", "new", "old", "lost"}
    assert queue.get("moved") == made("moved", 1)


def test_what_came_back_after_the_mark_is_not_thrown_out(queue: SemanticQueue) -> None:
    """The truth read at the mark said that both run, so it does not list them as waiting."""
    fill(queue, [made("released", 0), made("expired", 1)])
    claims = queue.claim("w", 2, NOW, LEASE)
    mark = queue.mark()
    queue.release("released", claims[0].token, 5, NOW)
    assert queue.reap(NOW + LEASE) == ["expired"]
    assert queue.replace_all([], "semantic", mark=mark) == Replaced(0, 0, 0)
    assert ids(queue.waiting(NOW)) == ["released", "expired"]


def test_a_policy_switched_after_the_mark_stays(queue: SemanticQueue) -> None:
    mark = queue.mark()
    queue.switch_policy("sjf")
    queue.replace_all([made("a")], "semantic", mark=mark)
    assert queue.active_policy() == "sjf"
    queue.replace_all([made("a")], "semantic", mark=queue.mark())
    assert queue.active_policy() == "semantic"


def test_clear_forgets_all_but_the_policy(queue: SemanticQueue) -> None:
    queue.switch_policy("semantic_due")
    fill(queue, mixed())
    claim = claim_one(queue)
    queue.clear()
    assert (queue.waiting(NOW), queue.running(), queue.counts()) == ([], [], QueueCounts())
    assert queue.active_policy() == "semantic_due"
    assert queue.renew("w", {claim.request.id: claim.token}, NOW, LEASE) == {claim.request.id}
