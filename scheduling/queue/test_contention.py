"""Many at once: nothing lost, nothing doubled, no job with two preempted."""

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
from scheduling.queue.queue_testing import LEASE, NOW, made
from scheduling.queue.semantic_queue import RedisSemanticQueue

NUM_PRODUCERS, NUM_WORKERS, JOBS_EACH = 2, 4, 120
Connect = Callable[[], SemanticQueue]
pytestmark = pytest.mark.timeout(60)


@pytest.fixture(params=["memory", "redis"])
def connect(request: pytest.FixtureRequest) -> Connect:
    """A queue object for each caller; all see one queue."""
    if request.param == "memory":
        shared = MemorySemanticQueue()
        return lambda: shared
    url = request.getfixturevalue("redis_server")
    request.getfixturevalue("redis_client")
    return lambda: RedisSemanticQueue(redis.Redis.from_url(url), time="caller")


@contextmanager
def policies_switching(connect: Connect) -> Iterator[list[str]]:
    """Switches without pause; what it did, in the end."""
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


class PreemptedWithKV:
    """Who holds what, as the workers themselves see it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: set[str] = set()
        self.finished: Counter[str] = Counter()

    def take(self, request_id: str) -> None:
        with self._lock:
            assert request_id not in self._held, f"{request_id} has two preempted"
            self._held.add(request_id)

    def let_go(self, request_id: str, *, finished: bool) -> None:
        with self._lock:
            self._held.remove(request_id)
            self.finished[request_id] += finished


def produce(queue: SemanticQueue, who: int) -> None:
    random = Random(who)
    for n in range(JOBS_EACH):
        request = made(
            f"{who}-{n}",
            random.randrange(5),
            arrival=float(n),
            predicted=random.randrange(300),
            due=NOW + random.randrange(-50, 50),
        )
        assert queue.enqueue(request)
        if n % 7 == 0:
            queue.reprioritise(f"{who}-{random.randrange(n + 1)}", random.randrange(5), NOW)


def work(queue: SemanticQueue, who: int, preempted: PreemptedWithKV, num_jobs: int) -> None:
    random = Random(100 + who)
    while preempted.finished.total() < num_jobs:
        for claim in queue.claim(f"w{who}", random.randrange(1, 4), NOW, LEASE):
            request_id = claim.request.id
            preempted.take(request_id)
            assert queue.renew(f"w{who}", {request_id: claim.token}, NOW, LEASE) == set()
            finished = random.random() < 0.6
            preempted.let_go(request_id, finished=finished)  # before anyone may claim it again
            if finished:
                assert queue.finish(request_id, claim.token)
            else:
                assert queue.release(request_id, claim.token, random.randrange(50), NOW)


def test_every_job_is_done_once_while_policies_switch(connect: Connect) -> None:
    preempted = PreemptedWithKV()
    num_jobs = NUM_PRODUCERS * JOBS_EACH
    with policies_switching(connect) as switches, ThreadPoolExecutor(8) as pool:
        tasks = [pool.submit(produce, connect(), who) for who in range(NUM_PRODUCERS)]
        tasks += [
            pool.submit(work, connect(), who, preempted, num_jobs) for who in range(NUM_WORKERS)
        ]
        for task in tasks:
            task.result(timeout=50)
    expected = {f"{who}-{n}" for who in range(NUM_PRODUCERS) for n in range(JOBS_EACH)}
    assert preempted.finished == Counter(expected)
    assert connect().counts() == QueueCounts()
    assert (connect().waiting(NOW), connect().running()) == ([], [])
    assert len(set(switches)) > 1


def test_a_switch_hides_and_doubles_nothing_at_any_moment(connect: Connect) -> None:
    """A reader sees, at every moment, each case that waits exactly once."""
    queue = connect()
    standing = {f"standing-{n}" for n in range(60)}
    for n, request_id in enumerate(sorted(standing)):
        queue.enqueue(made(request_id, n % 5, predicted=n * 7 % 50, due=NOW + n % 9 - 4))
    with policies_switching(connect) as switches, ThreadPoolExecutor(2) as pool:
        tasks = [pool.submit(produce, connect(), who) for who in range(2)]
        num_looks = 0
        while num_looks < 100 or not all(task.done() for task in tasks):
            seen = Counter(request.id for request in queue.waiting(NOW))
            assert set(seen.values()) == {1}
            assert standing <= set(seen)
            assert all(queue.position(each, NOW) is not None for each in sorted(standing)[:3])
            num_looks += 1
        for task in tasks:
            task.result()
    assert len(switches) > 2
    queue.switch_policy("semantic_due")
    waiting = queue.waiting(NOW)
    assert len(waiting) == 60 + 2 * JOBS_EACH
    assert waiting == rank(waiting, POLICIES["semantic_due"], NOW)


def test_releases_and_new_priorities_meet_without_loss(connect: Connect) -> None:
    """Each is read, scored and written back: neither may overwrite the other."""
    queue = connect()
    queue.enqueue(made("a", 4))
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
    final = made("a", (rounds - 1) % 5, due=NOW + rounds - 1).with_progress(rounds)
    assert queue.waiting(NOW) == [final]
    assert queue.counts().num_waiting == 1


def test_one_slot_is_never_taken_twice_under_serial(connect: Connect) -> None:
    for n in range(30):
        connect().enqueue(made(f"j{n}"))
    connect().switch_policy("serial")
    running = PreemptedWithKV()
    end = monotonic() + 40

    def serve(queue: SemanticQueue) -> None:
        while running.finished.total() < 30 and monotonic() < end:
            for claim in queue.claim("w", 5, NOW, LEASE):
                running.take("the slot")
                running.let_go("the slot", finished=True)
                queue.finish(claim.request.id, claim.token)

    with ThreadPoolExecutor(3) as pool:
        for task in [pool.submit(serve, connect()) for _ in range(3)]:
            task.result(timeout=50)
    assert connect().counts() == QueueCounts()


def claim_all(url: str, worker: str) -> list[str]:
    """A whole worker process: takes what it can get, until nothing waits."""
    queue = RedisSemanticQueue(redis.Redis.from_url(url), time="caller")
    taken: list[str] = []
    while claims := queue.claim(worker, 2, NOW, LEASE):
        taken += [claim.request.id for claim in claims]
    return taken


def test_processes_share_out_the_jobs(redis_server: str, redis_client: redis.Redis) -> None:
    queue = RedisSemanticQueue(redis_client, time="caller")
    for n in range(300):
        queue.enqueue(made(f"j{n}", n % 5))
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        tasks = [pool.submit(claim_all, redis_server, f"w{n}") for n in range(3)]
        taken = Counter(request_id for task in tasks for request_id in task.result(timeout=50))
    assert taken == Counter(f"j{n}" for n in range(300))
    assert set(queue.held()) == set(taken)
