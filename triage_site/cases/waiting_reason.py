"""The reason for the position of a waiting case, in words. Pure: no clock, no database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.text import get_text_list

from scheduling.core.policies import Policy
from scheduling.core.request import PRIORITIES, Request
from triage_site.cases.levels import LEVELS


@dataclass(frozen=True, slots=True)
class Ahead:
    """Numbers of requests before a place of the queue, by level.

    `overdue` and `first`, those that go first in their level, are parts of `all`.
    """

    all: tuple[int, ...] = (0,) * len(PRIORITIES)
    overdue: tuple[int, ...] = (0,) * len(PRIORITIES)
    first: tuple[int, ...] = (0,) * len(PRIORITIES)
    first_overdue: tuple[int, ...] = (0,) * len(PRIORITIES)


def tallies(order: Iterable[Request], now_seconds: float) -> list[Ahead]:
    """Returns what is ahead of each place of the queue, and last of its end. One pass."""
    every, overdue, first, both = ([0] * len(PRIORITIES) for _ in range(4))
    result = [Ahead()]
    for request in order:
        every[request.priority] += 1
        is_late = request.sorted_due_seconds <= now_seconds
        overdue[request.priority] += is_late
        first[request.priority] += request.as_sorted.first_in_level
        both[request.priority] += request.as_sorted.first_in_level and is_late
        result.append(Ahead(tuple(every), tuple(overdue), tuple(first), tuple(both)))
    return result


def waiting_reason(
    request: Request, *, ahead: Ahead, running: Sequence[Request], policy: Policy
) -> str:
    """Returns which cases are served before this one; empty when no case is before it."""
    if not any(ahead.all):
        counts = Counter(one.priority for one in running)
        return _after(_level_counts([counts[p] for p in PRIORITIES]))
    return _after(_parts_ahead(request, ahead, policy))


def _parts_ahead(request: Request, ahead: Ahead, policy: Policy) -> list[str]:
    num, own = sum(ahead.all), request.priority
    kind = "earlier" if policy.ignores_length else "quicker"
    if policy.ignores_urgency:
        return [f"{num} {kind} {_cases(num)}"]
    late = sum(ahead.overdue[own:]) if policy.bounded_wait else 0
    parts = [f"{late} overdue {_cases(late)}"] if late else []
    parts += _level_counts(ahead.all[:own])
    num_first = 0 if request.first_in_level else ahead.first[own]
    if num_first and policy.bounded_wait:
        num_first -= ahead.first_overdue[own]
    if num_first:
        parts.append(f"{num_first} not understood {_cases(num_first)} of the same level")
    num_same = sum(ahead.all[own:]) - late - num_first
    if num_same:
        parts.append(f"{num_same} {kind} {_cases(num_same)} of the same level")
    return parts


def _level_counts(counts: Sequence[int]) -> list[str]:
    """Returns ["1 resus", "3 urgent"], most urgent first."""
    return [f"{num} {LEVELS[p].short.lower()}" for p, num in enumerate(counts) if num]


def _after(parts: list[str]) -> str:
    """Returns "After 1 resus, 3 urgent and 2 quicker cases"; empty without parts."""
    return f"After {get_text_list(parts, 'and')}" if parts else ""


def _cases(num: int) -> str:
    return "case" if num == 1 else "cases"
