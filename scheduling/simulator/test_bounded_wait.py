"""Law tests of `semantic_due` at full size: overload on all slots of a published setting."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.core.policies import POLICIES
from scheduling.simulator.hardware import SETTINGS
from scheduling.simulator.outcome import Outcome
from scheduling.simulator.runner import RunnerOptions, run_ours
from scheduling.simulator.workload import Work, poisson_load

DEADLINES_SECONDS = (1.0, 5.0, 10.0, 20.0, 40.0)
OVERLOAD = 8.0  # requests a second
CAPACITY = 5.2  # requests a second: 16 slots, 250 tokens of 0.012 s, and prefill passes


def run(works: list[Work], policy: str, setting: str = "A100_4B") -> list[Outcome]:
    model = SETTINGS[setting]
    options = RunnerOptions(num_slots=model.num_slots, deadlines_seconds=DEADLINES_SECONDS)
    return list(run_ours(works, POLICIES[policy], model, options).outcomes)


def overload(seed: int, seconds: float, shares: tuple[float, ...]) -> list[Work]:
    return poisson_load(
        seed=seed,
        num_requests=int(OVERLOAD * seconds),
        arrivals_per_second=OVERLOAD,
        priority_shares=shares,
    )


def overtakings(outcomes: list[Outcome]) -> int:
    """Counts starts of a request while an overdue one with an earlier deadline waits.

    Level 0 is not counted: it always goes first."""
    found = 0
    by_start = sorted(
        (o for o in outcomes if o.priority), key=lambda outcome: outcome.started_seconds
    )
    for place, late in enumerate(by_start):
        overdue_from = max(due(late), late.queued_seconds)
        for other in reversed(by_start[:place]):
            if other.started_seconds <= overdue_from:
                break
            found += other.started_seconds < late.started_seconds and due(other) > due(late)
    return found


def due(outcome: Outcome) -> float:
    return outcome.queued_seconds + DEADLINES_SECONDS[outcome.priority]


@given(
    st.integers(0, 2**32),
    st.sampled_from(["A100_4B", "A100_7B"]),
    st.lists(st.floats(0.05, 1), min_size=5, max_size=5).map(tuple),
)
@settings(max_examples=15, deadline=None)
def test_no_overdue_request_is_overtaken_by_a_later_deadline(
    seed: int, setting: str, shares: tuple[float, ...]
) -> None:
    assert overtakings(run(overload(seed, 60.0, shares), "semantic_due", setting)) == 0


def test_semantic_without_deadlines_overtakes_overdue_requests() -> None:
    """Control experiment for the test above."""
    assert overtakings(run(overload(1, 60.0, (0.1, 0.3, 0.2, 0.2, 0.2)), "semantic")) > 1000


def patient(number: int) -> Work:
    return Work(
        id=f"patient-{number}",
        group=number,
        priority=4,
        predicted_priority=4,
        prompt_tokens=200,
        output_tokens=200,
        predicted_tokens=200,
        sent_seconds=20.0,
        arrival_seconds=20.0,
        enqueue_seconds=20.0,
    )


def longest_wait(policy: str, seconds: float) -> float:
    """Returns the longest wait (seconds) of ten requests of level 4 in an overload of level 1."""
    crowd = overload(2, seconds, (0.0, 1.0, 0.0, 0.0, 0.0))
    outcomes = run(crowd + [patient(number) for number in range(10)], policy)
    return max(o.started_seconds - o.queued_seconds for o in outcomes if o.priority == 4)


def test_deadlines_bound_the_wait_for_any_length_of_the_overload() -> None:
    """Only requests of level 1 with an earlier deadline go before a patient of level 4."""
    waits = [longest_wait("semantic_due", seconds) for seconds in (150.0, 300.0, 450.0)]
    assert waits == [pytest.approx(waits[0])] * 3
    earlier = OVERLOAD * (20.0 + DEADLINES_SECONDS[4] - DEADLINES_SECONDS[1])
    assert waits[0] < 1.1 * earlier / CAPACITY - 20.0


def test_without_deadlines_the_wait_grows_with_the_overload() -> None:
    waits = [longest_wait("semantic", seconds) for seconds in (150.0, 300.0, 450.0)]
    assert waits[0] > 200.0
    assert waits[1] > 2 * waits[0]
    assert waits[2] > 3 * waits[0]
