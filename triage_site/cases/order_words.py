"""Why a case stands where it stands, in plain words. Pure: no clock, no database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from scheduling.core.policies import Policy
from scheduling.core.request import Request
from triage_site.cases.levels import LEVELS

_LIKE_SEMANTIC = ("semantic", "semantic_due")


def why_waiting(
    request: Request,
    *,
    ahead: Sequence[Request],
    running: Sequence[Request],
    policy: Policy,
    now_seconds: float,
) -> str:
    """The reason that a case waits: who is before it under the active policy."""
    if not ahead:
        return f"because: {_levels(running)} running" if running else "because: it is next"
    return f"because: {_before(request, ahead, policy, now_seconds)}"


def _before(request: Request, ahead: Sequence[Request], policy: Policy, now_seconds: float) -> str:
    if policy.name in ("fcfs", "serial"):
        return f"{len(ahead)} came earlier"
    if policy.name == "sjf":
        return f"{len(ahead)} with a shorter answer"
    overdue = [other for other in ahead if policy.bounded_wait and other.due_seconds <= now_seconds]
    late = {other.id for other in overdue if other.priority >= request.priority}
    rest = [other for other in ahead if other.id not in late]
    parts = [f"{len(late)} past the deadline"] if late else []
    urgent = [other for other in rest if other.priority < request.priority]
    if urgent:
        parts.append(f"{_levels(urgent)} first")
    same = len(rest) - len(urgent)
    if same:
        how = "shorter" if policy.name in _LIKE_SEMANTIC else "came earlier"
        parts.append(f"{same} of its level {how}")
    return ", ".join(parts)


def _levels(requests: Sequence[Request]) -> str:
    """ "1 resus, 3 urgent", most urgent first."""
    counts = Counter(request.priority for request in requests)
    return ", ".join(f"{counts[p]} {LEVELS[p].short.lower()}" for p in sorted(counts))
