"""The waiting requests of one scheduler, best first, in O(log n) per change."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from heapq import heapify, heappop, heappush
from itertools import count

from scheduling.core.policies import KeyFunction, Order, order_by_key
from scheduling.core.request import Request

# Order, a unique number, request. Two versions of one request can have the same order; the
# number decides between them.
Entry = tuple[Order, int, Request]


class WaitingQueue:
    """Heaps with lazy deletion. A key changes only when the request changes, not with time.

    With a bounded wait there are three heaps, one for each band of `order`: level 0 by key;
    other levels by deadline, used for overdue requests only; other levels by key.
    """

    def __init__(self, policy: KeyFunction) -> None:
        self._requests: dict[str, Request] = {}
        self._numbers = count()
        self._start(policy)

    def __len__(self) -> int:
        return len(self._requests)

    def __contains__(self, request_id: str) -> bool:
        return request_id in self._requests

    def __iter__(self) -> Iterator[Request]:
        return iter(self._requests.values())

    def __getitem__(self, request_id: str) -> Request:
        return self._requests[request_id]

    def push(self, request: Request) -> None:
        """Adds a request, or replaces the one of the same id."""
        self._requests[request.id] = request
        self._push_orders(request)

    def pop(self, request_id: str) -> Request:
        """Removes and returns a request. Raises KeyError if it does not wait."""
        return self._requests.pop(request_id)

    def best(self, now: float) -> Request | None:
        """Returns the request that `rank` puts first at `now`, without removing it."""
        heap = self._best_heap(now)
        return heap[0][2] if heap else None

    def ascending(self, now: float) -> Generator[Request]:
        """Yields the requests in the order of `rank` at `now`; they stay in the queue.

        Close the generator before the queue is used again. Each request costs O(log n).
        """
        removed: list[tuple[list[Entry], Entry]] = []
        try:
            while (heap := self._best_heap(now)) is not None:
                entry = heappop(heap)
                removed.append((heap, entry))
                yield self._requests.pop(entry[-1].id)
        finally:
            for heap, entry in removed:
                self._requests[entry[-1].id] = entry[-1]
                heappush(heap, entry)
            if self._bounded_wait:  # the entry in the other heap may have been deleted
                for _, entry in removed:
                    self._push_orders(entry[-1])

    def first_due_seconds(self) -> float | None:
        """Returns the earliest deadline of levels 1 to 4; None without a bounded wait."""
        first = self._head(self._by_due)
        return None if first is None else first.sorted_due_seconds

    def set_policy(self, policy: KeyFunction) -> None:
        """Sorts all requests again: O(n)."""
        self._start(policy)
        for request in self._requests.values():
            self._append_orders(request)
        for heap in (self._by_key, self._by_due, self._urgent):
            heapify(heap)

    def _start(self, policy: KeyFunction) -> None:
        self._policy = policy
        self._bounded_wait: bool = getattr(policy, "bounded_wait", False)
        self._by_key: list[Entry] = []
        self._by_due: list[Entry] = []
        self._urgent: list[Entry] = []

    def _places(self, request: Request) -> Iterator[tuple[list[Entry], Order]]:
        """Yields each heap that the request belongs to, and its order in that heap."""
        place = order_by_key(request, self._policy)
        if not self._bounded_wait:
            yield self._by_key, place
        elif request.priority == 0:
            yield self._urgent, place
        else:
            yield self._by_key, place
            yield self._by_due, (request.sorted_due_seconds, *place)

    def _push_orders(self, request: Request) -> None:
        for heap, place in self._places(request):
            heappush(heap, (place, next(self._numbers), request))

    def _append_orders(self, request: Request) -> None:
        for heap, place in self._places(request):
            heap.append((place, next(self._numbers), request))

    def _best_heap(self, now: float) -> list[Entry] | None:
        """Returns the heap whose head is the best request; None if no request waits."""
        if self._bounded_wait:
            if self._head(self._urgent) is not None:
                return self._urgent
            overdue = self._head(self._by_due)
            if overdue is not None and overdue.sorted_due_seconds <= now:
                return self._by_due
        return self._by_key if self._head(self._by_key) is not None else None

    def _head(self, heap: list[Entry]) -> Request | None:
        while heap:
            request = heap[0][2]
            if self._requests.get(request.id) is request:
                return request
            heappop(heap)
        return None
