"""Hypothesis strategies for requests, shared by the law tests. Small values make ties likely."""

from __future__ import annotations

from math import inf
from typing import Final

from hypothesis import strategies as st

from scheduling.core.request import PRIORITIES, ManualPlace, Request

IDS: Final = st.text(
    alphabet=st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=6
)
SECONDS: Final = st.one_of(
    st.integers(0, 3).map(float),
    st.floats(0, 4e9, allow_nan=False, allow_infinity=False),
)
DUE_SECONDS: Final = st.one_of(SECONDS, st.sampled_from([inf, -inf, -1.0, -0.0]))
TOKENS: Final = st.one_of(st.integers(0, 3), st.integers(0, 2**24 - 1))


MANUAL: Final = st.none() | st.builds(
    ManualPlace,
    arrival_seconds=SECONDS,
    tokens=TOKENS,
    due_seconds=DUE_SECONDS,
    nudge=st.sampled_from([-1.5, -1.0, 0.0, 0.25, 1.0]),
    first_in_level=st.booleans(),
)


def requests(ids: st.SearchStrategy[str] = IDS) -> st.SearchStrategy[Request]:
    return st.builds(
        Request,
        id=ids,
        arrival_seconds=SECONDS,
        priority=st.sampled_from(PRIORITIES),
        prompt_tokens=TOKENS,
        predicted_tokens=TOKENS,
        generated_tokens=TOKENS,
        due_seconds=DUE_SECONDS,
        first_in_level=st.booleans(),
        manual=MANUAL,
    )


def batches(max_size: int = 12) -> st.SearchStrategy[list[Request]]:
    """Lists of requests with different ids."""
    return st.lists(requests(), max_size=max_size, unique_by=lambda request: request.id)
