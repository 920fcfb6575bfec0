"""KV memory of each request, in blocks of a fixed number of tokens."""

from __future__ import annotations


class KVBlocks:
    """Counts blocks per request, without any order. All sizes are at least one token.

    Running requests grow together, by one token each per step. Requests are counted by the
    fill level of their last block. So the blocks that n steps need are found in
    O(block_tokens), for any n and any number of requests.
    """

    def __init__(self, *, num_blocks: int, block_tokens: int) -> None:
        if num_blocks < 1 or block_tokens < 1:
            raise ValueError("num_blocks and block_tokens must be at least 1")
        self.num_blocks = num_blocks
        self.block_tokens = block_tokens
        self._held: dict[str, int] = {}
        self._num_free = num_blocks
        self._num_steps = 0  # steps of all growing requests so far
        self._growing: dict[str, int] = {}  # offset: tokens minus steps, which is constant
        self._num_at: list[int] = [0] * block_tokens  # growing requests by offset modulo a block

    @property
    def num_free(self) -> int:
        return self._num_free

    @property
    def num_growing(self) -> int:
        return len(self._growing)

    def held(self, request_id: str) -> int:
        offset = self._growing.get(request_id)
        if offset is not None:
            return self.blocks_for(offset + self._num_steps)
        return self._held.get(request_id, 0)

    def blocks_for(self, num_tokens: int) -> int:
        return -(-num_tokens // self.block_tokens)

    def missing(self, request_id: str, num_tokens: int) -> int:
        """Number of blocks that `num_tokens` in all would need beyond the free blocks."""
        wanted = self.blocks_for(num_tokens) - self.held(request_id)
        return max(0, wanted - self._num_free)

    def reserve(self, request_id: str, num_tokens: int) -> None:
        """Holds blocks for `num_tokens` in all. Raises MemoryError if they are not free.

        A growing request continues to grow from there. No block is given back.
        """
        if self.missing(request_id, num_tokens):
            raise MemoryError(f"{request_id}: not enough free blocks for {num_tokens} tokens")
        held = self.held(request_id)
        wanted = max(self.blocks_for(num_tokens), held)
        self._num_free -= wanted - held
        if request_id in self._growing:
            now = self._growing[request_id] + self._num_steps
            self._set_growing(request_id, max(now, num_tokens))
        else:
            self._held[request_id] = wanted

    def free(self, request_id: str) -> int:
        """Frees all blocks of a request and returns their number; 0 if it held none."""
        self.stop_growing(request_id)
        freed = self._held.pop(request_id, 0)
        self._num_free += freed
        return freed

    def start_growing(self, request_id: str, num_tokens: int) -> None:
        """Holds blocks for `num_tokens` in all; from now on `grow` includes this request.

        Frees blocks beyond that number. Raises MemoryError if too few blocks are free.
        """
        taken = self.blocks_for(num_tokens) - self.held(request_id)
        if taken > self._num_free:
            raise MemoryError(f"{request_id}: not enough free blocks for {num_tokens} tokens")
        self._num_free -= taken
        self._held.pop(request_id, None)
        self._set_growing(request_id, num_tokens)

    def stop_growing(self, request_id: str) -> None:
        """Excludes the request from `grow`; it keeps its blocks. No effect if it does not grow."""
        offset = self._growing.pop(request_id, None)
        if offset is not None:
            self._num_at[offset % self.block_tokens] -= 1
            self._held[request_id] = self.blocks_for(offset + self._num_steps)

    def blocks_to_grow(self, num_tokens: int) -> int:
        """Number of blocks that `num_tokens` more for every growing request need."""
        whole, rest = divmod(num_tokens, self.block_tokens)
        # A request with t tokens needs a new block for the next one if its last block is full.
        first = -self._num_steps % self.block_tokens
        wrapped = rest - 1 - first
        places = self._num_at[max(0, first - rest + 1) : first + 1] if rest else []
        needed = sum(places) + (sum(self._num_at[-wrapped:]) if wrapped > 0 else 0)
        return whole * len(self._growing) + needed

    def grow(self, num_tokens: int) -> bool:
        """Gives every growing request `num_tokens`. Returns False, without any change, if
        too few blocks are free."""
        needed = self.blocks_to_grow(num_tokens)
        if needed > self._num_free:
            return False
        self._num_free -= needed
        self._num_steps += num_tokens
        return True

    def steps_before_shortage(self, at_most: int) -> int:
        """Number of tokens, up to `at_most`, that every growing request can still get."""
        upper_bound = len(self._growing) * self.blocks_for(at_most)
        if upper_bound <= self._num_free or self.blocks_to_grow(at_most) <= self._num_free:
            return at_most
        low, high = 0, at_most  # low fits, high does not
        while high - low > 1:
            middle = (low + high) // 2
            if self.blocks_to_grow(middle) <= self._num_free:
                low = middle
            else:
                high = middle
        return low

    def _set_growing(self, request_id: str, num_tokens: int) -> None:
        old = self._growing.get(request_id)
        if old is not None:
            self._num_at[old % self.block_tokens] -= 1
        offset = num_tokens - self._num_steps
        self._growing[request_id] = offset
        self._num_at[offset % self.block_tokens] += 1
