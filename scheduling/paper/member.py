"""One request in the published batching rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from scheduling.simulator.hardware import PublishedModel
from scheduling.simulator.workload import Work

Key = tuple[float, ...]


@dataclass(slots=True, eq=False)
class Member:
    """State of a request. `decoded`: answer tokens with KV in memory; `held_tokens`: all its
    tokens with KV in memory."""

    work: Work
    model: PublishedModel
    key_of: Callable[[Member], Key]
    priority_key: int
    num_steps: int  # decode iterations to the end, those from rounding errors included
    predicted_seconds: float  # prefill and decode, as predicted
    prefill_seconds: float
    ready: bool = False  # prefilled
    decoded: int = 0
    held_tokens: int = 0

    seen_busy_seconds: float = 0.0
    started_seconds: float = -1.0
    first_token_seconds: float = -1.0  # on the busy clock

    def key(self) -> Key:
        return self.key_of(self)

    @property
    def context_tokens(self) -> int:
        return self.work.prompt_tokens + self.decoded

    @property
    def steps_left(self) -> int:
        return self.num_steps - self.decoded

    @property
    def predicted_remaining_seconds(self) -> float:
        """Decreases with each step as in the published program, also below 0."""
        if not self.ready:
            return self.predicted_seconds
        cumulated = self.model.table.cumulated
        prompt = self.work.prompt_tokens
        spent = cumulated[prompt + self.decoded] - cumulated[prompt]
        return self.predicted_seconds - self.prefill_seconds - spent


def _semantic(member: Member) -> Key:
    return (member.priority_key, member.predicted_remaining_seconds)


def _sjf(member: Member) -> Key:
    return (member.predicted_remaining_seconds,)


def _pjf(member: Member) -> Key:
    return (member.priority_key,)


def _fcfs(member: Member) -> Key:
    return (member.work.group,)


KEYS: Final[dict[str, Callable[[Member], Key]]] = {
    "semantic": _semantic,
    "sjf": _sjf,
    "pjf": _pjf,
    "fcfs": _fcfs,
}


def member_of(work: Work, model: PublishedModel, policy: str) -> Member:
    prompt = work.prompt_tokens
    model.table.extend_to(prompt + max(work.output_tokens, work.predicted_tokens) + 3)
    prefill = model.prefill_seconds(prompt)
    predicted = prefill + model.whole_decode_seconds(prompt, float(work.predicted_tokens))
    return Member(
        work=work,
        model=model,
        key_of=KEYS[policy],
        priority_key=work.predicted_priority,
        num_steps=_num_steps(work, model, prefill),
        predicted_seconds=round(predicted, 10),
        prefill_seconds=prefill,
    )


def _num_steps(work: Work, model: PublishedModel, prefill: float) -> int:
    """Returns the number of decode iterations until the true remaining time is 0 or less.

    The time at the start and each step are rounded to 1e-10 s. Often a rounding error is left
    after the last token and needs one more iteration.
    """
    prompt, output = work.prompt_tokens, work.output_tokens
    total = round(prefill + model.whole_decode_seconds(prompt, output), 10)
    steps = model.table.single[prompt + 1 : prompt + output + 1]
    *_, left = accumulate(steps, lambda rest, step: rest - step, initial=total - prefill)
    while left > 0:
        output += 1
        model.table.extend_to(prompt + output)
        left -= model.table.single[prompt + output]
    return output
