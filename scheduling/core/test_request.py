from dataclasses import FrozenInstanceError
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.core.request import PRIORITIES, Request
from scheduling.core.request_strategies import TOKENS, requests

GOOD: dict[str, Any] = {
    "id": "a",
    "arrival_seconds": 0.0,
    "priority": 2,
    "prompt_tokens": 10,
    "predicted_tokens": 20,
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", ""),
        ("priority", -1),
        ("priority", 5),
        ("priority", 1.5),
        ("arrival_seconds", -1.0),
        ("arrival_seconds", inf),
        ("arrival_seconds", nan),
        ("due_seconds", nan),
        ("prompt_tokens", -1),
        ("predicted_tokens", -1),
        ("generated_tokens", -1),
    ],
)
def test_an_invalid_value_is_refused_with_the_name_of_the_field(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        Request(**{**GOOD, field: value})


@pytest.mark.parametrize("priority", PRIORITIES)
def test_all_five_priorities_are_accepted(priority: int) -> None:
    assert Request(**{**GOOD, "priority": priority}).priority == priority


def test_a_request_without_deadline_is_never_overdue() -> None:
    assert Request(**GOOD).due_seconds == inf


def test_a_request_cannot_be_changed_in_place() -> None:
    with pytest.raises(FrozenInstanceError):
        Request(**GOOD).priority = 0  # type: ignore[misc]


@given(requests(), TOKENS)
def test_progress_changes_only_the_generated_tokens(request_: Request, generated: int) -> None:
    later = request_.with_progress(generated)
    assert later.generated_tokens == generated
    assert later.with_progress(request_.generated_tokens) == request_


@given(requests(), TOKENS)
def test_predicted_tokens_are_split_into_generated_and_remaining(
    request_: Request, generated: int
) -> None:
    later = request_.with_progress(generated)
    assert later.remaining_tokens >= 0
    assert later.context_tokens == request_.prompt_tokens + generated
    if generated <= request_.predicted_tokens:
        assert later.remaining_tokens + generated == request_.predicted_tokens
    else:
        assert later.remaining_tokens == 0


@given(requests(), st.sampled_from(PRIORITIES), st.none() | st.floats(0, 1e9))
def test_a_new_priority_keeps_arrival_and_progress(
    request_: Request, priority: int, due_seconds: float | None
) -> None:
    moved = request_.with_priority(priority, due_seconds)
    assert moved.priority == priority
    assert moved.due_seconds == (request_.due_seconds if due_seconds is None else due_seconds)
    assert not moved.first_in_level  # a person has set the level
    back = moved.with_priority(
        request_.priority, request_.due_seconds, first_in_level=request_.first_in_level
    )
    assert back == request_.with_manual(request_.manual if priority == request_.priority else None)
