"""The reason for the position of a waiting case, in words. Pure: no clock, no database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from scheduling.core.policies import Policy
from scheduling.core.request import Request
from triage_site.cases.levels import LEVELS

_SHORTEST_WITHIN_LEVEL = ("semantic", "semantic_due")


def waiting_reason(
    request: Request,
    *,
    ahead: Sequence[Request],
    running: Sequence[Request],
    policy: Policy,
    now_seconds: float,
) -> str:
    """Returns which cases are served before this one; empty when no case is before it."""
    if not ahead:
        return _after(_level_counts(running))
    return _after(_parts_ahead(request, ahead, policy, now_seconds))


def _parts_ahead(
    request: Request, ahead: Sequence[Request], policy: Policy, now_seconds: float
) -> list[str]:
    if policy.name in ("fcfs", "serial"):
        return [f"{len(ahead)} earlier {_cases(len(ahead))}"]
    if policy.name == "sjf":
        return [f"{len(ahead)} quicker {_cases(len(ahead))}"]
    overdue = [other for other in ahead if policy.bounded_wait and other.due_seconds <= now_seconds]
    late = {other.id for other in overdue if other.priority >= request.priority}
    rest = [other for other in ahead if other.id not in late]
    parts = [f"{len(late)} overdue {_cases(len(late))}"] if late else []
    urgent = [other for other in rest if other.priority < request.priority]
    parts += _level_counts(urgent)
    num_same = len(rest) - len(urgent)
    if num_same:
        kind = "quicker" if policy.name in _SHORTEST_WITHIN_LEVEL else "earlier"
        parts.append(f"{num_same} {kind} {_cases(num_same)} of the same level")
    return parts


def _level_counts(requests: Sequence[Request]) -> list[str]:
    """Returns ["1 resus", "3 urgent"], most urgent first."""
    counts = Counter(request.priority for request in requests)
    return [f"{counts[p]} {LEVELS[p].short.lower()}" for p in sorted(counts)]


def _after(parts: Sequence[str]) -> str:
    """Returns "After 1 resus, 3 urgent and 2 quicker cases"; empty without parts."""
    if not parts:
        return ""
    return f"After {' and '.join(filter(None, (', '.join(parts[:-1]), parts[-1])))}"


def _cases(num: int) -> str:
    return "case" if num == 1 else "cases"
