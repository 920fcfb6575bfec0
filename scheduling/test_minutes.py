"""Figures by minute: each start is counted once, in its minute and level, real or replayed."""

from __future__ import annotations

from math import inf

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from scheduling import minutes
from scheduling.level_figures import JobTimes, merged, stretches
from scheduling.models import Job, LevelMinute, WorkerMinute
from scheduling.queue import events
from tests.factories import START, at, make_job


def job(priority: int, arrived: float, waited: float | None, due: float = 30.0) -> JobTimes:
    started = inf if waited is None else arrived + waited
    return JobTimes(priority=priority, arrived=arrived, due=arrived + due, started=started)


jobs_lists = st.lists(
    st.builds(
        job,
        st.integers(0, 4),
        st.floats(-100, 700),
        st.none() | st.floats(0, 400),
    ),
    max_size=30,
)


@given(jobs_lists)
def test_all_stretches_together_are_the_whole(jobs: list[JobTimes]) -> None:
    parts = merged(stretches(jobs, 0.0, 60.0, 10))
    (whole,) = stretches(jobs, 0.0, 600.0, 1)
    assert [sorted(line.waits) for line in parts] == [sorted(line.waits) for line in whole]
    for part, line in zip(parts, whole, strict=True):
        assert (part.arrived, part.in_time, part.waiting) == (
            line.arrived,
            line.in_time,
            line.waiting,
        )


@given(jobs_lists)
def test_who_waits_at_the_end_has_arrived_and_not_started(jobs: list[JobTimes]) -> None:
    for at_minute, stretch in enumerate(stretches(jobs, 0.0, 60.0, 10)):
        end = 60.0 * (at_minute + 1)
        for priority, line in enumerate(stretch):
            waiting = [j for j in jobs if j.priority == priority and j.arrived <= end < j.started]
            assert line.waiting == len(waiting)


@given(jobs_lists, st.floats(0, 700))
def test_the_longest_wait_so_far_is_that_of_who_waits_at_the_end(
    jobs: list[JobTimes], now: float
) -> None:
    parts = stretches(jobs, 0.0, 60.0, 10, now)
    for at_minute, stretch in enumerate(parts):
        end = min(60.0 * (at_minute + 1), now)
        for priority, line in enumerate(stretch):
            waited = [
                end - j.arrived
                for j in jobs
                if j.priority == priority and j.arrived <= end < j.started
            ]
            assert line.longest == pytest.approx(max(waited, default=0.0), abs=0.01)
    for priority, line in enumerate(merged(parts)):
        assert line.longest == max(stretch[priority].longest or 0 for stretch in parts)


def started_job(priority: int, seconds: float, waited: float, *, replayed: bool = False) -> Job:
    made = make_job(priority, seconds, replayed=replayed)
    Job.objects.filter(id=made.id).update(started_at=at(seconds + waited))
    return made


@pytest.mark.django_db
def test_a_minute_is_written_once_it_is_over_and_a_gap_is_filled_later() -> None:
    started_job(2, 10, waited=5)
    started_job(2, 20, waited=35)
    make_job(4, 30)
    writer = minutes.LevelMinutes()
    assert writer.write(at(62)) == minutes.BACKFILL // minutes.MINUTE - 0  # the day before
    assert not LevelMinute.objects.filter(minute=START).exists()
    assert writer.write(at(66)) == 1
    urgent = LevelMinute.objects.get(minute=START, priority=2)
    assert (urgent.arrived, urgent.in_time, urgent.waits, urgent.waiting) == (2, 1, [5, 35], 0)
    assert LevelMinute.objects.get(minute=START, priority=4).waiting == 1
    assert writer.write(at(67)) == 0
    started_job(0, 200, waited=1)
    assert minutes.LevelMinutes().write(at(600)) == 9  # another process, from the newest minute
    assert LevelMinute.objects.get(minute=at(180), priority=0).waits == [1]
    assert LevelMinute.objects.filter(priority=2).count() == 1


@pytest.mark.django_db
def test_replayed_cases_are_never_counted_among_real_ones() -> None:
    started_job(1, 5, waited=2)
    started_job(1, 6, waited=50, replayed=True)
    minutes.LevelMinutes().write(at(120))
    real = minutes.level_minutes(START, at(60), replayed=False)
    replay = minutes.level_minutes(START, at(60), replayed=True)
    assert real[START][1].waits == [2]
    assert replay[START][1].waits == [50]


@pytest.mark.django_db
def test_guidance_that_is_written_again_is_no_second_wait() -> None:
    first = started_job(1, 5, waited=2)
    Job.objects.filter(id=first.id).update(status="done", finished_at=at(20))
    make_job(1, 5, case_id=first.case_id)
    (times,) = minutes.job_times(START, at(60), replayed=False)
    assert times.started == at(7).timestamp()


@pytest.mark.django_db
def test_old_figures_are_removed() -> None:
    for days in (1, 20):
        LevelMinute.objects.create(minute=START - days * 1440 * minutes.MINUTE, priority=1)
    assert minutes.forget_minutes(START) == 1
    assert LevelMinute.objects.count() == 1


@pytest.mark.django_db
def test_reports_of_a_worker_are_one_row_a_minute(redis_client: redis.Redis) -> None:
    for seconds, used in ((0, 2), (10, 4)):
        state = {
            "at": at(seconds).timestamp(),
            "slots": 8,
            "slots_used": used,
            "kv_blocks": 100,
            "kv_blocks_used": 25,
            "tokens": 500 + 10 * seconds,
            "tokens_again": 40,
            "preemptions": 3,
        }
        events.set_worker_state(redis_client, "w1", state)
        minutes.write_worker_minutes(at(seconds))
    minutes.write_worker_minutes(at(59))  # its last report is too old
    row = WorkerMinute.objects.get()
    assert (row.minute, row.slots, row.slots_used, row.samples) == (START, 8, 3.0, 2)
    assert (row.tokens, row.tokens_again, row.preemptions) == (600, 40, 3)
    assert row.kv_share == 0.25
