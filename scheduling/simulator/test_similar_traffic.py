"""What the record says about the arrivals of the next minutes."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.simulator.similar_traffic import (
    BURST_GAP_SECONDS,
    NUM_FUTURES,
    Futures,
    similar_futures,
)

BURST = [float(second) for second in range(0, 60, 2)]
DAY = 86_400.0


def later(seconds: float, moments: list[float]) -> list[float]:
    return [moment + seconds for moment in moments]


@pytest.mark.parametrize("moments", [[], [5.0], BURST])
def test_without_an_earlier_burst_nothing_is_known(moments: list[float]) -> None:
    assert similar_futures(moments, 61.0) == Futures()


def test_the_first_arrival_of_a_burst_announces_the_rest() -> None:
    """Not one arrival in minutes, as the mean of the day says."""
    futures = similar_futures([*BURST, 4000.0], 4000.0)
    assert futures.offsets[0] == tuple(BURST[1:])
    assert futures.share > 0.75


def test_the_likest_moments_weigh_most() -> None:
    """The end of a burst is like the end of the one before, little like its middle."""
    futures = similar_futures([*BURST, *later(4000.0, BURST)], 4000.0 + BURST[-1])
    assert len(futures.likeness) == len(futures.offsets)
    assert futures.likeness[0] == pytest.approx(1.0)
    assert list(futures.likeness) == sorted(futures.likeness, reverse=True)
    middle = futures.offsets.index(tuple(BURST[1:16]))
    assert futures.likeness[middle] < 0.1


def test_a_burst_is_expected_to_end_as_earlier_ones_did() -> None:
    now = 4000.0 + BURST[-1]
    futures = similar_futures([*BURST, *later(4000.0, BURST)], now)
    assert futures.offsets[0] == ()
    assert all(len(offsets) < 10 for offsets in futures.offsets[:10])


def test_after_a_silence_only_moments_with_that_silence_count() -> None:
    earlier = [0.0, 2.0, 4.0, 20.0, 22.0]
    futures = similar_futures([*earlier, *later(1000.0, earlier[:3])], 1014.0)
    # Only after the third and the last arrival was it quiet for ten seconds.
    assert sorted(futures.offsets) == [(), (6.0, 8.0)]


def test_after_a_long_silence_no_burst_goes_on() -> None:
    moments = [*BURST, *later(1000.0, BURST)]
    assert similar_futures(moments, moments[-1] + BURST_GAP_SECONDS + 1) == Futures()


def test_traffic_without_bursts_goes_on_at_its_mean_rate() -> None:
    drawn, moment, moments = Random(3), 0.0, []
    for _ in range(500):
        moment += drawn.expovariate(1 / 240)
        moments.append(moment)
    futures = similar_futures(moments, moments[-1])
    within = [sum(offset <= 1200 for offset in offsets) for offsets in futures.offsets[5:]]
    assert sum(within) / len(within) == pytest.approx(5.0, rel=0.35)
    assert futures.share > 0.9


def test_a_burst_unlike_all_earlier_ones_is_judged_by_itself() -> None:
    """Ten times as fast, and ten times as long."""
    fast = [number * 0.2 for number in range(300)]
    like = similar_futures([*BURST, *later(4000.0, BURST[:20])], 4039.0).share
    unlike = similar_futures([*BURST, *later(4000.0, fast)], 4059.9).share
    assert unlike < 0.1 < 0.5 < like


@given(
    st.lists(st.floats(0, DAY), max_size=80).map(sorted),
    st.floats(0, 100),
)
def test_futures_hold_only_what_came_in_earlier_bursts(moments: list[float], past: float) -> None:
    now = (moments[-1] if moments else 0.0) + past
    futures = similar_futures(moments, now)
    assert 0.0 <= futures.share <= 1.0
    assert len(futures.offsets) <= NUM_FUTURES
    assert bool(futures.offsets) == (futures.share > 0.0)
    for offsets in futures.offsets:
        assert list(offsets) == sorted(offsets)
        assert all(offset >= 0.0 for offset in offsets)
        assert len(offsets) < len(moments)
