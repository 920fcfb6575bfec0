"""The waiting requests of one scheduler, best first, at O(log n) a move."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from heapq import heapify, heappop, heappush
from itertools import count

from scheduling.core.policies import KeyFunction, Order, order_by_key
from scheduling.core.request import Request

# Place in the order, a number, the request. Two selves of one request may stand at the same
# place; the number keeps them comparable.
Entry = tuple[Order, int, Request]


class WaitingQueue:
    """Heaps with lazy deletion. A key changes only when its request does, never with the clock.

    With a bounded wait three orders are kept, as `order` bands them: level 0 by key, the
    others by due time, of which only overdue ones count, and the others by key.
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
        """Raises KeyError when no such request waits."""
        return self._requests.pop(request_id)

    def best(self, now: float) -> Request | None:
        """The request that `rank` would put first at `now`; stays in the queue."""
        heap = self._best_heap(now)
        return heap[0][2] if heap else None

    def ascending(self, now: float) -> Generator[Request]:
        """The requests as `rank` would order them at `now`; they stay in the queue.

        Close it before the queue is used again. Costs O(log n) for each that is taken.
        """
        lifted: list[tuple[list[Entry], Entry]] = []
        try:
            while (heap := self._best_heap(now)) is not None:
                entry = heappop(heap)
                lifted.append((heap, entry))
                yield self._requests.pop(entry[-1].id)
        finally:
            for heap, entry in lifted:
                self._requests[entry[-1].id] = entry[-1]
                heappush(heap, entry)
            if self._bounded_wait:  # a request's entry in the other heap may have been dropped
                for _, entry in lifted:
                    self._push_orders(entry[-1])

    def first_due_seconds(self) -> float | None:
        """The earliest due time among those below level 0; None without a bounded wait."""
        first = self._head(self._by_due)
        return None if first is None else first.due_seconds

    def set_policy(self, policy: KeyFunction) -> None:
        """Orders everything that waits anew: O(n)."""
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
        """Its place in each heap that it belongs to. A heap holds one band of `order`."""
        place = order_by_key(request, self._policy)
        if not self._bounded_wait:
            yield self._by_key, place
        elif request.priority == 0:
            yield self._urgent, place
        else:
            yield self._by_key, place
            yield self._by_due, (request.due_seconds, *place)

    def _push_orders(self, request: Request) -> None:
        for heap, place in self._places(request):
            heappush(heap, (place, next(self._numbers), request))

    def _append_orders(self, request: Request) -> None:
        for heap, place in self._places(request):
            heap.append((place, next(self._numbers), request))

    def _best_heap(self, now: float) -> list[Entry] | None:
        """The heap whose head is the best request; None where nothing waits."""
        if self._bounded_wait:
            if self._head(self._urgent) is not None:
                return self._urgent
            overdue = self._head(self._by_due)
            if overdue is not None and overdue.due_seconds <= now:
                return self._by_due
        return self._by_key if self._head(self._by_key) is not None else None

    def _head(self, heap: list[Entry]) -> Request | None:
        while heap:
            request = heap[0][2]
            if self._requests.get(request.id) is request:
                return request
            heappop(heap)
        return None
