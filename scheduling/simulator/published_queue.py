"""The queues of the published program, with its order of equals where that decides results."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Final, Protocol

from scheduling.simulator.published_member import Member

_UNTIL_QUIET: Final = 2  # shuffles before a power of the permutation pays


class PublishedQueue(Protocol):
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Member]: ...
    def push(self, member: Member) -> None: ...
    def head(self) -> Member: ...
    def fetch_best(self, num: int) -> list[Member]:
        """Takes out the first `num`, whatever they are."""

    def fetch_ready(self, num: int) -> list[Member]:
        """Takes out the first `num` that are prefilled, leaving the others."""

    def rekey(self, member: Member) -> None:
        """The key of a queued member has changed."""

    def shuffle(self, leftover: int, num: int) -> None:
        """Repeats `num` decode-only fetches of `leftover` members that are all put back."""


class OrderedQueue:
    """For keys that are hardly ever equal: prefilled and fresh members in a heap each."""

    def __init__(self) -> None:
        self._heaps: tuple[list[tuple[float, ...]], list[tuple[float, ...]]] = ([], [])
        self._members: dict[int, Member] = {}
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Member]:
        return iter(self._members.values())

    def push(self, member: Member) -> None:
        number = next(self._numbers)
        self._members[number] = member
        member.ticket = number
        heappush(self._heaps[member.ready], (*member.key(), number))

    def head(self) -> Member:
        return self._members[int(self._first()[0][-1])]

    def fetch_best(self, num: int) -> list[Member]:
        return [self._pop(self._first()) for _ in range(min(num, len(self)))]

    def fetch_ready(self, num: int) -> list[Member]:
        fetched: list[Member] = []
        while len(fetched) < num and (ready := self._clean(self._heaps[1])):
            fetched.append(self._pop(ready))
        return fetched

    def rekey(self, member: Member) -> None:
        del self._members[member.ticket]
        self.push(member)

    def shuffle(self, leftover: int, num: int) -> None:
        """Without equal keys a fetch that is put back changes nothing."""

    def _first(self) -> list[tuple[float, ...]]:
        fresh, ready = (self._clean(heap) for heap in self._heaps)
        if not fresh or not ready:
            return fresh or ready
        return min(fresh, ready, key=lambda heap: heap[0])

    def _clean(self, heap: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
        while heap and int(heap[0][-1]) not in self._members:
            heappop(heap)
        return heap

    def _pop(self, heap: list[tuple[float, ...]]) -> Member:
        return self._members.pop(int(heappop(heap)[-1]))


class _Equal:
    """Compares as the published nodes do: equal keys count as smaller."""

    __slots__ = ("key", "member")

    def __init__(self, member: Member) -> None:
        self.member = member
        self.key = member.key()

    def __lt__(self, other: _Equal) -> bool:
        return self.key <= other.key


class TiedQueue:
    """For keys that are often equal: the published heap, move by move.

    Each decode-only fetch drains the heap and refills it, which reorders equals. What a
    refill does to its own order is one fixed permutation, so many are one power of it.
    """

    def __init__(self) -> None:
        self._heap: list[_Equal] = []

    def __len__(self) -> int:
        return len(self._heap)

    def __iter__(self) -> Iterator[Member]:
        return (node.member for node in self._heap)

    def push(self, member: Member) -> None:
        heappush(self._heap, _Equal(member))

    def head(self) -> Member:
        return self._heap[0].member

    def fetch_best(self, num: int) -> list[Member]:
        return [heappop(self._heap).member for _ in range(min(num, len(self._heap)))]

    def fetch_ready(self, num: int) -> list[Member]:
        fetched: list[Member] = []
        passed: list[_Equal] = []
        while self._heap and len(fetched) < num:
            node = heappop(self._heap)
            if node.member.ready:
                fetched.append(node.member)
            else:
                passed.append(node)
        for node in passed:
            heappush(self._heap, node)
        return fetched

    def rekey(self, member: Member) -> None:
        """Keys of tied policies change only with the priority, while not queued."""

    def shuffle(self, leftover: int, num: int) -> None:
        for done in range(num):
            ready = self.fetch_ready(leftover)
            drained = len(ready) < leftover
            for member in ready:
                self.push(member)
            if drained and done + _UNTIL_QUIET < num:
                self._shuffle_drained(num - done - 1)
                return

    def _shuffle_drained(self, num: int) -> None:
        """The same by squaring: only while each fetch drains the whole heap."""
        order = _drain(list(self._heap))
        order = [n for n in order if not n.member.ready] + [n for n in order if n.member.ready]
        if num > 1:
            # Position i of one refill order is taken from position step[i] of the last.
            numbered = {id(node): index for index, node in enumerate(order)}
            again = _drain(_refilled(order))
            again = [n for n in again if not n.member.ready] + [n for n in again if n.member.ready]
            step = [numbered[id(node)] for node in again]
            power = _power(step, num - 1)
            order = [order[index] for index in power]
        self._heap = _refilled(order)


def _drain(heap: list[_Equal]) -> list[_Equal]:
    return [heappop(heap) for _ in range(len(heap))]


def _refilled(order: list[_Equal]) -> list[_Equal]:
    heap: list[_Equal] = []
    for node in order:
        heappush(heap, node)
    return heap


def _power(step: list[int], exponent: int) -> list[int]:
    result = list(range(len(step)))
    while exponent:
        if exponent & 1:
            result = [step[index] for index in result]
        step = [step[index] for index in step]
        exponent >>= 1
    return result
