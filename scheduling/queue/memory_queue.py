"""The semantic queue in memory, for one process, on the heaps of `scheduling.core`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from itertools import count
from threading import RLock
from typing import Concatenate, ParamSpec, TypeVar

from scheduling.core.policies import POLICIES, Policy, queue_score, rank
from scheduling.core.request import PRIORITIES, Request
from scheduling.core.waiting import WaitingQueue
from scheduling.queue.protocol import (
    Claim,
    Lease,
    QueueCounts,
    Reaped,
    Replaced,
    UnknownPolicy,
    checked_time,
    checked_worker,
    lease_end,
)

P = ParamSpec("P")
R = TypeVar("R")


def _atomic(
    method: Callable[Concatenate[MemorySemanticQueue, P], R],
) -> Callable[Concatenate[MemorySemanticQueue, P], R]:
    @wraps(method)
    def locked(self: MemorySemanticQueue, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self._lock:
            return method(self, *args, **kwargs)

    return locked


class MemorySemanticQueue:
    """A `SemanticQueue` that the threads of one process share."""

    def __init__(
        self, *, policies: Mapping[str, Policy] = POLICIES, default_policy: str = "semantic"
    ) -> None:
        self._lock = RLock()
        self._policies = policies
        self._active = self._policy(default_policy)
        self._waiting = WaitingQueue(self._active)
        self._leases: dict[str, Lease] = {}
        self._tokens = count(1)
        self._revision = 0
        self._policy_revision = 0
        self._changes: dict[str, int] = {}

    @_atomic
    def enqueue(self, request: Request) -> bool:
        self._check(request)
        if request.id in self._leases or request.id in self._waiting:
            return False
        self._push(request)
        return True

    @_atomic
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
        expires = lease_end(now, lease_seconds)
        checked_worker(worker)
        if repeated and token is not None:
            return self._granted_before(worker, token, expires)
        token = str(next(self._tokens)) if token is None else token
        for cap in (max_running, self._active.max_running):
            num = num if cap is None else min(num, cap - len(self._leases))
        claims: list[Claim] = []
        while len(claims) < num and (request := self._waiting.best(now)) is not None:
            self._changed(request.id)
            self._leases[request.id] = Lease(
                request=self._waiting.pop(request.id),
                worker=worker,
                token=token,
                expires_seconds=expires,
            )
            claims.append(Claim(request=request, token=token, lease_expires_seconds=expires))
        return claims

    def _granted_before(self, worker: str, token: str, expires: float) -> list[Claim]:
        holder = (worker, token)
        mine = [ls for ls in self._leases.values() if (ls.worker, ls.token) == holder]
        for lease in mine:
            self._replace_lease(lease, lease.request, expires)
        requests = rank([lease.request for lease in mine], self._active, expires)
        return [Claim(request=r, token=token, lease_expires_seconds=expires) for r in requests]

    @_atomic
    def peek(self, num: int, now: float) -> list[Request]:
        return self.waiting(now)[: max(0, num)]

    @_atomic
    def waiting(self, now: float) -> list[Request]:
        return rank(self._waiting, self._active, checked_time("now", now))

    @_atomic
    def running(self) -> list[Lease]:
        return sorted(
            self._leases.values(), key=lambda lease: (lease.expires_seconds, lease.request.id)
        )

    @_atomic
    def lease_tokens(self) -> dict[str, str]:
        return {request_id: lease.token for request_id, lease in self._leases.items()}

    @_atomic
    def get(self, request_id: str) -> Request | None:
        if request_id in self._leases:
            return self._leases[request_id].request
        if request_id not in self._waiting:
            return None
        return self._waiting[request_id]

    @_atomic
    def position(self, request_id: str, now: float) -> int | None:
        ids = [request.id for request in self.waiting(now)]
        return ids.index(request_id) if request_id in ids else None

    @_atomic
    def counts(self) -> QueueCounts:
        waiting = [request.priority for request in self._waiting]
        running = [lease.request.priority for lease in self._leases.values()]
        return QueueCounts(
            waiting=tuple(waiting.count(priority) for priority in PRIORITIES),
            running=tuple(running.count(priority) for priority in PRIORITIES),
        )

    @_atomic
    def renew(
        self, worker: str, tokens: Mapping[str, str], now: float, lease_seconds: float
    ) -> set[str]:
        expires = lease_end(now, lease_seconds)
        checked_worker(worker)
        lost = set()
        for request_id, token in tokens.items():
            lease = self._leases.get(request_id)
            if lease is None or (lease.token, lease.worker) != (token, worker):
                lost.add(request_id)
            else:
                self._replace_lease(lease, lease.request, expires)
        return lost

    @_atomic
    def release(self, request_id: str, token: str, generated_tokens: int, now: float) -> bool:
        checked_time("now", now)
        if not self._holds(request_id, token):
            return False
        request = self._leases[request_id].request.with_progress(generated_tokens)
        self._check(request)
        del self._leases[request_id]
        self._push(request)
        return True

    @_atomic
    def finish(self, request_id: str, token: str) -> bool:
        if not self._holds(request_id, token):
            return False
        del self._leases[request_id]
        self._changed(request_id)
        return True

    @_atomic
    def cancel(self, request_id: str) -> str | None:
        if self._leases.pop(request_id, None) is not None:
            was = "running"
        elif request_id in self._waiting:
            self._waiting.pop(request_id)
            was = "waiting"
        else:
            return None
        self._changed(request_id)
        return was

    @_atomic
    def reprioritise(
        self, request_id: str, priority: int, due_seconds: float, *, first_in_level: bool = False
    ) -> bool:
        old = self.get(request_id)
        if old is None:
            return False
        return self._replace(
            old.with_priority(priority, due_seconds, first_in_level=first_in_level)
        )

    @_atomic
    def revise(self, request: Request) -> bool:
        return self.get(request.id) is not None and self._replace(request)

    def _replace(self, request: Request) -> bool:
        self._check(request)
        lease = self._leases.get(request.id)
        if lease is None:
            self._push(request)
        else:
            self._replace_lease(lease, request, lease.expires_seconds)
            self._changed(request.id)
        return True

    @_atomic
    def reap(self, now: float) -> list[Reaped]:
        checked_time("now", now)
        expired = [lease for lease in self.running() if lease.expires_seconds <= now]
        for lease in expired:
            del self._leases[lease.request.id]
            self._push(lease.request)
        return [Reaped(lease.request.id, lease.token) for lease in expired]

    def audit(self) -> str:
        return ""  # nobody else can touch it

    def mend(self, now: float, lease_seconds: float) -> int:
        lease_end(now, lease_seconds)
        return 0

    @_atomic
    def switch_policy(self, policy_name: str) -> None:
        if (policy := self._policy(policy_name)) == self._active:
            return
        self._active = policy
        self._waiting.set_policy(policy)
        self._revision += 1
        self._policy_revision = self._revision

    @_atomic
    def active_policy(self) -> str:
        return self._active.name

    @_atomic
    def mark(self) -> str:
        return str(self._revision)

    @_atomic
    def replace_all(
        self, requests: Sequence[Request], policy_name: str, *, mark: str | None = None
    ) -> Replaced:
        at_revision = self._revision if mark is None else int(mark)
        if self._policy_revision <= at_revision:
            self.switch_policy(policy_name)
        given = {request.id: request for request in requests}
        for request in requests:
            self._check(request)
        present = {request.id: request for request in self._waiting}
        removed = [
            request_id
            for request_id in present
            if request_id not in given and self._is_replaceable(request_id, at_revision)
        ]
        for request_id in removed:
            self.cancel(request_id)
        pushed = [
            request
            for request in given.values()
            if present.get(request.id) != request and self._is_replaceable(request.id, at_revision)
        ]
        for request in pushed:
            self._push(request)
        num_updated = sum(request.id in present for request in pushed)
        return Replaced(len(pushed) - num_updated, len(removed), num_updated)

    @_atomic
    def clear(self) -> None:
        self._leases.clear()
        self._changes.clear()
        self._waiting = WaitingQueue(self._active)

    def _policy(self, name: str) -> Policy:
        if name not in self._policies:
            raise UnknownPolicy(f"{name!r} is not one of {', '.join(self._policies)}")
        return self._policies[name]

    def _check(self, request: Request) -> None:
        """Raises ValueError, like the queue in Redis, if a key has no exact score."""
        for policy in self._policies.values():
            queue_score(policy(request.as_sorted))

    def _push(self, request: Request) -> None:
        self._waiting.push(request)
        self._changed(request.id)

    def _changed(self, request_id: str) -> None:
        self._revision += 1
        self._changes[request_id] = self._revision

    def _is_replaceable(self, request_id: str, at_revision: int) -> bool:
        """True if the request does not run and has not changed after `at_revision`."""
        return request_id not in self._leases and self._changes.get(request_id, 0) <= at_revision

    def _holds(self, request_id: str, token: str) -> bool:
        lease = self._leases.get(request_id)
        return lease is not None and lease.token == token

    def _replace_lease(self, lease: Lease, request: Request, expires_seconds: float) -> None:
        self._leases[request.id] = Lease(
            request=request,
            worker=lease.worker,
            token=lease.token,
            expires_seconds=expires_seconds,
        )
