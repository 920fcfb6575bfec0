"""Tests of the published random stream, the predictors and the error models."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.simulator.error_models import ErrorModel, apply_errors
from scheduling.simulator.predictors import PredictorMode, PredictorModel, predicted_at
from scheduling.simulator.workload import WorkloadSpec, generate


@pytest.mark.parametrize(("max_concurrent", "count"), [(5, 48), (20, 216), (50, 495), (100, 1002)])
def test_the_stream_gives_the_published_numbers_of_requests(
    max_concurrent: int, count: int
) -> None:
    assert len(generate(WorkloadSpec(max_concurrent=max_concurrent))) == count


def test_the_first_requests_are_the_published_ones() -> None:
    first, second, *_ = generate(WorkloadSpec(gap_seconds=0.1, max_concurrent=5))
    assert (first.priority, first.prompt_tokens, first.output_tokens) == (4, 281, 429)
    assert (second.priority, second.prompt_tokens, second.output_tokens) == (1, 171, 362)
    assert (first.predicted_tokens, second.predicted_tokens) == (400, 350)
    assert first.arrival_seconds == 0.0015
    assert first.enqueue_seconds == 0.0


def test_each_arrival_event_is_queued_at_the_time_of_the_one_before() -> None:
    works = generate(WorkloadSpec(gap_seconds=1.0, max_concurrent=20))
    events = sorted({(work.arrival_seconds, work.enqueue_seconds) for work in works})
    assert events[0][1] == 0.0
    assert all(later[1] == earlier[0] for earlier, later in pairwise(events))


sendings = st.lists(st.integers(0, 50).map(lambda n: n / 10), max_size=40).map(sorted)
predictors = st.builds(
    PredictorModel,
    batch_size=st.integers(1, 8),
    mode=st.sampled_from(list(PredictorMode)),
    batch_seconds=st.sampled_from([None, 0.0, 0.05, 1.0]),
    corrected=st.booleans(),
)


@given(sendings, predictors)
def test_predictors_are_causal_and_first_in_first_out(
    sent: list[float], model: PredictorModel
) -> None:
    done = predicted_at(sent, model)
    assert len(done) == len(sent)
    assert done == sorted(done)
    assert all(after >= before - 1e-9 for before, after in zip(sent, done, strict=True))


@given(sendings, predictors)
def test_no_predictor_batch_is_too_large(sent: list[float], model: PredictorModel) -> None:
    done = predicted_at(sent, model)
    if model.service_seconds(1) > 0:
        assert all(done.count(moment) <= model.batch_size for moment in done)


def test_a_delayed_predictor_waits_for_a_full_batch_and_for_the_last_ones() -> None:
    model = PredictorModel(batch_size=2, mode=PredictorMode.DELAYED, batch_seconds=0.5)
    assert predicted_at([0.0, 1.0, 3.0], model) == [1.5, 1.5, 3.5]
    at_once = PredictorModel(batch_size=2, batch_seconds=0.5)
    assert predicted_at([0.0, 1.0, 3.0], at_once) == [0.5, 1.5, 3.5]


@given(st.integers(0, 2**32), st.floats(0, 1), st.booleans())
def test_errors_have_the_given_rate_and_stay_in_range(
    seed: int, rate: float, corrected: bool
) -> None:
    random = Random(seed)
    outputs = [random.randrange(1, 500) for _ in range(40)]
    predicted = [50 * (output // 50) or 1 for output in outputs]
    priorities = [random.randrange(5) for _ in range(40)]
    error = ErrorModel(rate=rate, distance=rate, corrected=corrected)
    tokens, wrong_priorities = apply_errors(
        random,
        true_tokens=outputs,
        predicted_tokens=predicted,
        true_priorities=priorities,
        length=error,
        priority=error,
    )
    num_wrong = sum(a != b for a, b in zip(wrong_priorities, priorities, strict=True))
    assert num_wrong <= int(rate * 40)
    low, high = (0, 4) if corrected else (0, 5)
    assert all(low <= priority <= high for priority in wrong_priorities)
    assert all(1 <= count <= 500 for count in tokens)
    if rate >= 0.2:
        assert num_wrong == int(rate * 40)


def test_a_rate_of_zero_draws_nothing() -> None:
    none = ErrorModel(rate=0.0, distance=1.0)
    plain = generate(WorkloadSpec())
    assert generate(WorkloadSpec(length_error=none, priority_error=none)) == plain
