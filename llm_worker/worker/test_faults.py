"""The fault law: whatever one call does, no job is lost, doubled, wedged or served out of order.

Every call that the loop makes of its stores and its engine, and that services and upkeep make of
the queue, is in a list here. A new one that no list names fails the first test.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
import redis

from llm_worker.engine.protocol import Engine
from llm_worker.worker.stores import Stores
from scheduling import connection, services
from scheduling.models import Job
from scheduling.queue.protocol import SemanticQueue
from tests.factories import at
from tests.fault_world import (
    LEASE_SECONDS,
    Fault,
    World,
    Wrapped,
    calls_by_database,
    error_of,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("virtual_time"),
    pytest.mark.timeout(120),
]


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The doorbell is lost every time; the loop looks at the queue by itself."""
    monkeypatch.setattr(services, "ring_doorbell", lambda: None)


STORES_CALLS = (
    *("grant", "head", "renew", "send", "finish", "release", "beat"),
    *("policy", "paused", "rows", "start", "mark", "store", "give_back", "recycle"),
)
ENGINE_CALLS = (
    *("start", "stop", "alive", "ready", "holds", "waiting", "add", "release", "cancel"),
    *("update", "set_policy", "events", "stats"),
)
NUM_AHEAD = {"waiting": 1}  # else the loop does not ask
ENGINE_CALLS_OF_OTHERS = {"count_prompt_tokens"}  # the loop does not make it
# What services and upkeep ask of the queue, while the worker's calls go well.
QUEUE_CALLS = (
    *("enqueue", "cancel", "reprioritise", "revise", "switch_policy"),
    *("reap", "audit", "mend", "mark", "lease_tokens", "replace_all"),
)
QUEUE_CALLS_OF_OTHERS = {
    *("claim", "peek", "renew", "release", "finish"),  # made through Stores
    *("waiting", "running", "get", "position", "counts", "active_policy"),  # reads, by pages
    "clear",  # nobody's
}


def public_methods(protocol: type) -> set[str]:
    members = inspect.getmembers(protocol, inspect.isfunction)
    return {name for name, _ in members if not name.startswith("_")}


def test_the_lists_name_every_call() -> None:
    assert public_methods(Stores) == set(STORES_CALLS)
    assert public_methods(Engine) == set(ENGINE_CALLS) | ENGINE_CALLS_OF_OTHERS
    assert public_methods(SemanticQueue) == set(QUEUE_CALLS) | QUEUE_CALLS_OF_OTHERS


def run_the_ward(
    world: World, fault: Fault, *, meanwhile: Callable[[], None] | None = None
) -> None:
    """Three cases, a resuscitation that takes a slot, an override, a cancelled case."""
    fault.world = world
    third, second, cancelled = world.submit(3), world.submit(2), world.submit(4)
    world.tick(3)
    urgent = world.submit(0)
    world.tick(1)
    services.reprioritise_job(second.id, 1, now=at(world.seconds))
    rewrite(world, world.submit(4))
    world.tick(1)
    world.cancel(cancelled)
    services.switch_policy("pjf", actor=None, reason="test", now=at(world.seconds))
    if meanwhile is not None:
        meanwhile()
    world.until_idle()
    world.check(cancelled)
    check_order(world, fault, urgent)
    assert Job.objects.get(id=third.id).priority == 3


def rewrite(world: World, job: Job) -> None:
    """The case has changed while it waits: its guidance is written from another prompt."""
    assert services.rewrite_job(
        job.id,
        prompt="changed",
        priority=4,
        prompt_tokens=10,
        predicted_tokens=job.predicted_tokens,
        now=at(world.seconds),
    )


def check_order(world: World, fault: Fault, urgent: Job) -> None:
    first = Job.objects.get(id=urgent.id)
    assert first.started_at is not None
    arrived = urgent.arrival_at.timestamp()
    trouble_over = arrived if fault.began_at is None else at(fault.began_at + 30).timestamp()
    waited = first.started_at.timestamp() - max(arrived, trouble_over)
    assert waited <= LEASE_SECONDS + 5, f"level 0 waited {waited:.0f} s after the trouble"
    later = Job.objects.filter(priority=4, status="done", started_at__gt=urgent.arrival_at)
    assert all(first.started_at <= job.started_at for job in later if job.started_at)


@pytest.mark.parametrize("kind", Fault.KINDS)
@pytest.mark.parametrize("call", calls_by_database(STORES_CALLS))
def test_a_store_may_do_what_it_likes(call: str, kind: str) -> None:
    fault = Fault(call, kind, error_of(call))
    run_the_ward(World(stores=fault.around), fault)
    assert fault.num_calls > 0


@pytest.mark.parametrize("kind", Fault.KINDS)
@pytest.mark.parametrize(
    "call", calls_by_database(["grant", "head", "start", "give_back", "release"])
)
def test_a_store_may_do_so_while_the_engine_has_more_jobs_than_slots(call: str, kind: str) -> None:
    fault = Fault(call, kind, error_of(call))
    run_the_ward(World(stores=fault.around, num_ahead=1), fault)
    assert fault.num_calls > 0


@pytest.mark.one_database  # the engine asks none; what mends it does so after other faults, too
@pytest.mark.parametrize("kind", Fault.KINDS)
@pytest.mark.parametrize("call", ENGINE_CALLS)
def test_an_engine_may_do_what_it_likes(call: str, kind: str) -> None:
    fault = Fault(call, kind, RuntimeError("the library is broken"))
    world = World(engine=fault.around, num_ahead=NUM_AHEAD.get(call, 0))
    # Two calls that the loop makes only then.
    occasions: dict[str, Callable[[], None]] = {
        "start": lambda: world.fake.fail_engine("out of memory"),
        "stop": world.restart_worker,
    }
    run_the_ward(world, fault, meanwhile=occasions.get(call))
    assert fault.num_calls > 0


@pytest.mark.parametrize(
    "kind",
    # Beside a transaction each call fails once on PostgreSQL, too.
    [
        kind if kind == "fails once" else pytest.param(kind, marks=pytest.mark.one_database)
        for kind in Fault.KINDS
    ],
)
@pytest.mark.parametrize("call", QUEUE_CALLS)
def test_services_and_upkeep_may_find_the_queue_as_it_likes(
    call: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = Fault(call, kind, redis.ConnectionError("gone"))
    queue: Any = Wrapped(connection.queue(), fault.around)
    monkeypatch.setattr(connection, "queue", lambda: queue)
    monkeypatch.setattr(connection, "patient_queue", lambda: queue)
    run_the_ward(World(), fault)
    assert fault.num_calls > 0
