"""The queue of the published program: its order of equals decides results, so it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

from scheduling.paper.member import Key, Member


class _Node:
    """Compares as the published nodes do: equal keys count as smaller."""

    __slots__ = ("key", "member")

    def __init__(self, member: Member) -> None:
        self.member = member
        self.key: Key = member.key()

    def __lt__(self, other: _Node) -> bool:
        return self.key <= other.key


class PublishedQueue:
    """The published binary heap, move by move.

    Each scheduling takes members out and puts most of them back, which reorders equals even
    where nothing else changes. `shuffle` does many of those at once.
    """

    def __init__(self) -> None:
        self._heap: list[_Node] = []

    def __len__(self) -> int:
        return len(self._heap)

    def __iter__(self) -> Iterator[Member]:
        return (node.member for node in self._heap)

    def push(self, member: Member) -> None:
        heappush(self._heap, _Node(member))

    def head(self) -> Member:
        return self._heap[0].member

    def fetch_best(self, num: int) -> list[Member]:
        """Takes out the first `num`, whatever they are."""
        return [node.member for node in self._pop_best(num)]

    def fetch_ready(self, num: int) -> list[Member]:
        """Takes out the first `num` that are prefilled, and puts the others back."""
        return [node.member for node in self._pop_ready(num)]

    def rekey(self, member: Member) -> None:
        """The key of a queued member has changed."""
        for node in self._heap:
            if node.member is member:
                node.key = member.key()
        heapify(self._heap)

    def head_is_mixed(self) -> bool:
        """Whether of those that are equal at the head some are prefilled and some are not."""
        first = self._heap[0].key
        return len({node.member.ready for node in self._heap if node.key == first}) > 1

    def shuffle(self, num: int, times: int, *, only_ready: bool) -> None:
        """Fetches `num` and puts them back, `times` over."""
        fetch = self._pop_ready if only_ready else self._pop_best
        for done in range(1, times + 1):
            before = list(self._heap)
            for node in fetch(num):
                heappush(self._heap, node)
            if done + 1 < times and _alike(before, self._heap):
                self._heap = _repeated(before, self._heap, times - done + 1)
                return

    def _pop_best(self, num: int) -> list[_Node]:
        return [heappop(self._heap) for _ in range(min(num, len(self._heap)))]

    def _pop_ready(self, num: int) -> list[_Node]:
        ready: list[_Node] = []
        passed: list[_Node] = []
        while self._heap and len(ready) < num:
            node = heappop(self._heap)
            (ready if node.member.ready else passed).append(node)
        for node in passed:
            heappush(self._heap, node)
        return ready


def _alike(one: list[_Node], other: list[_Node]) -> bool:
    """Whether the same fetch moves both heaps in the same way, place by place."""
    return all(
        a is b or (a.key == b.key and a.member.ready == b.member.ready)
        for a, b in zip(one, other, strict=True)
    )


def _repeated(before: list[_Node], after: list[_Node], times: int) -> list[_Node]:
    """What led from `before` to `after`, `times` over: the power of one permutation."""
    places = {id(node): place for place, node in enumerate(before)}
    step = [places[id(node)] for node in after]
    power = list(range(len(step)))
    while times:
        if times & 1:
            power = [step[place] for place in power]
        step = [step[place] for place in step]
        times >>= 1
    return [before[place] for place in power]
