"""Waiting requests that still hold KV blocks, worst ranked first, in O(log n) per change."""

from __future__ import annotations

from heapq import heappop, heappush

from scheduling.core.policies import KeyFunction, order
from scheduling.core.request import Request

# `order` reversed: each number is negated, and the id is a tuple of negated code points.
_Reversed = tuple[float | tuple[float, ...], ...]
_Entry = tuple[_Reversed, int, Request]

_BEFORE_ANY_DUE = float("-inf")
_AFTER_ANY_DUE = float("inf")
_END_OF_TEXT = 1.0  # greater than any negated code point, so the longer text comes first


class PreemptedWithKV:
    """Waiting requests whose KV blocks can be evicted. `now` must never decrease.

    Requests are sorted only when memory is short for the first time. With a bounded wait, a
    request moves once, when its deadline passes, from the heap of requests in time to the
    heap of overdue ones. So each change stays O(log n).
    """

    def __init__(self, policy: KeyFunction) -> None:
        self._requests: dict[str, Request] = {}
        self._valid: dict[str, int] = {}  # the number of the valid entry of each request
        self._last_number = 0
        self._start(policy)

    def __len__(self) -> int:
        return len(self._requests)

    def __contains__(self, request_id: str) -> bool:
        return request_id in self._requests

    def push(self, request: Request) -> None:
        """Adds a request, or replaces the one of the same id."""
        self._requests[request.id] = request
        self._unordered[request.id] = request

    def discard(self, request_id: str) -> None:
        """Removes a request. No effect if it is not here."""
        if self._requests.pop(request_id, None) is not None:
            self._unordered.pop(request_id, None)
            self._valid.pop(request_id, None)

    def worst(self, now: float) -> Request | None:
        """Returns the request that `rank` puts last at `now`, without removing it."""
        for request in self._unordered.values():
            self._order(request)
        self._unordered.clear()
        self._move_overdue(now)
        for heap in (self._in_time, self._overdue, self._urgent):
            while heap:
                _, number, request = heap[0]
                if self._valid.get(request.id) == number:
                    return request
                heappop(heap)
        return None

    def set_policy(self, policy: KeyFunction) -> None:
        """Sorts all requests again: O(n log n)."""
        self._start(policy)

    def _start(self, policy: KeyFunction) -> None:
        self._policy = policy
        self._bounded_wait: bool = getattr(policy, "bounded_wait", False)
        self._in_time: list[_Entry] = []
        self._overdue: list[_Entry] = []
        self._urgent: list[_Entry] = []
        self._by_due: list[tuple[float, int, Request]] = []
        self._unordered = dict(self._requests)  # not in any heap yet

    def _order(self, request: Request) -> None:
        if self._bounded_wait and request.priority == 0:
            self._enter(self._urgent, request, _BEFORE_ANY_DUE)
            return
        self._enter(self._in_time, request, _BEFORE_ANY_DUE)
        if self._bounded_wait:
            heappush(self._by_due, (request.sorted_due_seconds, self._last_number, request))

    def _enter(self, heap: list[_Entry], request: Request, now: float) -> None:
        self._last_number += 1
        self._valid[request.id] = self._last_number
        *numbers, request_id = order(request, self._policy, now)
        text = (*(-float(ord(letter)) for letter in str(request_id)), _END_OF_TEXT)
        reversed_order: _Reversed = (*(-float(number) for number in numbers), text)
        heappush(heap, (reversed_order, self._last_number, request))

    def _move_overdue(self, now: float) -> None:
        while self._by_due and self._by_due[0][0] <= now:
            _, number, request = heappop(self._by_due)
            if self._valid.get(request.id) == number:
                self._enter(self._overdue, request, _AFTER_ANY_DUE)
