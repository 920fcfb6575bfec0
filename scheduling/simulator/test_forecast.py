"""Forecasts: exact where nothing is unknown, wider where more is, and in the policy's order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scheduling.core.policies import POLICIES, Preemption, rank
from scheduling.core.request import Request
from scheduling.simulator.forecast import Arrival, Estimate, Outlook, Present, Range, forecast
from scheduling.simulator.judgement import Judged, judge
from scheduling.simulator.measured import MeasuredModel

STEP = 0.05
MODEL = MeasuredModel(
    prefill_base_seconds=0.0,
    prefill_seconds_per_token=0.0,
    step_base_seconds=STEP,
    step_seconds_per_request=0.0,
    num_slots=2,
)
KNOWN = Outlook(model=MODEL)


def request(number: int, priority: int = 2, tokens: int = 100, generated: int = 0) -> Request:
    return Request(
        id=f"r{number}",
        arrival_seconds=float(number),
        priority=priority,
        prompt_tokens=20,
        predicted_tokens=tokens,
        generated_tokens=generated,
    )


def present(running: list[Request], waiting: list[Request], policy: str = "fcfs") -> Present:
    return Present(
        now=1000.0,
        policy=POLICIES[policy],
        preemption=Preemption.LEVEL,
        num_slots=2,
        running=running,
        waiting=waiting,
    )


def made(one: Present, outlook: Outlook = KNOWN, courses: int = 20) -> dict[str, Estimate]:
    return forecast(one, outlook, num_courses=courses, seed=1)


def test_where_nothing_is_unknown_the_forecast_is_the_arithmetic() -> None:
    found = made(present([request(1, generated=60), request(2, generated=20)], [request(3)]))
    assert found["r1"].ends == Range(low=2.0, median=2.0, high=2.0)
    assert found["r3"].starts.median == pytest.approx(2.0)
    assert found["r3"].ends.median == pytest.approx(7.0)


def test_a_free_slot_starts_at_once() -> None:
    assert made(present([request(1)], [request(2)]))["r2"].starts.high == 0.0


@pytest.mark.parametrize("policy", POLICIES)
def test_waiting_requests_start_in_the_order_of_the_policy(policy: str) -> None:
    waiting = [request(n, priority=n * 3 % 5, tokens=40 + n * 37 % 90) for n in range(3, 15)]
    running = [request(1, priority=0), request(2, priority=0)]
    one = present(running[: POLICIES[policy].max_running or 2], waiting, policy)
    found = made(one)
    ranked = [r.id for r in rank(waiting, POLICIES[policy], one.now)]
    starts = [found[name].starts.median for name in ranked]
    assert starts == sorted(starts)


def test_a_more_urgent_one_takes_a_slot_and_the_other_waits_with_its_progress() -> None:
    running = [request(1, priority=3, generated=50), request(2, priority=4, generated=50)]
    found = made(present(running, [request(3, priority=0)], "semantic"))
    assert found["r3"].starts.high == 0.0
    assert found["r2"].ends.median == pytest.approx(2.5 + 2.5)


def test_unknown_lengths_and_speeds_widen_the_range() -> None:
    one = present([request(1), request(2)], [request(n) for n in range(3, 9)])
    exact = made(one)["r8"].starts
    lengths = made(one, replace(KNOWN, length_ratios=(0.5, 1.0, 1.5)))["r8"].starts
    speeds = made(one, replace(KNOWN, speeds=(0.5, 1.0, 2.0)))["r8"].starts
    assert exact.low == exact.high
    for wider in (lengths, speeds):
        assert wider.low < exact.median < wider.high


def test_urgent_arrivals_delay_those_whom_they_overtake_and_no_one_else() -> None:
    urgent = Arrival(priority=0, prompt_tokens=20, predicted_tokens=100, deadline_seconds=2.0)
    busy = replace(KNOWN, arrivals=[urgent] * 10, arrivals_per_second=0.4, arrivals_go_on_for=60.0)
    one = present([request(1), request(2)], [request(3, priority=4)], "semantic")
    assert made(one, busy)["r3"].starts.median > made(one)["r3"].starts.median + 1
    fair = replace(one, policy=POLICIES["fcfs"], preemption=Preemption.NEVER)
    assert made(fair, busy)["r3"].starts.median == made(fair)["r3"].starts.median


def test_a_slow_worker_is_slow_for_a_while_only() -> None:
    one = present([request(1, tokens=2000), request(2, tokens=2000)], [])
    slow = replace(KNOWN, slowdown=3.0, slowdown_seconds=5.0)
    usual, later = made(one)["r1"].ends.median, made(one, slow)["r1"].ends.median
    assert usual + 2 < later < 2 * usual


def test_the_same_seed_gives_the_same_forecast() -> None:
    one = present([request(1)], [request(n) for n in range(2, 8)])
    loose = replace(KNOWN, length_ratios=(0.5, 1.0, 2.0))
    assert made(one, loose) == made(one, loose)


def test_a_forecast_seen_later_has_come_nearer_and_never_passes_now() -> None:
    seen = Estimate(starts=Range.of([1, 4, 9]), ends=Range.of([5, 8, 12])).later(5)
    assert seen.starts == Range(low=0, median=0, high=4)
    assert seen.ends == Range(low=0, median=3, high=7)


def test_the_judgement_by_hand() -> None:
    found = judge(
        [
            Judged(low=8, median=10, high=12, actual=10),
            Judged(low=8, median=10, high=12, actual=20),
            Judged(low=0, median=3, high=9, actual=2),
            Judged(low=0, median=5, high=9, actual=0.5),  # too short to count
        ]
    )
    assert found == {
        "cases": 3,
        "median_error": 0.5,
        "bias": pytest.approx(23 / 32 - 1, abs=1e-4),
        "coverage": pytest.approx(2 / 3, abs=1e-4),
    }
    assert judge([])["median_error"] is None
