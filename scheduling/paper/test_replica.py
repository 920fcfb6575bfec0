"""Tests of the replica against the figures that the published program reports."""

from __future__ import annotations

from dataclasses import replace
from math import fsum

import pytest

from scheduling.core.policies import POLICIES
from scheduling.paper.figures import REFERENCE_MEANS, PublishedFigures, published_figures
from scheduling.paper.replica import PublishedRule, run_published
from scheduling.simulator.hardware import SETTINGS
from scheduling.simulator.outcome import Run
from scheduling.simulator.runner import run_ours
from scheduling.simulator.workload import WorkloadSpec, generate

FIGURES = published_figures()


def means(run: Run) -> list[float]:
    by_priority: dict[int, list[float]] = {}
    for outcome in run.outcomes:
        by_priority.setdefault(outcome.priority, []).append(outcome.response_seconds)
    return [fsum(values) / len(values) for _, values in sorted(by_priority.items())]


def check(figures: PublishedFigures) -> None:
    run = run_published(
        figures.workload(), figures.policy, SETTINGS[figures.setting], figures.num_slots
    )
    assert len(run.outcomes) == figures.num_requests
    if figures.evictions:
        assert means(run) == pytest.approx(figures.means, rel=0.10)
    else:  # equal to the last reported digit, also with ties
        assert means(run) == pytest.approx(figures.means, abs=1e-4)


@pytest.mark.parametrize("figures", FIGURES, ids=lambda figures: figures.key)
def test_the_replica_gives_the_reported_means(figures: PublishedFigures) -> None:
    check(figures)


@pytest.mark.parametrize("policy", ["semantic", "sjf", "pjf", "fcfs"])
def test_many_steps_at_once_give_the_same_result_as_single_steps(
    policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are only few different prompts, so many keys are equal."""
    works = [
        replace(work, prompt_tokens=1 + work.prompt_tokens // 200)
        for work in generate(WorkloadSpec(gap_seconds=0.1, max_concurrent=12))
    ]
    many_at_once = run_published(works, policy, SETTINGS["A100_4B"], 4)
    monkeypatch.setattr(PublishedRule, "_num_equal_steps", lambda self: 1)
    single = run_published(works, policy, SETTINGS["A100_4B"], 4)
    assert [o.id for o in many_at_once.outcomes] == [o.id for o in single.outcomes]
    for one, other in zip(many_at_once.outcomes, single.outcomes, strict=True):
        assert one.response_seconds == pytest.approx(other.response_seconds, abs=1e-7)
        assert one.ttft_seconds == pytest.approx(other.ttft_seconds, abs=1e-7)


def test_the_published_rule_slows_fcfs_more_than_semantic_order() -> None:
    """It is not work-conserving: no request starts before the class of the first member is
    done."""
    by_key = {figures.key: figures for figures in FIGURES}
    fcfs = by_key["fcfs/A100_4B/gap0.01/max5/batch16"]
    semantic = by_key["semantic/A100_4B/gap0.01/max5/batch16"]
    assert fcfs.mean > 1.5 * semantic.mean


def test_a_policy_that_the_paper_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="semantic_due"):
        run_published([], "semantic_due", SETTINGS["A100_4B"], 4)


def test_semantic_on_the_published_load_is_close_to_the_reference() -> None:
    works = generate(WorkloadSpec(gap_seconds=0.01, max_concurrent=50))
    outcomes = run_ours(works, POLICIES["semantic"], SETTINGS["A100_4B"]).outcomes
    published = (8.60, 31.85, 53.15, 76.77, 98.07)
    for priority, reference in enumerate(REFERENCE_MEANS):
        own = [o.response_seconds for o in outcomes if o.priority == priority]
        mean = fsum(own) / len(own)
        assert mean < published[priority]
        assert mean <= 1.04 * reference
