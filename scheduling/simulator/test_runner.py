"""Law tests of the simulator and of the bounds."""

from __future__ import annotations

from itertools import permutations
from math import fsum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.core.policies import POLICIES, KeyFunction, Preemption
from scheduling.core.request import Request
from scheduling.simulator.bounds import bounds, rigorous_mean
from scheduling.simulator.hardware import (
    SETTINGS,
    CannotFit,
    PublishedModel,
    ServiceModel,
    StepTimeModel,
)
from scheduling.simulator.outcome import Run
from scheduling.simulator.runner import Runner, RunnerOptions, run_ours
from scheduling.simulator.workload import Work, WorkloadSpec, generate, poisson_load

pytestmark = pytest.mark.timeout(90)

TIGHT = PublishedModel(
    name="tight",
    c1=1e-6,
    c2=0.01,
    a1=1e-7,
    a2=1e-4,
    load_seconds_per_token=1e-4,
    num_kv_blocks=9,
    num_slots=4,
    kv_block_tokens=8,
)
MIXED = StepTimeModel(
    name="mixed",
    base_seconds=0.01,
    seconds_per_new_token=1e-4,
    seconds_per_kv_token=1e-6,
    num_slots=3,
    max_step_tokens=8,
    num_kv_blocks=9,
    kv_block_tokens=8,
)
SWAPPING = StepTimeModel(
    name="swapping",
    base_seconds=0.01,
    seconds_per_new_token=1e-4,
    seconds_per_kv_token=1e-6,
    num_slots=3,
    max_step_tokens=16,
    num_kv_blocks=9,
    kv_block_tokens=8,
    swap_seconds_per_token=1e-6,
)
MODELS: list[ServiceModel] = [TIGHT, MIXED, SWAPPING, SETTINGS["A100_4B"]]


def work(
    index: int, arrival: float, priority: int, prompt: int, output: int, predicted: int
) -> Work:
    return Work(
        id=str(index),
        group=index,
        priority=priority,
        predicted_priority=priority,
        prompt_tokens=prompt,
        output_tokens=output,
        predicted_tokens=predicted,
        sent_seconds=arrival,
        arrival_seconds=arrival,
        enqueue_seconds=arrival,
    )


@st.composite
def loads(draw: st.DrawFn, max_size: int = 8) -> list[Work]:
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, 20).map(lambda n: n / 25),
                st.integers(0, 4),
                st.integers(1, 24),
                st.integers(1, 30),
                st.integers(0, 30),
            ),
            min_size=1,
            max_size=max_size,
        )
    )
    return [work(index, *row) for index, row in enumerate(rows)]


policies = st.sampled_from(sorted(POLICIES)).map(POLICIES.__getitem__)
models = st.sampled_from(MODELS)


def run(works: list[Work], policy: KeyFunction, model: ServiceModel, **options: object) -> Run:
    chosen = RunnerOptions(num_slots=model.num_slots, **options)  # type: ignore[arg-type]
    return run_ours(works, policy, model, chosen)


@given(loads(), policies, models, st.sampled_from(list(Preemption)))
@settings(max_examples=150, deadline=None)
def test_every_request_finishes_once_and_in_causal_order(
    works: list[Work], policy: KeyFunction, model: ServiceModel, mode: Preemption
) -> None:
    result = run(works, policy, model, preemption=mode)
    by_id = {item.id: item for item in works}
    assert sorted(o.id for o in result.outcomes) == sorted(by_id)
    finishes = [o.finished_seconds for o in result.outcomes]
    assert finishes == sorted(finishes)  # time never decreases
    for outcome in result.outcomes:
        item = by_id[outcome.id]
        alone = model.solo_seconds(item.prompt_tokens, item.output_tokens)
        assert outcome.queued_seconds <= outcome.started_seconds
        assert outcome.response_seconds >= alone - 1e-9
        assert 0 < outcome.ttft_seconds <= outcome.response_seconds + 1e-9
    assert 0 <= result.kv_utilisation <= 1 + 1e-9


@given(loads(), policies, models)
@settings(max_examples=150, deadline=None)
def test_the_gpu_is_busy_exactly_while_requests_are_present(
    works: list[Work], policy: KeyFunction, model: ServiceModel
) -> None:
    result = run(works, policy, model)
    spans = sorted((o.queued_seconds, o.finished_seconds) for o in result.outcomes)
    present, until = 0.0, 0.0
    for queued, finished in spans:
        present += max(0.0, finished - max(queued, until))
        until = max(until, finished)
    assert result.busy_seconds == pytest.approx(present, abs=1e-7)


@given(loads(), policies, models)
@settings(max_examples=75, deadline=None)
def test_the_same_requests_give_the_same_run(
    works: list[Work], policy: KeyFunction, model: ServiceModel
) -> None:
    assert run(works, policy, model) == run(list(works), policy, model)


@given(loads(), policies, models)
@settings(max_examples=100, deadline=None)
def test_many_steps_at_once_give_the_same_result_as_single_steps(
    works: list[Work], policy: KeyFunction, model: ServiceModel
) -> None:
    many_at_once = run(works, policy, model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Runner, "_steps_to_next_event", lambda self: 1)
        single = run(works, policy, model)
    expected = {o.id: o for o in single.outcomes}
    for outcome in many_at_once.outcomes:
        other = expected[outcome.id]
        assert outcome.finished_seconds == pytest.approx(other.finished_seconds, abs=1e-7)
        assert outcome.ttft_seconds == pytest.approx(other.ttft_seconds, abs=1e-7)


@given(loads(max_size=1), policies, models)
@settings(max_examples=75, deadline=None)
def test_a_single_request_takes_the_solo_time(
    works: list[Work], policy: KeyFunction, model: ServiceModel
) -> None:
    (outcome,) = run(works, policy, model).outcomes
    (item,) = works
    alone = model.solo_seconds(item.prompt_tokens, item.output_tokens)
    assert outcome.response_seconds == pytest.approx(alone, abs=1e-9)


@given(loads(), policies, models)
@settings(max_examples=150, deadline=None)
def test_no_policy_beats_the_bounds(
    works: list[Work], policy: KeyFunction, model: ServiceModel
) -> None:
    outcomes = run(works, policy, model).outcomes
    limits = bounds(works, model, model.num_slots)
    for priority, bound in limits.by_priority.items():
        own = [o.response_seconds for o in outcomes if o.priority == priority]
        up_to = [o.response_seconds for o in outcomes if o.priority <= priority]
        assert fsum(own) / len(own) >= bound.rigorous - 1e-9
        assert fsum(up_to) / len(up_to) >= bound.rigorous_up_to - 1e-9
    assert fsum(o.response_seconds for o in outcomes) / len(outcomes) >= limits.overall - 1e-9
    weighted = fsum((5 - o.priority) * o.response_seconds for o in outcomes)
    assert weighted >= limits.weighted_sum - 1e-6


def test_the_bound_is_close_to_the_best_of_all_orders() -> None:
    """Compares with every fixed order of small workloads, on one slot and on two."""
    ratios = []
    for seed in range(6):
        works = poisson_load(seed=seed, num_requests=4, arrivals_per_second=2.0)
        for num_slots in (1, 2):
            best = min(
                mean_response(works, fixed_order(order), num_slots)
                for order in permutations([item.id for item in works])
            )
            bound = rigorous_mean(works, SETTINGS["A100_4B"], num_slots)
            assert bound <= best + 1e-9
            ratios.append(best / bound)
    assert fsum(ratios[::2]) / 6 < 1.05  # one slot: a prefill pass cannot be preempted
    assert fsum(ratios) / len(ratios) < 1.35


def fixed_order(ids: tuple[str, ...]) -> KeyFunction:
    place = {request_id: float(index) for index, request_id in enumerate(ids)}

    def key(request: Request) -> tuple[float, ...]:
        return (place[request.id],)

    return key


def mean_response(works: list[Work], policy: KeyFunction, num_slots: int) -> float:
    outcomes = run_ours(
        works, policy, SETTINGS["A100_4B"], RunnerOptions(num_slots=num_slots)
    ).outcomes
    return fsum(o.response_seconds for o in outcomes) / len(outcomes)


def test_prefilling_ahead_saves_passes_and_time() -> None:
    works = generate(WorkloadSpec(gap_seconds=0.01, max_concurrent=20))
    ahead = run(works, POLICIES["semantic"], SETTINGS["A100_4B"])
    not_ahead = run(works, POLICIES["semantic"], SETTINGS["A100_4B"], prefill_ahead=False)
    assert ahead.prefill_passes < not_ahead.prefill_passes / 3
    assert ahead.makespan_seconds < 0.95 * not_ahead.makespan_seconds


def test_the_reversed_order_is_far_worse() -> None:
    """Control experiment: the figures must show a reversed key."""

    def reversed_key(request: Request) -> tuple[float, ...]:
        return (-request.priority, -request.remaining_tokens)

    works = generate(WorkloadSpec(gap_seconds=0.01, max_concurrent=10))
    good = run(works, POLICIES["semantic"], SETTINGS["A100_4B"])
    bad = run(works, reversed_key, SETTINGS["A100_4B"])

    def urgent(result: Run) -> float:
        own = [o.response_seconds for o in result.outcomes if o.priority == 0]
        return fsum(own) / len(own)

    assert urgent(bad) > 2 * urgent(good)


def test_a_request_that_exceeds_the_kv_memory_is_refused_before_the_run() -> None:
    with pytest.raises(CannotFit, match="60 \\+ 30 tokens do not fit into the 72 of tight"):
        run([work(0, 0.0, 0, 60, 30, 30)], POLICIES["fcfs"], TIGHT)
