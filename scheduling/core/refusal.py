"""Whom nobody that runs had to make way for, so that the same need not be compared again."""

from __future__ import annotations

from scheduling.core.policies import KeyFunction, Policy, Preemption
from scheduling.core.request import Request


class Refusal:
    """The best waiting request that was last refused a slot, and when (seconds).

    Rests on what runs only rising in rank: no key of a `Policy` grows with tokens generated.
    A plain key function promises nothing, so with one every comparison is made.
    """

    def __init__(self, policy: KeyFunction, preemption: Preemption) -> None:
        self._is_final = preemption is Preemption.NEVER
        self._is_steady = preemption is Preemption.KEY and isinstance(policy, Policy)
        self._bounded_wait: bool = getattr(policy, "bounded_wait", False)
        self._request: Request | None = None
        self._at = 0.0

    def note(self, request: Request | None, now: float) -> None:
        self._request, self._at = request, now

    def forget(self) -> None:
        """Something changed in those that run, other than tokens generated."""
        self._request = None

    def stands(self, best: Request, now: float) -> bool:
        """Whether `best` cannot but be refused again."""
        if self._is_final:
            return True
        if not self._is_steady or best is not self._request:
            return False
        fell_due = self._at < best.due_seconds <= now
        return not (fell_due and self._bounded_wait)
