"""Tests of KV blocks: growth counted for all requests together equals growth of each one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.core.kv_blocks import KVBlocks


@given(
    st.lists(st.integers(1, 40), max_size=8),
    st.lists(st.integers(0, 70), max_size=6),
    st.integers(1, 9),
)
def test_growth_of_all_requests_is_the_sum_of_the_growth_of_each(
    sizes: list[int], growths: list[int], block_tokens: int
) -> None:
    kv = KVBlocks(num_blocks=5000, block_tokens=block_tokens)
    for index, size in enumerate(sizes):
        kv.start_growing(str(index), size)
    grown = 0
    for growth in growths:
        before = sum(-(-(size + grown) // block_tokens) for size in sizes)
        after = sum(-(-(size + grown + growth) // block_tokens) for size in sizes)
        assert kv.blocks_to_grow(growth) == after - before
        assert kv.grow(growth)
        grown += growth
        assert kv.num_free == 5000 - after
        assert all(
            kv.held(str(index)) == -(-(size + grown) // block_tokens)
            for index, size in enumerate(sizes)
        )
    for index in range(len(sizes)):
        kv.free(str(index))
    assert kv.num_free == 5000


@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(1, 60), st.integers(0, 40))
def test_steps_before_shortage_is_the_largest_number_that_fits(
    sizes: list[int], at_most: int, spare: int
) -> None:
    kv = KVBlocks(num_blocks=sum(-(-size // 4) for size in sizes) + spare, block_tokens=4)
    for index, size in enumerate(sizes):
        kv.start_growing(str(index), size)
    steps = kv.steps_before_shortage(at_most)
    assert 0 <= steps <= at_most
    assert kv.blocks_to_grow(steps) <= kv.num_free
    if steps < at_most:
        assert kv.blocks_to_grow(steps + 1) > kv.num_free
        assert not kv.grow(steps + 1)


def test_a_request_that_stops_growing_keeps_its_blocks() -> None:
    kv = KVBlocks(num_blocks=10, block_tokens=4)
    kv.start_growing("a", 5)
    assert kv.grow(4)
    kv.stop_growing("a")
    assert kv.held("a") == 3
    assert kv.grow(8)
    assert kv.held("a") == 3
    assert kv.free("a") == 3
    assert kv.num_free == 10


def test_blocks_that_are_not_free_are_refused() -> None:
    kv = KVBlocks(num_blocks=2, block_tokens=4)
    kv.reserve("a", 4)
    with pytest.raises(MemoryError):
        kv.reserve("b", 8)
    with pytest.raises(MemoryError):
        kv.start_growing("b", 8)
    assert kv.num_free == 1
