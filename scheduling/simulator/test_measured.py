"""The fit of a service model to recorded jobs: it finds what made them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scheduling.core.policies import POLICIES
from scheduling.simulator.bounds import bounds
from scheduling.simulator.measured import JobRecord, MeasuredModel, TooFewRecords, fit, line
from scheduling.simulator.runner import run_ours
from scheduling.simulator.workload import WorkloadSpec, generate

TRUE = MeasuredModel(
    prefill_base_seconds=0.02,
    prefill_seconds_per_token=0.001,
    step_base_seconds=0.01,
    step_seconds_per_request=0.002,
    num_slots=8,
)


def lonely(number: int, together: int) -> list[JobRecord]:
    """`together` equal jobs side by side, long after the ones before."""
    start = number * 1000.0
    prompt, output = 50 + 10 * number, 100
    first = start + TRUE.prefill_seconds(prompt)
    end = first + TRUE.one_step_seconds(together) * (output - 1)
    record = JobRecord(
        prompt_tokens=prompt, output_tokens=output, started=start, first_token=first, finished=end
    )
    return [record] * together


def test_the_fit_finds_the_rates_that_made_the_records() -> None:
    records = [r for number in range(16) for r in lonely(number, number % 8 + 1)]
    found = fit(records, 8)
    assert found.prefill_base_seconds == pytest.approx(0.02, abs=1e-6)
    assert found.prefill_seconds_per_token == pytest.approx(0.001, abs=1e-6)
    assert found.step_base_seconds == pytest.approx(0.01, rel=0.05)
    assert found.step_seconds_per_request == pytest.approx(0.002, rel=0.05)


def test_interrupted_generations_hold_slots_too_and_never_more_than_there_are() -> None:
    """Half of the records were alone; twelve interrupted ones were beside each of the others."""
    records = [r for number in range(12) for r in lonely(number, 1)]
    alone = [(r.started, r.finished) for r in records]
    slow = [replace(r, finished=r.finished + 99 * 0.014) for r in records]
    among = [(a - 1.0, b + 50.0) for a, b in alone for _ in range(12)]  # 8 of the 13 hold slots
    found = fit([*records, *(_later(r) for r in slow)], 8, [*alone, *_all_later(among)])
    assert found.one_step_seconds(1) == pytest.approx(TRUE.one_step_seconds(1), rel=0.01)
    assert found.one_step_seconds(8) == pytest.approx(TRUE.one_step_seconds(8), rel=0.01)


def _later(record: JobRecord) -> JobRecord:
    started, first, finished = record.started, record.first_token, record.finished
    return replace(record, started=started + 1e6, first_token=first + 1e6, finished=finished + 1e6)


def _all_later(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(begin + 1e6, end + 1e6) for begin, end in spans]


def test_nothing_is_fitted_to_a_handful() -> None:
    with pytest.raises(TooFewRecords, match="9 recorded jobs; at least 10"):
        fit(lonely(1, 9), 8)


def test_no_coefficient_is_negative() -> None:
    assert line([(1.0, 3.0), (2.0, 2.0)]) == (2.5, 0.0)
    assert line([(1.0, 0.0), (2.0, 2.0)])[0] == 0.0
    assert line([(4.0, 8.0), (4.0, 10.0)]) == (9.0, 0.0)


@pytest.mark.parametrize("policy", POLICIES)
def test_no_order_beats_the_bound_of_the_measured_model(policy: str) -> None:
    works = generate(WorkloadSpec(gap_seconds=0.05, max_concurrent=20))
    run = run_ours(works, POLICIES[policy], TRUE)
    limits = bounds(works, TRUE, TRUE.num_slots)
    mean = sum(o.response_seconds for o in run.outcomes) / len(run.outcomes)
    assert mean >= limits.overall
