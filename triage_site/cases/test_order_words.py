"""The order in plain words: whom a case waits for, under each policy."""

from __future__ import annotations

import pytest

from scheduling.core.policies import POLICIES
from scheduling.core.request import Request
from triage_site.cases.order_words import why_waiting


def request(name: str, priority: int, due_seconds: float = 1e9) -> Request:
    return Request(
        id=name,
        arrival_seconds=0,
        priority=priority,
        prompt_tokens=1,
        predicted_tokens=10,
        due_seconds=due_seconds,
    )


def why(priority: int, ahead: list[Request], running: list[Request], policy: str) -> str:
    return why_waiting(
        request("me", priority),
        ahead=ahead,
        running=running,
        policy=POLICIES[policy],
        now_seconds=100,
    )


def test_the_next_one_waits_for_those_that_run() -> None:
    running = [request("a", 0), request("b", 2), request("c", 2)]
    assert why(1, [], running, "semantic") == "because: 1 resus, 2 urgent running"
    assert why(1, [], [], "semantic") == "because: it is next"


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("semantic", "because: 1 resus first, 2 of its level shorter"),
        ("pjf", "because: 1 resus first, 2 of its level came earlier"),
        ("fcfs", "because: 3 came earlier"),
        ("serial", "because: 3 came earlier"),
        ("sjf", "because: 3 with a shorter answer"),
    ],
)
def test_each_policy_has_its_own_reason(policy: str, words: str) -> None:
    ahead = [request("a", 0), request("b", 2), request("c", 2)]
    assert why(2, ahead, [], policy) == words


def test_an_overdue_case_ahead_is_named_as_such() -> None:
    ahead = [request("late", 4, due_seconds=50), request("urgent", 0, due_seconds=50)]
    assert why(2, ahead, [], "semantic_due") == ("because: 1 past the deadline, 1 resus first")
