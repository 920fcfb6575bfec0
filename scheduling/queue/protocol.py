"""The interface of the semantic queue, the same for every store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple, Protocol

from scheduling.core.request import NUM_PRIORITIES, Request


class UnknownPolicy(LookupError):
    """This process does not have the active or the requested policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right of a worker to run a request, and the token that proves it."""

    request: Request
    token: str
    lease_expires_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A running request, its worker, and the time at which the lease expires."""

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


class Reaped(NamedTuple):
    """A request whose lease ended, and the token that is void now."""

    request_id: str
    token: str


class Replaced(NamedTuple):
    """Numbers of waiting requests that `replace_all` added, removed and corrected."""

    added: int
    removed: int
    updated: int


class SemanticQueue(Protocol):
    """Waiting requests in the order of the active policy, and the leases of running ones.

    Each method is atomic. `now` is an argument (seconds since the Unix epoch); a queue that
    several hosts share uses the time of its server instead, because clocks of hosts differ. A
    token proves a lease. After the lease was reaped, released or cancelled, the token is stale,
    and a method that gets it changes nothing. An entry that cannot be read is removed and
    stops no other entry; `mend` and `replace_all` restore it.
    """

    def enqueue(self, request: Request) -> bool:
        """Adds a waiting request. Returns False, without any change, if the id is here already."""
        ...

    def claim(
        self,
        worker: str,
        num: int,
        now: float,
        lease_seconds: float,
        max_running: int | None = None,
        *,
        token: str | None = None,
        repeated: bool = False,
    ) -> list[Claim]:
        """Leases up to `num` of the best requests, best first, until `now + lease_seconds`.

        `max_running` and the limit of the active policy apply to all workers together. All
        claims of one call have the same `token`; None makes a new one. After a call without a
        reply, call again with the same token and `repeated`: this returns the claims of the
        first call, if it arrived, and claims nothing more.
        """
        ...

    def peek(self, num: int, now: float) -> list[Request]:
        """Returns the best `num` waiting requests, best first."""
        ...

    def waiting(self, now: float) -> list[Request]:
        """Returns all waiting requests, in the order of `rank` under the active policy."""
        ...

    def running(self) -> list[Lease]:
        """Returns all leases, the earliest expiry first."""
        ...

    def lease_tokens(self) -> dict[str, str]:
        """Returns the token of each running request, by id."""
        ...

    def get(self, request_id: str) -> Request | None:
        """Returns the waiting or running request; None if it is not here."""
        ...

    def position(self, request_id: str, now: float) -> int | None:
        """Returns the number of waiting requests before it; None if it does not wait."""
        ...

    def counts(self) -> QueueCounts: ...

    def renew(
        self, worker: str, tokens: Mapping[str, str], now: float, lease_seconds: float
    ) -> set[str]:
        """Renews the leases of `tokens` (id to token). Returns the ids whose token is stale."""
        ...

    def release(self, request_id: str, token: str, generated_tokens: int, now: float) -> bool:
        """Returns a running request to waiting, with its progress and its original arrival.

        Returns False if the token is stale.
        """
        ...

    def finish(self, request_id: str, token: str) -> bool:
        """Removes a running request. Returns False if the token is stale."""
        ...

    def cancel(self, request_id: str) -> str | None:
        """Removes a request. Returns "waiting" or "running", or None if it is not here.

        The worker of a running request learns it from its next `renew`.
        """
        ...

    def reprioritise(
        self, request_id: str, priority: int, due_seconds: float, *, first_in_level: bool = False
    ) -> bool:
        """Changes priority and deadline, waiting or running. Returns False if it is not here."""
        ...

    def revise(self, request: Request) -> bool:
        """Replaces the values of the request of that id at once, waiting or running.

        A claim stays valid. Returns False if the id is not here.
        """
        ...

    def reap(self, now: float) -> list[Reaped]:
        """Returns requests with an expired lease to waiting, with priority and original arrival."""
        ...

    def audit(self) -> str:
        """Returns the name of an inconsistent part, or "". Cheap and incomplete: it compares the
        numbers of entries only."""
        ...

    def mend(self, now: float, lease_seconds: float) -> int:
        """Checks every entry and makes all parts consistent. Returns the number of wrong entries.

        Removes entries that cannot be read, so that `replace_all` adds them again. A lease
        without a time of expiry gets `lease_seconds` from now.
        """
        ...

    def switch_policy(self, policy_name: str) -> None:
        """Sorts all waiting requests by another policy. Raises UnknownPolicy."""
        ...

    def active_policy(self) -> str: ...

    def mark(self) -> str:
        """Returns the present revision of the queue, for `replace_all`.

        Take it before you read the requests from SQL.
        """
        ...

    def replace_all(
        self, requests: Sequence[Request], policy_name: str, *, mark: str | None = None
    ) -> Replaced:
        """Replaces all waiting requests and the policy. Idempotent. Raises UnknownPolicy.

        Running requests stay. With a `mark`, a request or policy that changed after the mark
        also stays: a case that arrived after SQL was read is not removed.
        """
        ...

    def clear(self) -> None:
        """Removes all waiting and running requests; the policy stays."""
        ...


def checked_time(name: str, seconds: float) -> float:
    """Raises ValueError with the name of the argument if `seconds` is not finite."""
    if not isfinite(seconds):
        raise ValueError(f"{name}: must be finite, not {seconds!r}")
    return float(seconds)


def lease_end(now: float, lease_seconds: float) -> float:
    """Returns the time of expiry. Raises ValueError for a lease of no length."""
    if checked_time("lease_seconds", lease_seconds) <= 0:
        raise ValueError("lease_seconds: must be above 0")
    return checked_time("now", now) + lease_seconds


def checked_worker(worker: str) -> str:
    if not worker:
        raise ValueError("worker: must not be empty")
    return worker
