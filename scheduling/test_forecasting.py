"""The live forecast: what is known becomes a range, what is not stays unknown, all is judged."""

from __future__ import annotations

import itertools
import json
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import redis
from django.core.management import CommandError, call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling import connection, forecast_store, recorded, selectors, services
from scheduling.forecast_record import SAMPLES_KEPT, forget_samples
from scheduling.forecasting import (
    DEFAULT_STRETCH,
    NUM_SAMPLED,
    PRIOR_JUDGED,
    Forecaster,
    stretch_of,
)
from scheduling.models import Forecast, Job
from scheduling.queue import events
from scheduling.service_rates import GOES_ON, SpeedMeter, traffic_of
from scheduling.simulator.forecast import Estimate, Range
from scheduling.simulator.judgement import Judged, stretch_wanted
from tests.factories import at, make_job

pytestmark = pytest.mark.django_db(transaction=True)

SLOTS = 2


@pytest.fixture(autouse=True)
def _redis(redis_client: redis.Redis) -> None:
    """Every test uses a real and empty Redis."""


def worker_reports(client: redis.Redis, seconds: float) -> None:
    state = {"slots": SLOTS, "slots_used": 0, "at": at(seconds).timestamp()}
    events.set_worker_state(client, "w1", state)


def recorded_job(seconds: float, step: float = 0.1, tokens: int = 50) -> None:
    """A finished job at `step` seconds a token; its answer was as long as predicted."""
    job = make_job(2, seconds)
    Job.objects.filter(id=job.id).update(
        status="done",
        attempt=1,
        generated_tokens=tokens,
        started_at=at(seconds),
        first_token_at=at(seconds + 0.1),
        finished_at=at(seconds + 0.1 + step * (tokens - 1)),
    )


@pytest.fixture
def history() -> None:
    for number in range(20):
        recorded_job(20.0 * number)
    connection.queue().clear()


NOW = 1000.0


def turn(forecaster: Forecaster, seconds: float) -> dict[str, selectors.QueuePlace]:
    forecaster.turn(at(seconds))
    return selectors.places(at(seconds))


def start(job: Job) -> None:
    services.claim_jobs("w1", 1, now=at(NOW), model_name="m")


def test_a_waiting_case_gets_a_range_from_recorded_rates(
    history: None, redis_client: redis.Redis
) -> None:
    jobs = [make_job(2, NOW + n) for n in range(4)]
    services.claim_jobs("w1", SLOTS, now=at(NOW), model_name="m")
    worker_reports(redis_client, NOW + 5)
    places = turn(Forecaster(), NOW + 5)
    estimate = places[str(jobs[2].id)].estimate
    assert estimate is not None
    # Two of 50 tokens run; one step takes about 0.1 s.
    assert 3 < estimate.starts.median < 8
    assert estimate.starts.low <= estimate.starts.median <= estimate.starts.high
    assert estimate.starts.median < estimate.ends.low
    assert [places[str(job.id)].position for job in jobs[2:]] == [0, 1]


def test_a_read_forecast_moves_on_with_the_clock_and_grows_stale(
    history: None, redis_client: redis.Redis
) -> None:
    job = make_job(2, NOW)
    worker_reports(redis_client, NOW)
    stored = forecast_store.StoredForecast(
        made_at=at(NOW).timestamp(),
        policy="semantic",
        estimates={str(job.id): Estimate(starts=Range.of([4, 5, 6]), ends=Range.of([7, 8, 9]))},
    )
    forecast_store.write_forecast(stored)
    assert selectors.places(at(NOW + 2))[str(job.id)].starts_in_seconds == 3
    assert selectors.places(at(NOW + 20))[str(job.id)].estimate is None


@pytest.mark.parametrize("lost", [True, False])
def test_without_a_worker_no_time_is_told(
    history: None, redis_client: redis.Redis, *, lost: bool
) -> None:
    job = make_job(2, NOW)
    if lost:
        worker_reports(redis_client, NOW - 10)  # silent for ten seconds
    place = turn(Forecaster(), NOW)[str(job.id)]
    assert (place.position, place.estimate) == (0, None)


def test_nothing_is_told_before_anything_was_measured(redis_client: redis.Redis) -> None:
    job = make_job(2, NOW)
    worker_reports(redis_client, NOW)
    assert turn(Forecaster(), NOW)[str(job.id)].estimate is None


def test_a_switch_voids_the_forecast_at_once_and_the_next_turn_makes_a_new_one(
    history: None, redis_client: redis.Redis
) -> None:
    jobs = [make_job(3, NOW), make_job(3, NOW + 1), make_job(4, NOW + 2), make_job(1, NOW + 3)]
    services.claim_jobs("w1", SLOTS, now=at(NOW + 3), model_name="m")
    worker_reports(redis_client, NOW + 4)
    forecaster = Forecaster()
    assert turn(forecaster, NOW + 4)
    services.switch_policy("fcfs", actor=None, reason="test", now=at(NOW + 4))
    assert all(place.estimate is None for place in selectors.places(at(NOW + 4)).values())
    places = turn(forecaster, NOW + 4.3)
    waiting = [job for job in jobs if str(job.id) in places]
    first = min(waiting, key=lambda job: job.arrival_at)
    assert places[str(first.id)].position == 0
    assert places[str(first.id)].estimate is not None


def test_nothing_is_made_anew_while_nothing_changes(
    history: None, redis_client: redis.Redis
) -> None:
    make_job(2, NOW)
    worker_reports(redis_client, NOW)
    forecaster = Forecaster()
    assert forecaster.turn(at(NOW))
    assert not forecaster.turn(at(NOW + 0.3))
    assert forecaster.turn(at(NOW + 1.3))
    make_job(2, NOW + 1.4)
    assert forecaster.turn(at(NOW + 1.5))


def test_forecasts_are_judged_again_when_a_job_has_ended_or_after_a_while(
    history: None, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[datetime] = []

    def judged(since: datetime, until: None, *, newest: int) -> list[Forecast]:
        read.append(since + timedelta(days=1))
        return []

    monkeypatch.setattr(recorded, "judged_forecasts", judged)
    forecaster = Forecaster()
    one, _ = make_job(2, NOW), make_job(2, NOW)
    for seconds in (0, 4, 8):
        if seconds == 4:
            make_job(2, NOW + 3)
        worker_reports(redis_client, NOW + seconds)
        forecaster.turn(at(NOW + seconds))
    assert read == [at(NOW)]
    Job.objects.filter(id=one.id).update(status="cancelled")
    for seconds in (12, 80, 84):
        worker_reports(redis_client, NOW + seconds)
        forecaster.turn(at(NOW + seconds))
    assert read == [at(NOW), at(NOW + 12), at(NOW + 80)]


def test_the_record_holds_the_first_forecast_and_a_sample_each_second(
    history: None, redis_client: redis.Redis
) -> None:
    job = make_job(2, NOW)
    forecaster = Forecaster()
    for seconds in (NOW, NOW + 0.5, NOW + 1, NOW + 1.5, NOW + 2.5):
        worker_reports(redis_client, seconds)
        forecaster.turn(at(seconds))
    first, *samples = Forecast.objects.order_by("made_at")
    assert (first.job_id, first.made_at, first.policy) == (job.id, at(NOW), "semantic")
    assert first.is_first
    assert first.ends_low > 0
    assert [one.made_at for one in samples] == [at(NOW + 1), at(NOW + 2.5)]
    assert not any(one.is_first for one in samples)
    assert forget_samples(at(NOW) + SAMPLES_KEPT + timedelta(seconds=2)) == 1


def test_a_case_that_is_being_written_is_told_when_its_guidance_is_ready(
    history: None, redis_client: redis.Redis
) -> None:
    job = make_job(2, NOW)
    start(job)
    forecaster = Forecaster()
    for seconds in (NOW + 0.2, NOW + 2):
        worker_reports(redis_client, seconds)
        forecaster.turn(at(seconds))
    first, later = Forecast.objects.order_by("made_at")
    assert (first.job_id, first.is_first, first.starts_high) == (job.id, True, 0)
    assert 2 < first.ends_median < 10  # 50 tokens at 0.1 s
    assert (later.job_id, later.is_first, later.starts_high) == (job.id, False, 0)


def test_of_a_long_queue_a_part_is_sampled_from_its_head_to_its_end(
    history: None, redis_client: redis.Redis
) -> None:
    for number in range(120):
        make_job(2, NOW + 0.01 * number)
    forecaster = Forecaster()
    for seconds in (NOW + 2, NOW + 8):
        worker_reports(redis_client, seconds)
        forecaster.turn(at(seconds))
    starts = [one.starts_median for one in Forecast.objects.filter(is_first=False)]
    assert len(starts) == NUM_SAMPLED
    assert min(starts) < 10
    assert max(starts) > 150


def test_arrivals_that_have_stopped_are_not_expected_to_go_on() -> None:
    burst = [0.5 * number for number in range(21)]
    rate, going_on, share = traffic_of(burst, 10.0)
    assert (rate, share) == (2.0, 1.0)
    assert going_on == pytest.approx(10.0 * GOES_ON)
    shares = [traffic_of(burst, 10.0 + silence)[2] for silence in (0.5, 1, 2, 4)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.9
    assert shares[-1] < 0.02
    assert traffic_of([], 5.0) == (0.0, 0.0, 1.0)


def test_the_meter_finds_the_step_time_of_now() -> None:
    meter = SpeedMeter()
    for tick in range(12):
        meter.note(0.5 * tick, {"a": 10 + 5 * tick, "b": 5 * tick})
    found = meter.step()
    assert found is not None
    assert found[0] == pytest.approx(0.1)
    assert found[1] == 2
    assert SpeedMeter().step() is None


def forecast_of(seconds: float, ends: tuple[float, float, float], took: float) -> None:
    """A case whose guidance was expected at `ends` and ready after `took` seconds."""
    job = make_job(2, seconds)
    low, middle, high = ends
    estimate = Estimate(
        starts=Range.of([low - 5, middle - 5, high - 5]), ends=Range.of([low, middle, high])
    )
    services.record_forecasts(
        {str(job.id): estimate}, policy="semantic", now=at(seconds), stretch=2.0
    )
    Job.objects.filter(id=job.id).update(
        status="done", started_at=at(seconds + took - 5), finished_at=at(seconds + took)
    )


@settings(max_examples=50, deadline=None)
@given(
    waits=st.lists(st.floats(2, 60), min_size=10, max_size=60),
    stretch=st.floats(1, 4),
)
def test_ranges_of_the_wanted_stretch_would_have_held_eight_of_ten(
    waits: list[float], stretch: float
) -> None:
    half = 2.0  # of the range that the courses gave
    told = [
        Judged(low=10 - half * stretch, median=10, high=10 + half * stretch, actual=wait)
        for wait in waits
    ]
    wanted = stretch_wanted(told, [stretch] * len(told))
    assert wanted is not None
    held = [abs(wait - 10) <= half * wanted + 1e-6 for wait in waits]
    assert sum(held) >= 0.8 * len(held)
    assert sum(abs(wait - 10) < half * wanted - 1e-6 for wait in waits) <= 0.8 * len(held) + 1


def test_all_generations_of_a_time_held_slots(history: None) -> None:
    """Those that ended before do not count, those that have not ended count until now."""
    Job.objects.update(status="done", started_at=at(NOW - 99), finished_at=at(NOW - 90))
    for started, finished, status in (
        (0, 10, "done"), (0, 30, "done"), (5, None, "waiting"), (25, None, "running"),
        (None, None, "waiting"), (50, None, "running"), (3, 25, "cancelled"),
    ):  # fmt: skip
        job = make_job(2, NOW)
        Job.objects.filter(id=job.id).update(
            status=status,
            started_at=None if started is None else at(NOW + started),
            finished_at=None if finished is None else at(NOW + finished),
        )
    found = recorded.held_slots(at(NOW + 20), at(NOW + 40))
    base = at(NOW).timestamp()
    assert sorted((a - base, b - base) for a, b in found) == [(0, 30), (3, 25), (5, 40), (25, 40)]


def test_the_ranges_learn_from_what_happened(history: None, redis_client: redis.Redis) -> None:
    took = itertools.cycle([10, 11, 9, 13, 14, 10.5, 8, 10, 6, 12.5])
    assert stretch_of([]) == DEFAULT_STRETCH
    for number in range(60):
        forecast_of(100 + number, (8, 10, 12), took=next(took))
    found = list(Forecast.objects.all())
    # Stretched by two, so that the courses said 9 to 11: eight of ten took 7 to 13 seconds.
    few, many = stretch_of(found), stretch_of(found * 100)
    share = 60 / (60 + PRIOR_JUDGED)
    assert few == pytest.approx(DEFAULT_STRETCH ** (1 - share) * 3.0**share)
    assert many == pytest.approx(3.0, rel=0.05)
    job = make_job(2, NOW)
    worker_reports(redis_client, NOW)
    Forecaster().turn(at(NOW))
    assert Forecast.objects.get(job_id=job.id).stretch == pytest.approx(few)


def judged(*flags: str) -> dict[str, Any]:
    out = StringIO()
    call_command("judge_eta", "--json", *flags, stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_judge_eta_prints_the_figures_of_the_record() -> None:
    forecast_of(0, (8, 10, 12), took=10)
    forecast_of(50, (8, 10, 12), took=20)
    forecast_of(100, (8, 10, 12), took=8)
    found = judged()
    assert (found["cases"], found["median_error"]) == (3, 0.25)
    assert found["bias"] == pytest.approx(30 / 38 - 1, abs=1e-4)
    assert found["coverage"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["when_queued"]["cases"] == found["start"]["cases"] == 3
    assert found["start"]["median_error"] == pytest.approx(2 / 3, abs=1e-4)  # 5 for 3 seconds
    later = Forecast.objects.order_by("made_at").last()
    assert later is not None
    shown = Estimate(starts=Range.of([0, 0, 0]), ends=Range.of([1, 2, 3]))
    services.record_forecasts(
        {str(later.job_id): shown}, policy="semantic", now=at(106), stretch=1.2, is_first=False
    )
    assert (judged()["cases"], judged()["when_queued"]["cases"]) == (4, 3)
    assert judged()["coverage"] == 0.75
    assert judged("--since", at(40).isoformat())["cases"] == 3
    assert judged("--since", at(400).isoformat())["median_error"] is None
    assert judged()["untold"] == 0
    for seconds, waited in ((500, 30), (600, 0.2)):  # the second one had no wait to speak of
        untold = make_job(2, seconds)
        Job.objects.filter(id=untold.id).update(status="done", started_at=at(seconds + waited))
    assert judged()["untold"] == 1
    with pytest.raises(CommandError, match="time zone"):
        judged("--until", datetime(2026, 3, 1).isoformat())  # noqa: DTZ001
