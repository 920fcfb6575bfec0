"""Keys that were deleted, overwritten or filled with rubbish: the queue finds it and heals."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import redis

from scheduling.core.policies import POLICIES, rank
from scheduling.queue.queue_testing import LEASE, NOW, fill, make_request, mixed_requests
from scheduling.queue.semantic_queue import RedisSemanticQueue, tagged

KEYS = ("state", "jobs", "order", "urgent", "due", "leases", "holders", "counts", "changes")
Damage = Callable[[redis.Redis, str], object]


def _delete(client: redis.Redis, key: str) -> object:
    return client.delete(key)


def _replace_by_text(client: redis.Redis, key: str) -> object:
    return client.set(key, "rubbish")


def _fill_with_rubbish(client: redis.Redis, key: str) -> object:
    if client.type(key) == "zset":
        return client.zadd(key, {"rubbish": 1.0, "0000000000000000:nobody": -1.0})
    field = client.hkeys(key)[0]
    return client.hset(key, field, "rubbish")


def _lose_one(client: redis.Redis, key: str) -> object:
    if client.type(key) == "zset":
        return client.zpopmin(key)
    return client.hdel(key, client.hkeys(key)[0])


DAMAGES: tuple[Damage, ...] = (_delete, _replace_by_text, _fill_with_rubbish, _lose_one)


@pytest.fixture
def queue(redis_client: redis.Redis) -> RedisSemanticQueue:
    """Waiting requests of all levels, before and past their due time, and two that run."""
    queue = RedisSemanticQueue(redis_client, time="caller")
    queue.switch_policy("semantic_due")
    fill(queue, mixed_requests())
    queue.claim("w", 2, NOW, LEASE)
    assert queue.audit() == ""
    return queue


def heal(queue: RedisSemanticQueue) -> None:
    """What `reconcile` does, for a truth in which nothing runs that nobody holds."""
    queue.mend(NOW, LEASE)
    mark = queue.mark()
    truth = [request for request in mixed_requests() if request.id not in queue.lease_tokens()]
    queue.replace_all(truth, "semantic_due", mark=mark)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("key", KEYS)
def test_whatever_happens_to_a_key_everything_is_served_in_order_again(
    queue: RedisSemanticQueue, redis_client: redis.Redis, key: str, damage: Damage
) -> None:
    damage(redis_client, tagged("main", key))
    heal(queue)
    assert queue.audit() == ""
    waiting, held = queue.waiting(NOW), queue.lease_tokens()
    assert {request.id for request in waiting} | set(held) == {each.id for each in mixed_requests()}
    assert waiting == rank(waiting, POLICIES["semantic_due"], NOW)
    assert queue.mend(NOW, LEASE) == 0, "once is enough"
    taken = []
    while claims := queue.claim("w2", 4, NOW, LEASE):
        taken += [claim.request for claim in claims]
    assert taken == waiting


@pytest.mark.parametrize("key", ["order", "urgent", "due", "jobs", "leases", "holders", "counts"])
def test_a_lost_key_is_seen_at_a_glance(
    queue: RedisSemanticQueue, redis_client: redis.Redis, key: str
) -> None:
    redis_client.delete(tagged("main", key))
    assert queue.audit() != ""


@pytest.mark.parametrize("key", ["order", "urgent", "due", "jobs"])
def test_what_cannot_be_read_does_not_stop_the_others(
    queue: RedisSemanticQueue, redis_client: redis.Redis, key: str
) -> None:
    healthy = queue.waiting(NOW)
    for each in ("jobs",) if key == "jobs" else (key,):
        if each == "jobs":
            redis_client.hset(tagged("main", "jobs"), healthy[0].id, "9 rubbish")
        else:
            redis_client.zadd(tagged("main", each), {"0000000000000000:nobody": -1e9})
    rest = healthy[1:] if key == "jobs" else healthy
    assert queue.peek(3, NOW) == rest[:3]
    assert [claim.request for claim in queue.claim("w", 3, NOW, LEASE)] == rest[:3]
    assert queue.audit() != ""


def test_a_claim_survives_what_can_be_read_of_it(
    queue: RedisSemanticQueue, redis_client: redis.Redis
) -> None:
    held = queue.lease_tokens()
    redis_client.delete(tagged("main", "leases"))
    heal(queue)
    assert queue.lease_tokens() == held
    assert {lease.expires_seconds for lease in queue.running()} == {NOW + LEASE}
    assert queue.renew("w", held, NOW, LEASE) == set()


def test_a_lease_whose_record_is_gone_ends_without_harm(
    queue: RedisSemanticQueue, redis_client: redis.Redis
) -> None:
    redis_client.delete(tagged("main", "jobs"))
    held = queue.lease_tokens()
    first, second = held
    assert queue.finish(first, held[first])
    assert [each.request_id for each in queue.reap(NOW + LEASE)] == [second]
    assert queue.running() == []
    heal(queue)
    assert len(queue.waiting(NOW)) == len(mixed_requests())


# -- whose clock


def test_hosts_whose_clocks_differ_by_a_minute_work_together(redis_client: redis.Redis) -> None:
    here = time.time()
    ahead, behind = (RedisSemanticQueue(redis_client) for _ in range(2))
    ahead.enqueue(make_request("a", arrival=here))
    (claim,) = ahead.claim("w1", 1, here + 60, LEASE)
    assert behind.reap(here - 60) == []
    assert behind.reap(here + 3600) == [], "nobody's clock but the server's ends a lease"
    assert ahead.renew("w1", {"a": claim.token}, here + 60, 0.05) == set()
    time.sleep(0.1)
    assert behind.reap(here - 60) == [("a", claim.token)]


def test_due_times_go_by_the_clock_of_the_server(redis_client: redis.Redis) -> None:
    queue, here = RedisSemanticQueue(redis_client), time.time()
    queue.switch_policy("semantic_due")
    queue.enqueue(make_request("urgent", 1, due=here + 900))
    queue.enqueue(make_request("overdue", 4, due=here - 1))
    for wrong in (here - 3600, here + 3600):
        assert [request.id for request in queue.waiting(wrong)] == ["overdue", "urgent"]
        assert queue.position("urgent", wrong) == 1
