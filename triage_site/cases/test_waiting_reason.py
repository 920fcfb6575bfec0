"""The reason for the position of a waiting case, under each policy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scheduling.core.policies import POLICIES
from scheduling.core.request import Request
from triage_site.cases.waiting_reason import tallies, waiting_reason


def request(name: str, priority: int, due_seconds: float = 1e9) -> Request:
    return Request(
        id=name,
        arrival_seconds=0,
        priority=priority,
        prompt_tokens=1,
        predicted_tokens=10,
        due_seconds=due_seconds,
    )


def reason(priority: int, ahead: list[Request], running: list[Request], policy: str) -> str:
    return waiting_reason(
        request("me", priority),
        ahead=tallies(ahead, 100)[-1],
        running=running,
        policy=POLICIES[policy],
    )


def test_the_next_case_waits_for_the_running_cases() -> None:
    running = [request("a", 0), request("b", 2), request("c", 2)]
    assert reason(1, [], running, "semantic") == "After 1 resus and 2 urgent"
    assert reason(1, [], [], "semantic") == ""


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        ("semantic", "After 1 resus and 2 quicker cases of the same level"),
        ("pjf", "After 1 resus and 2 earlier cases of the same level"),
        ("fcfs", "After 3 earlier cases"),
        ("serial", "After 3 earlier cases"),
        ("sjf", "After 3 quicker cases"),
    ],
)
def test_each_policy_has_its_own_reason(policy: str, text: str) -> None:
    ahead = [request("a", 0), request("b", 2), request("c", 2)]
    assert reason(2, ahead, [], policy) == text


@pytest.mark.parametrize("policy", ["semantic", "semantic_due", "pjf"])
def test_cases_that_were_not_understood_are_named(policy: str) -> None:
    ahead = [replace(request("a", 2), first_in_level=True)]
    assert reason(2, ahead, [], policy) == "After 1 not understood case of the same level"
    late = [replace(ahead[0], due_seconds=50)]
    assert ("overdue" in reason(2, late, [], policy)) == (policy == "semantic_due")


def test_an_overdue_case_ahead_is_named() -> None:
    ahead = [request("late", 4, due_seconds=50), request("urgent", 0, due_seconds=50)]
    assert reason(2, ahead, [], "semantic_due") == "After 1 overdue case and 1 resus"


def test_the_parts_of_a_reason_are_joined() -> None:
    ahead = [request("a", 0), request("b", 1), request("c", 2)]
    text = "After 1 resus, 1 emergent and 1 quicker case of the same level"
    assert reason(2, ahead, [], "semantic") == text
