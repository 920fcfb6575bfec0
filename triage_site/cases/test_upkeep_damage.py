"""Every key of the queue, deleted or damaged: the upkeep rebuilds it within ten seconds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.utils import timezone

from scheduling import connection, services
from scheduling.core.policies import POLICIES, rank
from scheduling.core.status import JobStatus
from scheduling.models import Job, PolicyChange
from scheduling.queue.semantic_queue import tagged
from triage_site.cases.upkeep import _Keeper

pytestmark = pytest.mark.django_db

KEYS = ("state", "jobs", "order", "urgent", "due", "leases", "holders", "counts", "changes")
REBUILT_SECONDS = 10.0


def delete(client: redis.Redis, key: str) -> object:
    return client.delete(key)


def overwrite(client: redis.Redis, key: str) -> object:
    return client.set(key, "rubbish")


def lose_one(client: redis.Redis, key: str) -> object:
    if client.type(key) == "zset":
        return client.zpopmin(key)
    return client.hdel(key, *client.hkeys(key)[:1])


def spoil_one(client: redis.Redis, key: str) -> object:
    if client.type(key) == "zset":
        return client.zadd(key, {"rubbish": 1.0})
    return client.hset(key, str(client.hkeys(key)[0]), "rubbish")


@pytest.fixture
def policy(redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> str:
    """Twelve jobs of all levels, two of them running, under a policy that uses every key."""
    monkeypatch.setattr(services, "ring_doorbell", lambda: None)
    PolicyChange.objects.create(old="semantic", new="semantic_due", reason="test")
    values: dict[str, Any] = {"prompt": "p", "prompt_tokens": 9, "predicted_tokens": 9}
    first = timezone.now() - timedelta(minutes=1)
    for number in range(12):
        arrival = first + timedelta(seconds=number)
        due = arrival if number % 3 else timezone.now() + timedelta(hours=1)
        Job.objects.create(
            case_id=f"00000000-0000-4000-8000-{number:012}",
            priority=number % 5,
            arrival_at=arrival,
            due_at=due,
            **values,
        )
    services.reconcile(now=timezone.now())
    services.claim_jobs("w", 2, now=timezone.now(), model_name="m")
    return "semantic_due"


@pytest.mark.parametrize("damage", [delete, overwrite, lose_one, spoil_one])
@pytest.mark.parametrize("key", KEYS)
def test_the_upkeep_rebuilds_whatever_was_lost(
    redis_client: redis.Redis,
    policy: str,
    key: str,
    damage: Callable[[redis.Redis, str], object],
) -> None:
    keeper = _Keeper()
    keeper.round(100.0)
    damage(redis_client, tagged("main", key))
    for half_seconds in range(1, int(2 * REBUILT_SECONDS) + 1):
        keeper.round(100.0 + half_seconds / 2)
    queue, now = connection.queue(), timezone.now()
    assert queue.audit() == ""
    status = Job.objects.values_list("status", flat=True)
    waiting = [job.to_request() for job in Job.objects.filter(status=JobStatus.WAITING)]
    assert queue.waiting(now.timestamp()) == rank(waiting, POLICIES[policy], now.timestamp())
    running = Job.objects.filter(status=JobStatus.RUNNING).values_list("id", "claim_token")
    assert queue.lease_tokens() == {str(job_id): token for job_id, token in running}
    assert set(status) <= {JobStatus.WAITING, JobStatus.RUNNING}
