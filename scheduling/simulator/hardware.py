"""Service models: the time of a GPU for a prefill pass and for a number of decode steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from types import MappingProxyType
from typing import Final, Protocol

from scheduling.simulator.workload import Work

_DECIMALS: Final = 10  # the published program rounds all times to 1e-10 s


class UnknownSetting(ValueError):
    """There is no such service model, or it cannot run; the message gives the reason."""


class CannotFit(ValueError):
    """A request of the workload exceeds the KV memory of the setting."""


class ServiceModel(Protocol):
    """The interface of a GPU for the runner. Times are in seconds, memory is in KV blocks.

    With `mixed_steps`, one step can prefill and decode. Otherwise a prefill pass stops
    decoding and takes as long as its longest prompt, so other prompts can join it for free.
    """

    @property
    def name(self) -> str: ...
    @property
    def num_slots(self) -> int: ...
    @property
    def num_kv_blocks(self) -> int | None: ...
    @property
    def kv_block_tokens(self) -> int: ...
    @property
    def mixed_steps(self) -> bool: ...
    @property
    def max_step_tokens(self) -> int: ...

    def prefill_seconds(self, num_tokens: int) -> float:
        """Time of one prompt on an idle GPU."""

    def restore_seconds(self, num_tokens: int) -> float:
        """Time to restore evicted KV: swap or recompute, the cheaper one."""

    def step_seconds(self, num_new_tokens: int, num_kv_tokens: int) -> float:
        """Time of one mixed step. Only with `mixed_steps`."""

    def decode_seconds(
        self, num_running: int, longest_tokens: int, total_tokens: int, num_steps: int
    ) -> float:
        """Time of `num_steps` decode steps of one batch.

        `longest_tokens` and `total_tokens`: largest and summed context before the first step.
        """

    def solo_seconds(self, prompt_tokens: int, output_tokens: int) -> float:
        """Smallest response of one request alone on the GPU."""

    def least_gpu_seconds(self, prompt_tokens: int, output_tokens: int, num_slots: int) -> float:
        """Smallest share of GPU time of one request if all slots are always in use."""


@dataclass(frozen=True, slots=True)
class _StepTable:
    """Decode step times: `single[n]` at context n; `cumulated[n]` is the sum for 1 to n."""

    c1: float
    c2: float
    single: list[float] = field(default_factory=lambda: [0.0])
    cumulated: list[float] = field(default_factory=lambda: [0.0])

    def extend_to(self, num_tokens: int) -> None:
        start = len(self.single)
        if num_tokens < start:
            return
        stop = max(num_tokens + 1, 2 * start)
        steps = [round(self.c1 * n + self.c2, _DECIMALS) for n in range(start, stop)]
        self.single.extend(steps)
        self.cumulated.extend(list(accumulate(steps, initial=self.cumulated[-1]))[1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedModel:
    """A setting of "Semantic Scheduling for LLM Inference", arXiv 2506.12204.

    prefill(p) = a1 p^2 + a2 p. A decode step at context n takes c1 n + c2; the step of a batch
    takes the time of its longest context. `c2` and `a2` dominate, so batching is almost free.
    """

    name: str
    c1: float
    c2: float
    a1: float
    a2: float
    load_seconds_per_token: float
    num_kv_blocks: int
    num_slots: int
    kv_block_tokens: int = 32
    recomputes: bool = False  # an evicted prompt is recomputed, not swapped
    table: _StepTable = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", _StepTable(self.c1, self.c2))

    @property
    def mixed_steps(self) -> bool:
        return False

    @property
    def max_step_tokens(self) -> int:
        return self.num_kv_blocks * self.kv_block_tokens

    def prefill_seconds(self, num_tokens: int) -> float:
        return round(self.a1 * num_tokens**2 + self.a2 * num_tokens, _DECIMALS)

    def restore_seconds(self, num_tokens: int) -> float:
        return min(self.load_seconds_per_token * num_tokens, self.prefill_seconds(num_tokens))

    def whole_decode_seconds(self, prompt_tokens: int, output_tokens: float) -> float:
        """Time of all decode steps: the published closed form, with its rounding."""
        p, o = prompt_tokens, output_tokens
        return round(self.c1 * (o**2 / 2 + p * o + o / 2) + self.c2 * o, _DECIMALS)

    def step_seconds(self, num_new_tokens: int, num_kv_tokens: int) -> float:
        raise NotImplementedError("the published settings have no mixed steps")

    def decode_seconds(
        self, num_running: int, longest_tokens: int, total_tokens: int, num_steps: int
    ) -> float:
        self.table.extend_to(longest_tokens + num_steps)
        cumulated = self.table.cumulated
        return cumulated[longest_tokens + num_steps] - cumulated[longest_tokens]

    def solo_seconds(self, prompt_tokens: int, output_tokens: int) -> float:
        decode = self.decode_seconds(1, prompt_tokens, prompt_tokens, output_tokens)
        return self.prefill_seconds(prompt_tokens) + decode

    def least_gpu_seconds(self, prompt_tokens: int, output_tokens: int, num_slots: int) -> float:
        return self.solo_seconds(prompt_tokens, output_tokens) / num_slots


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTimeModel:
    """step = base + per_new_token x new tokens + per_kv_token x KV tokens read (seconds).

    Serving simulators fit this form to real engines. A step can mix prefill chunks and
    decoding, up to `max_step_tokens` tokens. The step that ends a prompt gives its first token.
    """

    name: str
    base_seconds: float
    seconds_per_new_token: float
    seconds_per_kv_token: float
    num_slots: int
    max_step_tokens: int
    num_kv_blocks: int | None = None
    kv_block_tokens: int = 32
    swap_seconds_per_token: float | None = None  # None: evicted KV is always recomputed

    @property
    def mixed_steps(self) -> bool:
        return True

    def step_seconds(self, num_new_tokens: int, num_kv_tokens: int) -> float:
        return (
            self.base_seconds
            + self.seconds_per_new_token * num_new_tokens
            + self.seconds_per_kv_token * num_kv_tokens
        )

    def prefill_seconds(self, num_tokens: int) -> float:
        full, rest = divmod(num_tokens, self.max_step_tokens)
        chunks = [self.max_step_tokens] * full + ([rest] if rest else [])
        ends = accumulate(chunks)
        return sum(self.step_seconds(chunk, end) for chunk, end in zip(chunks, ends, strict=True))

    def restore_seconds(self, num_tokens: int) -> float:
        compute = self.prefill_seconds(num_tokens)
        if self.swap_seconds_per_token is None:
            return compute
        return min(self.swap_seconds_per_token * num_tokens, compute)

    def decode_seconds(
        self, num_running: int, longest_tokens: int, total_tokens: int, num_steps: int
    ) -> float:
        # In step j every context is j tokens longer than before the first step.
        read = total_tokens * num_steps + num_running * num_steps * (num_steps + 1) // 2
        each = self.base_seconds + self.seconds_per_new_token * num_running
        return each * num_steps + self.seconds_per_kv_token * read

    def solo_seconds(self, prompt_tokens: int, output_tokens: int) -> float:
        later = self.decode_seconds(1, prompt_tokens + 1, prompt_tokens + 1, output_tokens - 1)
        return self.prefill_seconds(max(1, prompt_tokens)) + later

    def least_gpu_seconds(self, prompt_tokens: int, output_tokens: int, num_slots: int) -> float:
        num_steps = -(-max(1, prompt_tokens) // self.max_step_tokens) + output_tokens - 1
        alone = self.solo_seconds(prompt_tokens, output_tokens)
        return alone - self.base_seconds * num_steps * (1 - 1 / num_slots)


_A100_4B: Final = PublishedModel(
    name="A100_4B",
    c1=5.91298857e-09,
    c2=1.195828e-02,
    a1=1.46584975e-09,
    a2=1.0515576e-04,
    load_seconds_per_token=1e-4,
    num_kv_blocks=1179,
    num_slots=16,
)
_A100_7B: Final = PublishedModel(
    name="A100_7B",
    c1=1.34911080e-08,
    c2=1.330198e-02,
    a1=5.13462572e-07,
    a2=1.48057167e-04,
    load_seconds_per_token=1e-4,
    num_kv_blocks=153,
    num_slots=8,
)
_A5000_4B: Final = PublishedModel(
    name="A5000_4B",
    c1=2.86938135e-06,
    c2=3.00834536e-02,
    a1=1.58625005e-09,
    a2=1.30542054e-04,
    load_seconds_per_token=3e-4,
    num_kv_blocks=183,
    num_slots=8,
    recomputes=True,
)

SETTINGS: Final[Mapping[str, PublishedModel]] = MappingProxyType(
    {model.name: model for model in (_A100_4B, _A100_7B, _A5000_4B)}
)

REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "A5000_7B": (
            "7 billion parameters need 28 GB at 4 GB per billion. Of the 24 GB of the card, 80 % "
            "less 5 % of that can be used: 18.2 GB. The model does not fit."
        )
    }
)


def published_setting(name: str) -> PublishedModel:
    """Returns a published setting. Raises UnknownSetting with the reason."""
    if name in REFUSED:
        raise UnknownSetting(f"{name}: {REFUSED[name]}")
    if name not in SETTINGS:
        known = ", ".join(SETTINGS)
        raise UnknownSetting(f"{name}: no such setting; use {known}, or a settings file")
    return SETTINGS[name]


def check_sizes(works: Iterable[Work], model: ServiceModel) -> None:
    """Raises CannotFit if a request could not finish even with all KV memory."""
    if model.num_kv_blocks is None:
        return
    limit = model.num_kv_blocks * model.kv_block_tokens
    for work in works:
        # The last token needs no KV memory, because nothing is computed from it.
        if work.prompt_tokens + work.output_tokens > limit:
            raise CannotFit(
                f"request {work.id}: {work.prompt_tokens} + {work.output_tokens} tokens do not "
                f"fit into the {limit} of {model.name}"
            )
