"""What a semantic queue promises, whichever store is under it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple, Protocol

from scheduling.core.request import NUM_PRIORITIES, Request


class UnknownPolicy(LookupError):
    """The active policy, or the one asked for, is not among those this process can score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A request that a worker may now run, and the token that proves it."""

    request: Request
    token: str
    lease_expires_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A request that runs, and where."""

    request: Request
    worker: str
    token: str
    expires_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCounts:
    """Number of requests per priority; index 0 is the most urgent."""

    waiting: tuple[int, ...] = (0,) * NUM_PRIORITIES
    running: tuple[int, ...] = (0,) * NUM_PRIORITIES

    @property
    def num_waiting(self) -> int:
        return sum(self.waiting)

    @property
    def num_running(self) -> int:
        return sum(self.running)


class Replaced(NamedTuple):
    """How many waiting requests `replace_all` added, removed and corrected."""

    added: int
    removed: int
    updated: int


class SemanticQueue(Protocol):
    """Waiting requests in the order of one active policy, and the leases of those that run.

    Each move happens at once or not at all, whoever else moves at the same time. `now` is
    passed in (seconds of the Unix epoch). A token proves a lease: once the lease was reaped,
    released or cancelled, its token is stale, and moves that carry it do nothing.
    """

    def enqueue(self, request: Request) -> bool:
        """False where that id waits or runs already; then nothing is changed."""
        ...

    def claim(
        self,
        worker: str,
        num: int,
        now: float,
        lease_seconds: float,
        max_running: int | None = None,
    ) -> list[Claim]:
        """Takes up to `num` of the best, best first, leased until `now + lease_seconds`.

        `max_running` and the active policy's own cap bound the leases of all workers together.
        """
        ...

    def peek(self, num: int, now: float) -> list[Request]:
        """The best `num` that wait, best first."""
        ...

    def waiting(self, now: float) -> list[Request]:
        """All that wait, in the order of `rank` under the active policy."""
        ...

    def running(self) -> list[Lease]:
        """All that run, soonest expiry first."""
        ...

    def held(self) -> dict[str, str]:
        """The token of every id that runs."""
        ...

    def get(self, request_id: str) -> Request | None:
        """The request as the queue knows it, waiting or running."""
        ...

    def position(self, request_id: str, now: float) -> int | None:
        """How many waiting go before it; None where it does not wait."""
        ...

    def counts(self) -> QueueCounts: ...

    def renew(
        self, worker: str, tokens: Mapping[str, str], now: float, lease_seconds: float
    ) -> set[str]:
        """Prolongs the leases of `tokens` (id to token); the ids that are held no more."""
        ...

    def release(self, request_id: str, token: str, generated_tokens: int, now: float) -> bool:
        """Puts a running request back with its progress and its first arrival."""
        ...

    def finish(self, request_id: str, token: str) -> bool:
        """Takes a running request out for good. False where the token is stale."""
        ...

    def cancel(self, request_id: str) -> str | None:
        """Takes it out: "waiting" or "running", what it was, or None where it is not here.

        The worker of a running one is told by its next `renew`.
        """
        ...

    def reprioritise(self, request_id: str, priority: int, due_seconds: float) -> bool:
        """At once, waiting or running. False where it is not here."""
        ...

    def revise(self, request: Request) -> bool:
        """Puts other values in the place of the request of that id, waiting or running, at once.

        Its claim, where it has one, stays good. False where it is not here.
        """
        ...

    def reap(self, now: float) -> list[str]:
        """Puts back, with priority and first arrival, those whose lease expired; their ids."""
        ...

    def switch_policy(self, policy_name: str) -> None:
        """One exchange of the whole order. Raises UnknownPolicy."""
        ...

    def active_policy(self) -> str: ...

    def mark(self) -> str:
        """The present moment of this queue, for `replace_all`; take it before reading the truth."""
        ...

    def replace_all(
        self, requests: Sequence[Request], policy_name: str, *, mark: str | None = None
    ) -> Replaced:
        """Makes what waits equal `requests`, and the policy `policy_name`. Idempotent.

        Running requests are left alone. With a `mark`, so is every id (and the policy) that
        changed after it: a case that came in after the truth was read is not thrown out.
        """
        ...

    def clear(self) -> None:
        """Forgets all that waits and runs; the policy stays."""
        ...


def checked_time(name: str, seconds: float) -> float:
    """Raises ValueError, naming the argument, unless `seconds` is a finite number."""
    if not isfinite(seconds):
        raise ValueError(f"{name}: must be finite, not {seconds!r}")
    return float(seconds)


def lease_end(now: float, lease_seconds: float) -> float:
    if checked_time("lease_seconds", lease_seconds) <= 0:
        raise ValueError("lease_seconds: must be above 0")
    return checked_time("now", now) + lease_seconds


def checked_worker(worker: str) -> str:
    if not worker:
        raise ValueError("worker: must not be empty")
    return worker
