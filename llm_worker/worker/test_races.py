"""Forced races: what people and upkeep do, before and after each step of a claim."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError

from scheduling import connection, services
from scheduling.models import Job
from tests.factories import at, make_job
from tests.fault_world import LEASE_SECONDS, World, calls_by_database

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("virtual_time"),
    pytest.mark.timeout(60),
]


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The doorbell is lost every time; the loop looks at the queue by itself."""
    monkeypatch.setattr(services, "ring_doorbell", lambda: None)


# Each call of the stores in the life of a claim, whichever way it goes.
CALLS = ("grant", "start", "send", "mark", "rows", "give_back", "release", "store", "finish")


def cancel(world: World, job: Job) -> None:
    world.cancel(job)


def override_up(world: World, job: Job) -> None:
    services.reprioritise_job(job.id, 0, now=at(world.seconds))


def override_down(world: World, job: Job) -> None:
    services.reprioritise_job(job.id, 4, now=at(world.seconds))


def submit_again(world: World, job: Job) -> None:
    """The same case cannot have a second open job; once its job has ended, it may."""
    if Job.objects.filter(id=job.id, status__in=("waiting", "running")).exists():
        with pytest.raises(IntegrityError):
            make_job(2, world.seconds, case_id=job.case_id)


def switch_policy(world: World, job: Job) -> None:
    services.switch_policy("serial", actor=None, reason="test", now=at(world.seconds))


def lease_end(world: World, job: Job) -> None:
    world.seconds += LEASE_SECONDS + 1
    world.look_after()


def lose_redis(world: World, job: Job) -> None:
    world.lose_redis()


def another_worker(world: World, job: Job) -> None:
    """The lease ends, and somebody else claims the job and gives it back."""
    world.seconds += LEASE_SECONDS + 1
    services.reap_expired(now=at(world.seconds))
    now = at(world.seconds)
    for other in services.claim_jobs("w2", 5, now=now, model_name="m"):
        services.release_job(
            other.job.id, token=other.token, token_ids=None, text="", now=now, why="worker stopped"
        )
        request = other.job.to_request()
        queue = connection.queue()
        queue.release(request.id, other.token, request.generated_tokens, now.timestamp())


ACTIONS: tuple[Callable[[World, Job], None], ...] = (
    *(cancel, override_up, override_down, submit_again),
    *(switch_policy, lease_end, lose_redis, another_worker),
)


class Hook:
    """Runs `action` once, before or after the first call of that name."""

    def __init__(self, name: str, is_after: bool, action: Callable[[World, Job], None]) -> None:
        self.name, self.is_after, self.action = name, is_after, action
        self.world: World | None = None
        self.victim: Job | None = None
        self.num_runs = 0

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        return call if name != self.name else lambda *args, **kw: self._call(call, *args, **kw)

    def _call(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not self.is_after:
            self._act()
        result = call(*args, **kwargs)
        if self.is_after:
            self._act()
        return result

    def _act(self) -> None:
        if self.world is not None and self.victim is not None and not self.num_runs:
            self.num_runs += 1
            self.action(self.world, self.victim)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", calls_by_database(CALLS))
def test_nothing_is_lost_whenever_it_happens(
    call: str, is_after: bool, action: Callable[[World, Job], None]
) -> None:
    hook = Hook(call, is_after, action)
    world = World(stores=hook.around)
    victim, other = world.submit(3), world.submit(2)
    hook.world, hook.victim = world, victim
    world.tick(3)
    world.submit(0)  # takes the victim's slot: so it goes back once, too
    world.until_idle()
    assert hook.num_runs == 1
    world.check(victim)
    assert Job.objects.get(id=other.id).status == "done"
