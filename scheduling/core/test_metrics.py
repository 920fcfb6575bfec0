from __future__ import annotations

from statistics import quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.core.metrics import percentile, priority_inversions, summarise

SECONDS = st.lists(st.floats(0, 1e6), min_size=2, max_size=50)


@given(SECONDS)
def test_percentiles_equal_those_of_the_standard_library(seconds: list[float]) -> None:
    expected = quantiles(seconds, n=100, method="inclusive")
    ordered = sorted(seconds)
    for percent in (1, 50, 90, 95, 99):
        assert percentile(ordered, percent / 100) == pytest.approx(expected[percent - 1], abs=1e-6)


@given(SECONDS)
def test_the_percentiles_of_a_summary_are_in_order(seconds: list[float]) -> None:
    summary = summarise(seconds)
    assert summary is not None
    assert summary.p50 <= summary.p90 <= summary.p95 <= summary.p99 <= summary.max == max(seconds)
    assert min(seconds) - 1e-6 <= summary.mean <= summary.max + 1e-6


def test_no_values_give_no_summary() -> None:
    assert summarise([]) is None


def test_inversions_count_requests_served_before_a_more_urgent_waiting_one() -> None:
    assert priority_inversions([(0, 0.0, 5.0), (3, 0.0, 1.0), (4, 2.0, 3.0)]) == 2
    assert priority_inversions([(3, 0.0, 1.0), (0, 2.0, 3.0)]) == 0


def test_requests_that_start_together_are_no_inversion() -> None:
    assert priority_inversions([(0, 0.0, 1.0), (4, 0.0, 1.0)]) == 0


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(0, 9)), max_size=20))
def test_inversions_match_their_definition(waits: list[tuple[int, int, int]]) -> None:
    spans = [(p, float(q), float(q + w)) for p, q, w in waits]
    expected = sum(
        any(p < priority and queued <= served < start for p, queued, start in spans)
        for priority, _, served in spans
    )
    assert priority_inversions(spans) == expected
