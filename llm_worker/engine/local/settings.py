"""Settings of the local engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """None: the library chooses by the free memory of the GPU. A CPU needs numbers."""

    num_slots: int = 8
    page_tokens: int = 256  # tokens per KV block
    num_blocks: int | None = None
    max_batch_tokens: int | None = None  # new tokens per step, including prompts
    memory_fraction: float | None = None  # of the free GPU memory, if num_blocks is None

    def __post_init__(self) -> None:
        for name in ("num_slots", "num_blocks", "max_batch_tokens"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name}: must be at least 1")
        if self.page_tokens < 4:
            raise ValueError("page_tokens: must be at least 4")
        if self.memory_fraction is not None and not 0 < self.memory_fraction < 1:
            raise ValueError("memory_fraction: must lie between 0 and 1")

    @property
    def num_kv_tokens(self) -> int:
        """Tokens in the KV cache; 0 if the library chooses."""
        return (self.num_blocks or 0) * self.page_tokens

    @classmethod
    def for_device(
        cls,
        device: Literal["cpu", "cuda"],
        *,
        num_slots: int,
        max_context_tokens: int,
        num_blocks: int | None = None,
        memory_fraction: float | None = None,
    ) -> Self:
        """`max_context_tokens` is the longest prompt plus answer. A block has 16 tokens on a
        CPU and 256 on a GPU."""
        if device == "cuda":
            return cls(
                num_slots=num_slots,
                page_tokens=256,
                num_blocks=num_blocks,
                # A step must stay short: all running requests wait for its prompts.
                max_batch_tokens=2048,
                memory_fraction=memory_fraction,
            )
        sized = cls.for_cpu(num_slots=num_slots, max_context_tokens=max_context_tokens)
        if num_blocks is None:
            return sized
        return cls(
            num_slots=num_slots,
            page_tokens=sized.page_tokens,
            num_blocks=num_blocks,
            max_batch_tokens=sized.max_batch_tokens,
        )

    @classmethod
    def for_cpu(cls, *, num_slots: int, max_context_tokens: int) -> Self:
        """Enough KV memory for `max_context_tokens` tokens in every slot."""
        page_tokens = 16
        blocks_per_slot = -(-(max_context_tokens + 2) // page_tokens)
        return cls(
            num_slots=num_slots,
            page_tokens=page_tokens,
            num_blocks=num_slots * blocks_per_slot,
            max_batch_tokens=256,
        )
