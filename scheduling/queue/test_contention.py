"""Concurrency tests: no job is lost or done twice, and no two workers hold the same job."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle
from multiprocessing import get_context
from random import Random
from time import monotonic

import pytest
import redis

from scheduling.core.policies import POLICIES, rank
from scheduling.queue.memory_queue import MemorySemanticQueue
from scheduling.queue.protocol import QueueCounts, SemanticQueue
from scheduling.queue.queue_testing import LEASE, NOW, make_request
from scheduling.queue.semantic_queue import RedisSemanticQueue

NUM_PRODUCERS, NUM_WORKERS, JOBS_EACH = 2, 4, 120
Connect = Callable[[], SemanticQueue]
pytestmark = pytest.mark.timeout(60)


@pytest.fixture(params=["memory", "redis"])
def connect(request: pytest.FixtureRequest) -> Connect:
    """Returns a queue object for each caller; all share the same queue."""
    if request.param == "memory":
        shared = MemorySemanticQueue()
        return lambda: shared
    url = request.getfixturevalue("redis_server")
    request.getfixturevalue("redis_client")
    return lambda: RedisSemanticQueue(redis.Redis.from_url(url), time="caller")


@contextmanager
def policies_switching(connect: Connect) -> Iterator[list[str]]:
    """Switches policies all the time in a thread; yields the list of names so far."""
    stop = threading.Event()
    done: list[str] = []

    def switch() -> None:
        queue = connect()
        for name in cycle(POLICIES):
            if stop.is_set():
                return
            queue.switch_policy(name)
            done.append(name)

    with ThreadPoolExecutor(1) as pool:
        switching = pool.submit(switch)
        try:
            yield done
        finally:
            stop.set()
            switching.result(timeout=30)


class ClaimedJobs:
    """The jobs that workers hold, recorded by the workers themselves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: set[str] = set()
        self.finished: Counter[str] = Counter()

    def take(self, request_id: str) -> None:
        with self._lock:
            assert request_id not in self._held, f"two workers hold {request_id}"
            self._held.add(request_id)

    def drop(self, request_id: str, *, finished: bool) -> None:
        with self._lock:
            self._held.remove(request_id)
            self.finished[request_id] += finished


def produce(queue: SemanticQueue, producer: int) -> None:
    random = Random(producer)
    for n in range(JOBS_EACH):
        request = make_request(
            f"{producer}-{n}",
            random.randrange(5),
            arrival=float(n),
            predicted=random.randrange(300),
            due=NOW + random.randrange(-50, 50),
        )
        assert queue.enqueue(request)
        if n % 7 == 0:
            request_id = f"{producer}-{random.randrange(n + 1)}"
            queue.reprioritise(request_id, random.randrange(5), NOW)


def work(queue: SemanticQueue, number: int, claimed: ClaimedJobs, num_jobs: int) -> None:
    random = Random(100 + number)
    worker = f"w{number}"
    while claimed.finished.total() < num_jobs:
        for claim in queue.claim(worker, random.randrange(1, 4), NOW, LEASE):
            request_id = claim.request.id
            claimed.take(request_id)
            assert queue.renew(worker, {request_id: claim.token}, NOW, LEASE) == set()
            finished = random.random() < 0.6
            claimed.drop(request_id, finished=finished)  # before another worker can claim it
            if finished:
                assert queue.finish(request_id, claim.token)
            else:
                assert queue.release(request_id, claim.token, random.randrange(50), NOW)


def test_every_job_is_done_once_while_policies_switch(connect: Connect) -> None:
    claimed = ClaimedJobs()
    num_jobs = NUM_PRODUCERS * JOBS_EACH
    with policies_switching(connect) as switches, ThreadPoolExecutor(8) as pool:
        tasks = [pool.submit(produce, connect(), n) for n in range(NUM_PRODUCERS)]
        tasks += [pool.submit(work, connect(), n, claimed, num_jobs) for n in range(NUM_WORKERS)]
        for task in tasks:
            task.result(timeout=50)
    expected = {f"{producer}-{n}" for producer in range(NUM_PRODUCERS) for n in range(JOBS_EACH)}
    assert claimed.finished == Counter(expected)
    assert connect().counts() == QueueCounts()
    assert (connect().waiting(NOW), connect().running()) == ([], [])
    assert len(set(switches)) > 1


def test_every_waiting_job_is_listed_once_during_a_switch(connect: Connect) -> None:
    """A reader always sees each waiting case exactly once."""
    queue = connect()
    waiting_ids = {f"waiting-{n}" for n in range(60)}
    for n, request_id in enumerate(sorted(waiting_ids)):
        queue.enqueue(make_request(request_id, n % 5, predicted=n * 7 % 50, due=NOW + n % 9 - 4))
    with policies_switching(connect) as switches, ThreadPoolExecutor(2) as pool:
        tasks = [pool.submit(produce, connect(), n) for n in range(2)]
        num_reads = 0
        while num_reads < 100 or not all(task.done() for task in tasks):
            seen = Counter(request.id for request in queue.waiting(NOW))
            assert set(seen.values()) == {1}
            assert waiting_ids <= set(seen)
            assert all(queue.position(each, NOW) is not None for each in sorted(waiting_ids)[:3])
            num_reads += 1
        for task in tasks:
            task.result()
    assert len(switches) > 2
    queue.switch_policy("semantic_due")
    waiting = queue.waiting(NOW)
    assert len(waiting) == 60 + 2 * JOBS_EACH
    assert waiting == rank(waiting, POLICIES["semantic_due"], NOW)


def test_concurrent_releases_and_new_priorities_are_both_kept(connect: Connect) -> None:
    """Both read a record, compute scores and write it back; neither overwrites the other."""
    queue = connect()
    queue.enqueue(make_request("a", 4))
    rounds = 150

    def release_often(queue: SemanticQueue) -> None:
        for generated in range(1, rounds + 1):
            (claim,) = queue.claim("w", 1, NOW, LEASE)
            assert queue.release("a", claim.token, generated, NOW)

    def reprioritise_often(queue: SemanticQueue) -> None:
        for n in range(rounds):
            assert queue.reprioritise("a", n % 5, NOW + n)

    with ThreadPoolExecutor(2) as pool:
        tasks = [pool.submit(release_often, connect()), pool.submit(reprioritise_often, connect())]
        for task in tasks:
            task.result(timeout=50)
    final = make_request("a", (rounds - 1) % 5, due=NOW + rounds - 1).with_progress(rounds)
    assert queue.waiting(NOW) == [final]
    assert queue.counts().num_waiting == 1


def test_one_slot_is_never_taken_twice_under_serial(connect: Connect) -> None:
    for n in range(30):
        connect().enqueue(make_request(f"j{n}"))
    connect().switch_policy("serial")
    claimed = ClaimedJobs()
    end = monotonic() + 40

    def serve(queue: SemanticQueue) -> None:
        while claimed.finished.total() < 30 and monotonic() < end:
            for claim in queue.claim("w", 5, NOW, LEASE):
                claimed.take("the slot")
                claimed.drop("the slot", finished=True)
                queue.finish(claim.request.id, claim.token)

    with ThreadPoolExecutor(3) as pool:
        for task in [pool.submit(serve, connect()) for _ in range(3)]:
            task.result(timeout=50)
    assert connect().counts() == QueueCounts()


def claim_all(url: str, worker: str) -> list[str]:
    """A worker process that claims jobs until none waits."""
    queue = RedisSemanticQueue(redis.Redis.from_url(url), time="caller")
    taken: list[str] = []
    while claims := queue.claim(worker, 2, NOW, LEASE):
        taken += [claim.request.id for claim in claims]
    return taken


def test_processes_never_claim_the_same_job(redis_server: str, redis_client: redis.Redis) -> None:
    queue = RedisSemanticQueue(redis_client, time="caller")
    for n in range(300):
        queue.enqueue(make_request(f"j{n}", n % 5))
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        tasks = [pool.submit(claim_all, redis_server, f"w{n}") for n in range(3)]
        taken = Counter(request_id for task in tasks for request_id in task.result(timeout=50))
    assert taken == Counter(f"j{n}" for n in range(300))
    assert set(queue.lease_tokens()) == set(taken)
