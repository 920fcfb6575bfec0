"""Service models: how long a GPU takes for a prefill pass, and for a number of decode steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from types import MappingProxyType
from typing import Final, Protocol

from scheduling.simulator.workload import Work

_DECIMALS: Final = 10  # the published program rounds every time to 1e-10 s


class UnknownSetting(ValueError):
    """No service model of this name, or one that cannot run; the message says why."""


class CannotFit(ValueError):
    """A request of the workload needs more KV memory than the setting has."""


class ServiceModel(Protocol):
    """What the runner asks of hardware. Times in seconds, memory in KV blocks.

    `mixed_steps`: one step may prefill and decode. Otherwise a prefill pass holds up those
    that decode, and costs what its longest member costs, so others may be prefilled with it.
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
        """One prompt on an idle GPU."""

    def restore_seconds(self, num_tokens: int) -> float:
        """Brings evicted KV back: swapped in or computed anew, whichever is cheaper."""

    def step_seconds(self, num_new_tokens: int, num_kv_tokens: int) -> float:
        """One mixed step. Only where `mixed_steps`."""

    def decode_seconds(
        self, num_running: int, longest_tokens: int, total_tokens: int, num_steps: int
    ) -> float:
        """`num_steps` decode steps of one batch: longest and summed context before the first."""

    def solo_seconds(self, prompt_tokens: int, output_tokens: int) -> float:
        """Least response of one request alone on the GPU."""

    def least_gpu_seconds(self, prompt_tokens: int, output_tokens: int, num_slots: int) -> float:
        """Least share of GPU time of one request when all slots are always filled."""


@dataclass(frozen=True, slots=True)
class _StepTable:
    """Cumulated decode step times: `cumulated[n]` is the time of contexts 1 to n."""

    c1: float
    c2: float
    single: list[float] = field(default_factory=lambda: [0.0])
    cumulated: list[float] = field(default_factory=lambda: [0.0])

    def reach(self, num_tokens: int) -> None:
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

    prefill(p) = a1 p^2 + a2 p; a decode step at context n costs c1 n + c2, and a batch's step
    what its longest member's costs. `c2` and `a2` dominate, so batching is almost free.
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
    recomputes: bool = False  # an evicted prefill is computed anew, not swapped
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
        """The published closed form of all decode steps, rounded as there."""
        p, o = prompt_tokens, output_tokens
        return round(self.c1 * (o**2 / 2 + p * o + o / 2) + self.c2 * o, _DECIMALS)

    def step_seconds(self, num_new_tokens: int, num_kv_tokens: int) -> float:
        raise NotImplementedError("the published settings have no mixed steps")

    def decode_seconds(
        self, num_running: int, longest_tokens: int, total_tokens: int, num_steps: int
    ) -> float:
        self.table.reach(longest_tokens + num_steps)
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

    The form that serving simulators fit to real engines. A step may mix prefill chunks with
    decoding, `max_step_tokens` in all; the step that ends a prompt yields its first token.
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
        # In step j every context is j tokens longer than before the first.
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
            "7 billion parameters take 28 GB at 4 GB per billion; of the card's 24 GB only "
            "80 %, less 5 % of that, may be used: 18.2 GB. The model does not fit."
        )
    }
)


def published_setting(name: str) -> PublishedModel:
    """Raises UnknownSetting, with the reason, for names that are unknown or cannot run."""
    if name in REFUSED:
        raise UnknownSetting(f"{name}: {REFUSED[name]}")
    if name not in SETTINGS:
        known = ", ".join(SETTINGS)
        raise UnknownSetting(f"{name}: no such setting; there are {known}, or a settings file")
    return SETTINGS[name]


def check_sizes(works: Iterable[Work], model: ServiceModel) -> None:
    """Raises CannotFit for a request that could not finish with all the KV memory there is."""
    if model.num_kv_blocks is None:
        return
    limit = model.num_kv_blocks * model.kv_block_tokens
    for work in works:
        # The last token needs no place: nothing is computed from it.
        if work.prompt_tokens + work.output_tokens > limit:
            raise CannotFit(
                f"request {work.id}: {work.prompt_tokens} + {work.output_tokens} tokens do not "
                f"fit into the {limit} of {model.name}"
            )
