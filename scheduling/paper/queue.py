"""The queue of the published program, with the same order of equal keys, which affects results."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

from scheduling.paper.member import Key, Member


class _Node:
    """A heap node. Equal keys compare as smaller, as in the published program."""

    __slots__ = ("key", "member")

    def __init__(self, member: Member) -> None:
        self.member = member
        self.key: Key = member.key()

    def __lt__(self, other: _Node) -> bool:
        return self.key <= other.key


class PublishedQueue:
    """The published binary heap, with the same heap operations.

    Each scheduling removes members and pushes most of them again. This changes the order of
    equal keys, even if nothing else changes. `shuffle` does this many times at once.
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
        """Removes and returns the first `num` members."""
        return [node.member for node in self._pop_best(num)]

    def fetch_ready(self, num: int) -> list[Member]:
        """Removes and returns the first `num` prefilled members."""
        return [node.member for node in self._pop_ready(num)]

    def rekey(self, member: Member) -> None:
        """Sorts a queued member again after a change of its key."""
        for node in self._heap:
            if node.member is member:
                node.key = member.key()
        heapify(self._heap)

    def head_is_mixed(self) -> bool:
        """True if some of the members with the first key are prefilled and others are not."""
        first = self._heap[0].key
        return len({node.member.ready for node in self._heap if node.key == first}) > 1

    def shuffle(self, num: int, times: int, *, only_ready: bool) -> None:
        """Removes `num` members and pushes them again, `times` times."""
        fetch = self._pop_ready if only_ready else self._pop_best
        for done in range(1, times + 1):
            before = list(self._heap)
            for node in fetch(num):
                heappush(self._heap, node)
            if done + 1 < times and _equivalent(before, self._heap):
                self._heap = _repeat_permutation(before, self._heap, times - done + 1)
                return

    def _pop_best(self, num: int) -> list[_Node]:
        return [heappop(self._heap) for _ in range(min(num, len(self._heap)))]

    def _pop_ready(self, num: int) -> list[_Node]:
        ready: list[_Node] = []
        skipped: list[_Node] = []
        while self._heap and len(ready) < num:
            node = heappop(self._heap)
            (ready if node.member.ready else skipped).append(node)
        for node in skipped:
            heappush(self._heap, node)
        return ready


def _equivalent(one: list[_Node], other: list[_Node]) -> bool:
    """True if the next fetch changes both heaps by the same permutation."""
    return all(
        a is b or (a.key == b.key and a.member.ready == b.member.ready)
        for a, b in zip(one, other, strict=True)
    )


def _repeat_permutation(before: list[_Node], after: list[_Node], times: int) -> list[_Node]:
    """Applies the permutation from `before` to `after` `times` times to `before`."""
    places = {id(node): place for place, node in enumerate(before)}
    step = [places[id(node)] for node in after]
    power = list(range(len(step)))
    while times:
        if times & 1:
            power = [step[place] for place in power]
        step = [step[place] for place in step]
        times >>= 1
    return [before[place] for place in power]
