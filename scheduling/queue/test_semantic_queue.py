"""Tests of the queue in Redis only: keys, scripts, processes with different policies."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import redis

from scheduling.core.policies import POLICIES, rank
from scheduling.core.request import Request
from scheduling.queue import semantic_queue
from scheduling.queue.protocol import UnknownPolicy
from scheduling.queue.queue_testing import (
    LEASE,
    NOW,
    claim_one,
    fill,
    make_request,
    mixed_requests,
    reaped_ids,
)
from scheduling.queue.semantic_queue import RedisSemanticQueue

in_virtual_time = partial(RedisSemanticQueue, time="caller")
LUA = Path(semantic_queue.__file__).parent / "lua"
# Commands that Redis 6.2, Redis 7 and Valkey all have.
SHARED_COMMANDS = {
    *("DEL", "HDEL", "HEXISTS", "HGET", "HGETALL", "HINCRBY", "HKEYS", "HLEN", "HMGET", "HSET"),
    "TIME",
    *("ZADD", "ZCARD", "ZCOUNT", "ZRANGE", "ZRANGEBYSCORE", "ZRANK", "ZREM"),
    *("ZREMRANGEBYRANK", "ZSCORE"),
}


def keys_of(client: redis.Redis) -> list[str]:
    return [str(key) for key in client.keys("*")]


def cluster_tag(key: str) -> str:
    tag = re.match(r"[^{]*\{([^}]+)\}", key)
    return tag[1] if tag else key


def test_all_keys_of_a_queue_share_one_cluster_slot(redis_client: redis.Redis) -> None:
    queue = in_virtual_time(redis_client, name="ward")
    queue.switch_policy("semantic_due")
    fill(queue, mixed_requests())
    queue.claim("w", 3, NOW, LEASE)
    keys = keys_of(redis_client)
    assert len(keys) == 9
    assert {cluster_tag(key) for key in keys} == {"triage:ward"}


def test_queues_with_different_names_are_independent(redis_client: redis.Redis) -> None:
    one, two = (in_virtual_time(redis_client, name=name) for name in ("one", "two"))
    one.enqueue(make_request("a"))
    one.switch_policy("sjf")
    assert two.waiting(NOW) == []
    assert two.active_policy() == "semantic"
    assert two.enqueue(make_request("a"))


def test_an_empty_queue_has_no_job_keys(redis_client: redis.Redis) -> None:
    queue = in_virtual_time(redis_client)
    queue.switch_policy("semantic_due")
    fill(queue, mixed_requests())
    for claim in queue.claim("w", 40, NOW, LEASE):
        queue.finish(claim.request.id, claim.token)
    left = {key.rpartition(":")[2] for key in keys_of(redis_client)}
    assert left == {"state", "counts", "changes"}


def test_the_list_of_changes_has_a_maximum_length(redis_client: redis.Redis) -> None:
    text = (LUA / "prelude.lua").read_text()
    kept = re.search(r"NUM_CHANGES_KEPT = (\d+)", text)
    assert kept is not None
    key = "{triage:main}:changes"
    redis_client.zadd(key, {f"old-{n}": n / 1e6 for n in range(int(kept[1]) + 50)})
    in_virtual_time(redis_client).enqueue(make_request("a"))
    assert redis_client.zcard(key) == int(kept[1])
    assert redis_client.zscore(key, "a") is not None


def test_scripts_are_loaded_again_after_a_script_flush(redis_client: redis.Redis) -> None:
    queue = in_virtual_time(redis_client)
    queue.enqueue(make_request("a"))
    redis_client.script_flush()
    assert claim_one(queue).request.id == "a"


def test_a_client_without_decoding_works_too(redis_server: str, redis_client: redis.Redis) -> None:
    with redis.Redis.from_url(redis_server) as raw:
        queue = in_virtual_time(raw)
        fill(queue, mixed_requests())
        assert queue.waiting(NOW) == rank(mixed_requests(), POLICIES["semantic"], NOW)
        claim = claim_one(queue)
        assert queue.lease_tokens() == {claim.request.id: claim.token}
        assert queue.running()[0].worker == "w"
        assert queue.renew("w", {"gone": "x"}, NOW, LEASE) == {"gone"}
        assert queue.counts().num_running == 1
        assert queue.active_policy() == "semantic"
        assert queue.replace_all(mixed_requests(), "pjf", mark=queue.mark()) == (0, 0, 0)
        assert queue.cancel(claim.request.id) == "running"


def test_scripts_use_only_commands_of_all_servers() -> None:
    for path in LUA.glob("*.lua"):
        text = path.read_text()
        assert set(re.findall(r"redis\.call\('(\w+)'", text)) <= SHARED_COMMANDS, path.name
        assert "redis.call(" not in re.sub(r"redis\.call\('", "", text), path.name


def test_every_script_belongs_to_one_method_of_the_queue() -> None:
    names = {path.stem for path in LUA.glob("*.lua")} - {"prelude"}
    assert all(callable(getattr(RedisSemanticQueue, name)) for name in names)


def test_a_switch_adds_missing_scores_to_stored_requests(redis_client: redis.Redis) -> None:
    """A new release adds a policy; waiting requests get their scores at the switch."""
    known = {name: policy for name, policy in POLICIES.items() if name != "semantic_due"}
    old, new = in_virtual_time(redis_client, policies=known), in_virtual_time(redis_client)
    fill(old, mixed_requests())
    claim = claim_one(old)
    left = [each for each in mixed_requests() if each != claim.request]
    new.switch_policy("semantic_due")
    assert new.waiting(NOW) == rank(left, POLICIES["semantic_due"], NOW)
    assert reaped_ids(new, NOW + LEASE) == [claim.request.id], "running requests get scores too"
    assert new.waiting(NOW) == rank(mixed_requests(), POLICIES["semantic_due"], NOW)


def test_a_process_without_the_active_policy_raises_an_error(redis_client: redis.Redis) -> None:
    known = {name: policy for name, policy in POLICIES.items() if name != "sjf"}
    old, new = in_virtual_time(redis_client, policies=known), in_virtual_time(redis_client)
    new.enqueue(make_request("a"))
    new.switch_policy("sjf")
    with pytest.raises(UnknownPolicy, match="sjf"):
        old.enqueue(make_request("b"))
    with pytest.raises(UnknownPolicy, match="sjf"):
        old.reprioritise("a", 0, NOW)
    claim = claim_one(old)
    with pytest.raises(UnknownPolicy, match="sjf"):
        old.release("a", claim.token, 5, NOW)
    assert old.lease_tokens() == {"a": claim.token}, "nothing was changed"
    assert new.waiting(NOW) == []


def interfere(
    monkeypatch: pytest.MonkeyPatch, queue: RedisSemanticQueue, move: Callable[[], object]
) -> None:
    """Runs `move` once, after `queue` has read a record and before it writes the record."""
    read = queue._stored

    def read_then_move(request_id: str) -> str | None:
        record = read(request_id)
        monkeypatch.setattr(queue, "_stored", read)
        assert move()
        return record

    monkeypatch.setattr(queue, "_stored", read_then_move)


def test_a_release_keeps_a_concurrent_new_priority(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue, other = in_virtual_time(redis_client), in_virtual_time(redis_client)
    queue.enqueue(make_request("a", 4))
    claim = claim_one(queue)
    interfere(monkeypatch, queue, lambda: other.reprioritise("a", 1, NOW))
    assert queue.release("a", claim.token, 9, NOW)
    assert queue.waiting(NOW) == [make_request("a", 1, due=NOW).with_progress(9)]
    assert queue.counts().waiting == (0, 1, 0, 0, 0)


def test_a_new_priority_keeps_concurrent_progress(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue, other = in_virtual_time(redis_client), in_virtual_time(redis_client)
    queue.enqueue(make_request("a", 4))
    claim = claim_one(queue)
    interfere(monkeypatch, queue, lambda: other.release("a", claim.token, 9, NOW))
    assert queue.reprioritise("a", 1, NOW)
    assert queue.waiting(NOW) == [make_request("a", 1, due=NOW).with_progress(9)]
    assert queue.counts().waiting == (0, 1, 0, 0, 0)


def test_a_concurrent_cancellation_is_final(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue, other = in_virtual_time(redis_client), in_virtual_time(redis_client)
    queue.enqueue(make_request("a"))
    claim = claim_one(queue)
    interfere(monkeypatch, queue, lambda: other.cancel("a"))
    assert not queue.release("a", claim.token, 9, NOW)
    queue.enqueue(make_request("b"))
    interfere(monkeypatch, queue, lambda: other.cancel("b"))
    assert not queue.reprioritise("b", 0, NOW)
    assert queue.waiting(NOW) == []


def test_a_mark_from_before_a_flush_removes_nothing(redis_client: redis.Redis) -> None:
    queue = in_virtual_time(redis_client)
    fill(queue, mixed_requests())
    mark = queue.mark()
    redis_client.flushall()
    queue.enqueue(make_request("came-in-since"))
    assert queue.replace_all(mixed_requests(), "semantic", mark=mark) == (40, 0, 0)
    assert queue.get("came-in-since") is not None


def test_tokens_are_unique_even_after_a_flush(redis_client: redis.Redis) -> None:
    queue = in_virtual_time(redis_client)
    queue.enqueue(make_request("a"))
    old = claim_one(queue, worker="w1")
    redis_client.flushall()
    queue.replace_all([make_request("a")], "semantic")
    new = claim_one(queue, worker="w1")
    assert new.token != old.token
    assert not queue.finish("a", old.token)
    assert queue.renew("w1", {"a": old.token}, NOW, LEASE) == {"a"}


@pytest.mark.parametrize("policy_name", POLICIES)
def test_flush_then_replace_all_gives_the_same_order(
    redis_client: redis.Redis, policy_name: str
) -> None:
    queue = in_virtual_time(redis_client)
    queue.switch_policy(policy_name)
    fill(queue, mixed_requests(30))
    before = queue.waiting(NOW)
    redis_client.flushall()
    truth: list[Request] = sorted(before, key=lambda each: each.id)
    assert queue.replace_all(truth, policy_name) == (30, 0, 0)
    assert queue.waiting(NOW) == before
    assert queue.replace_all(truth, policy_name) == (0, 0, 0)


@pytest.mark.parametrize("wrong", ["two words", "a,b", "", "other"])
def test_a_policy_name_that_records_cannot_hold_is_refused(
    redis_client: redis.Redis, wrong: str
) -> None:
    with pytest.raises(ValueError, match="policies: "):
        in_virtual_time(redis_client, policies={**POLICIES, wrong: POLICIES["sjf"]})


@pytest.mark.parametrize("policy_name", POLICIES)
def test_queues_larger_than_one_chunk(redis_client: redis.Redis, policy_name: str) -> None:
    """Scripts read and write in chunks; no request is lost between two chunks."""
    truth = mixed_requests(2300)
    queue = in_virtual_time(redis_client)
    assert queue.replace_all(truth, "semantic_due") == (2300, 0, 0)
    queue.switch_policy(policy_name)
    expected = rank(truth, POLICIES[policy_name], NOW)
    assert queue.waiting(NOW) == expected
    assert queue.position(expected[2100].id, NOW) == 2100
    assert queue.replace_all(truth[:50], policy_name) == (0, 2250, 0)
    assert queue.counts().num_waiting == 50
