"""One line when failures begin and one when they end."""

from __future__ import annotations

import redis
from django.db import OperationalError
from structlog.testing import capture_logs

from scheduling.outage_log import OutageLog


def test_an_outage_is_logged_at_its_begin_and_its_end() -> None:
    outage = OutageLog("forecast")
    with capture_logs() as logs:
        for _ in range(2):
            outage.worked()
            outage.failed(OperationalError("words of a patient"))
            outage.failed(ValueError("words of a patient"))
            outage.worked()
    assert [one["event"] for one in logs] == ["loop_failed", "loop_works_again"] * 2
    assert [one["loop"] for one in logs] == ["forecast"] * 4
    assert logs[0]["error"] == "OperationalError"
    assert "patient" not in str(logs)


def test_the_breaker_logs_an_outage_of_redis() -> None:
    outage = OutageLog("forecast")
    with capture_logs() as logs:
        outage.failed(redis.ConnectionError("down"))
        outage.failed(redis.TimeoutError("late"))
        outage.worked()
    assert logs == []
    with capture_logs() as logs:
        outage.failed(redis.ConnectionError("down"))
        outage.failed(OperationalError("down too"))
        outage.worked()
    assert [one["event"] for one in logs] == ["loop_failed", "loop_works_again"]


def test_a_file_that_is_missing_is_no_outage_of_redis() -> None:
    with capture_logs() as logs:
        OutageLog("replays").failed(FileNotFoundError("calls"))
    assert [one["event"] for one in logs] == ["loop_failed"]
