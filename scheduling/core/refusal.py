"""The last refusal of a slot, so that the same request is not compared again."""

from __future__ import annotations

from scheduling.core.policies import KeyFunction, Policy, Preemption
from scheduling.core.request import Request


class Refusal:
    """The best waiting request that was last refused a slot, and the time (seconds).

    A refusal stays valid because running requests only rise in rank: no key of a `Policy`
    grows with tokens generated. A plain key function gives no such guarantee, so with one
    every comparison is made.
    """

    def __init__(self, policy: KeyFunction, preemption: Preemption) -> None:
        self._is_final = preemption is Preemption.NEVER
        self._is_steady = preemption is Preemption.KEY and isinstance(policy, Policy)
        self._bounded_wait: bool = getattr(policy, "bounded_wait", False)
        self._request: Request | None = None
        self._at = 0.0

    def record(self, request: Request | None, now: float) -> None:
        self._request, self._at = request, now

    def clear(self) -> None:
        """To be called when a request changes in any way other than tokens generated."""
        self._request = None

    def is_still_valid(self, best: Request, now: float) -> bool:
        """True if `best` would be refused again for certain."""
        if self._is_final:
            return True
        if not self._is_steady or best is not self._request:
            return False
        deadline_passed = self._at < best.sorted_due_seconds <= now
        return not (deadline_passed and self._bounded_wait)
