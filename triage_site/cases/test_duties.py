"""Upkeep: no failure of one duty touches another, or ends the thread."""

from __future__ import annotations

import threading

import pytest
import redis
from structlog.testing import capture_logs

from scheduling import connection, services
from tests.factories import make_job
from tests.fixtures import wait_until
from triage_site.cases import upkeep
from triage_site.cases.duties import Duties, Duty


def test_a_failing_duty_stops_no_other_and_is_logged_once() -> None:
    done: list[str] = []

    def fails() -> None:
        if len(done) < 3:
            raise KeyError("words")

    duties = Duties(Duty("a", 1.0, fails), Duty("b", 1.0, lambda: done.append("b")))
    with capture_logs() as logs:
        for now in range(5):
            duties.run(float(now))
    assert done == ["b"] * 5
    assert [one["event"] for one in logs] == ["loop_failed", "loop_works_again"]
    assert duties.ages(4.0) == {"a": 0.0, "b": 0.0}


def test_each_duty_has_its_time() -> None:
    done: list[str] = []
    duties = Duties(
        Duty("often", 1.0, lambda: done.append("o")), Duty("seldom", 3.0, lambda: done.append("s"))
    )
    for now in range(4):
        duties.run(float(now))
    assert "".join(done) == "osooos"
    duties.due_now("seldom")
    duties.run(3.5)
    assert done[-1] == "s"


@pytest.mark.django_db(transaction=True)
def test_the_thread_survives_any_error_and_rebuilds_a_lost_queue(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(services, "reap_expired", broken)
    stop, rounds = threading.Event(), []
    thread = threading.Thread(
        target=upkeep.run_upkeep, args=(stop, lambda: rounds.append(1)), name="upkeep"
    )
    thread.start()
    try:
        job = make_job()
        redis_client.flushall()
        wait_until(
            lambda: sum(connection.queue().counts().waiting) == 1, seconds=10, what="a rebuild"
        )
        assert connection.queue().get(str(job.id)) is not None
        # One job alone is lost in Redis: the epoch stays, the numbers differ.
        connection.queue().cancel(str(job.id))
        wait_until(
            lambda: sum(connection.queue().counts().waiting) == 1, seconds=10, what="a rebuild"
        )
        wait_until(lambda: len(rounds) > 2, seconds=10, what="the rounds go on")
    finally:
        stop.set()
        thread.join(5)
    assert not thread.is_alive()
