"""Calls of a store during an outage: when they are repeated, and what is logged."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis
from django.db import DataError, OperationalError
from structlog.testing import capture_logs

from llm_worker.worker.claims import Outcome
from llm_worker.worker.outages import SLOW_SECONDS, Outages
from scheduling.queue.protocol import UnknownPolicy


class Store:
    """`send` and `renew` are calls of Redis, `store` is a call of SQL."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.error: Exception | None = None
        self.slow = 0.0
        self.num_calls = 0

    def clock(self) -> float:
        return self.seconds

    def send(self) -> str:
        self.num_calls += 1
        self.seconds += self.slow
        if self.error is not None:
            raise self.error
        return "sent"

    def renew(self) -> str:
        return "renewed"

    def store(self) -> str:
        return "stored"


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def outages(store: Store) -> Outages:
    return Outages(store.clock, retry_seconds=0.5)


def test_a_call_that_failed_is_repeated_after_a_while_and_others_at_once(
    store: Store, outages: Outages
) -> None:
    store.error = redis.ConnectionError()
    assert outages.ask(store.send).outcome is Outcome.AWAY
    assert outages.ask(store.send).outcome is Outcome.AWAY
    assert store.num_calls == 1
    assert outages.ask(store.renew).value == "renewed"
    store.seconds, store.error = 0.5, None
    assert outages.ask(store.send).value == "sent"


def test_after_a_slow_failure_the_whole_store_is_left_alone(store: Store, outages: Outages) -> None:
    store.error, store.slow = redis.TimeoutError(), SLOW_SECONDS
    outages.ask(store.send)
    assert outages.ask(store.renew).outcome is Outcome.AWAY
    assert outages.ask(store.store).value == "stored", "the other store is not affected"
    store.seconds += 0.5
    assert outages.ask(store.renew).value == "renewed"


def test_an_outage_and_its_end_are_one_line_each(store: Store, outages: Outages) -> None:
    store.error = OperationalError("secret words of a patient")
    with capture_logs() as lines:
        for _ in range(5):
            outages.ask(store.send)
            store.seconds += 1.0
        store.error = None
        outages.ask(store.send)
    assert [line["event"] for line in lines] == ["store_unreachable", "store_reachable"]
    assert "secret" not in str(lines)


def test_an_outage_of_redis_is_logged_by_its_breaker_alone(store: Store, outages: Outages) -> None:
    with capture_logs() as lines:
        for error in (redis.ConnectionError(), redis.TimeoutError(), redis.ReadOnlyError(), None):
            store.error = error
            outages.ask(store.send)
            store.seconds += 1.0
    assert lines == []


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (redis.ResponseError("OOM command not allowed"), Outcome.AWAY),
        (redis.ReadOnlyError(), Outcome.AWAY),
        (OperationalError(), Outcome.AWAY),
        (ConnectionResetError(), Outcome.AWAY),
        (UnknownPolicy("newer"), Outcome.AWAY),
        (DataError("NUL"), Outcome.BROKEN),
        (ValueError("A string literal cannot contain NUL (0x00) characters."), Outcome.BROKEN),
        (RuntimeError("a mistake of ours"), Outcome.BROKEN),
    ],
)
def test_what_can_be_repeated_and_what_cannot(
    store: Store, outages: Outages, error: Exception, outcome: Outcome
) -> None:
    store.error = error
    call: Callable[[], str] = store.send
    assert outages.ask(call).outcome is outcome
