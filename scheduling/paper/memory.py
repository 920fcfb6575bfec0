"""KV memory in the published program: partial eviction, from the last token backwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush

from scheduling.paper.member import Member
from scheduling.paper.queue import PublishedQueue
from scheduling.simulator.hardware import PublishedModel


class _Victim:
    """Sorts the worst key first. Equal keys compare as smaller, as in the published program."""

    __slots__ = ("key", "member")

    def __init__(self, member: Member) -> None:
        self.member = member
        self.key = member.key()

    def __lt__(self, other: _Victim) -> bool:
        return self.key >= other.key


class PublishedMemory:
    """Counts blocks per member. A prompt that was swapped out holds no blocks when it returns."""

    def __init__(self, model: PublishedModel) -> None:
        self._block_tokens = model.kv_block_tokens
        self._num_blocks = model.num_kv_blocks
        self._num_free = model.num_kv_blocks
        self._recomputes = model.recomputes
        self.num_evictions = 0
        self.recomputed_tokens = 0

    @property
    def num_used(self) -> int:
        return self._num_blocks - self._num_free

    def find(
        self,
        member: Member,
        num_tokens: int,
        batch: Sequence[Member],
        queue: PublishedQueue,
    ) -> bool:
        """Reserves blocks for `num_tokens` more, after evictions if needed.

        Returns False if no member ranks after this one.
        """
        if self._take(member, num_tokens):
            return True
        victims: list[_Victim] = []
        for holder in (*batch, *queue):
            if holder.held_tokens or holder is member:
                heappush(victims, _Victim(holder))
        while victims and (victim := heappop(victims).member) is not member:
            missing = self._missing(member, num_tokens) - self._num_free
            queued = victim not in batch
            self._evict(victim, missing)
            if queued:
                queue.rekey(victim)
            if self._take(member, num_tokens):
                return True
        return False

    def steps_without_shortage(self, batch: Sequence[Member], num_steps: int) -> int:
        """Returns the largest number of decode steps that fit, from 1 to `num_steps`."""
        low, high = 1, num_steps
        if self._blocks_to_grow(batch, high) <= self._num_free:
            return high
        while low < high:
            middle = (low + high + 1) // 2
            if self._blocks_to_grow(batch, middle) <= self._num_free:
                low = middle
            else:
                high = middle - 1
        return low

    def grow_all(self, batch: Iterable[Member], num_steps: int) -> None:
        for member in batch:
            self._take(member, num_steps)

    def free(self, member: Member) -> None:
        self._num_free += self._blocks(member.held_tokens)
        member.held_tokens = 0

    def _blocks(self, num_tokens: int) -> int:
        return -(-num_tokens // self._block_tokens)

    def _missing(self, member: Member, num_tokens: int) -> int:
        held = member.held_tokens
        return self._blocks(held + num_tokens) - self._blocks(held)

    def _blocks_to_grow(self, batch: Iterable[Member], num_steps: int) -> int:
        return sum(self._missing(member, num_steps) for member in batch)

    def _take(self, member: Member, num_tokens: int) -> bool:
        missing = self._missing(member, num_tokens)
        if missing > self._num_free:
            return False
        self._num_free -= missing
        member.held_tokens += num_tokens
        return True

    def _evict(self, victim: Member, num_blocks: int) -> None:
        """Frees up to `num_blocks` of the victim, its last tokens first."""
        self.num_evictions += 1
        held = self._blocks(victim.held_tokens)
        kept_tokens = min(victim.held_tokens, (held - min(num_blocks, held)) * self._block_tokens)
        lost = victim.held_tokens - kept_tokens
        prompt_held = max(0, victim.held_tokens - victim.decoded)
        lost_decoded = min(victim.decoded, lost)
        victim.decoded -= lost_decoded
        self.recomputed_tokens += lost_decoded
        if kept_tokens < prompt_held and self._recomputes:
            kept_tokens = 0
            victim.ready = False
            self.recomputed_tokens += victim.work.prompt_tokens
        victim.held_tokens = kept_tokens
        self._num_free += held - self._blocks(kept_tokens)
