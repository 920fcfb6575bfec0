"""The state of each simulated request, with its true length, and of the decoding batch."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush

from scheduling.core.request import Request
from scheduling.simulator.workload import Work


@dataclass(slots=True, eq=False)
class Progress:
    """State of one request. `ready`: the KV of prompt and answer is in memory."""

    work: Work
    generated_tokens: int = 0
    ready: bool = False
    admitted: bool = False
    chunk_left_tokens: int = 0  # tokens of a prompt or of evicted KV that are still to compute
    base_step: int = 0  # step of the batch at which this request joined it
    finish_step: int = -1
    started_seconds: float = -1.0
    first_token_seconds: float = -1.0
    slot_since_seconds: float = -1.0

    @property
    def context_tokens(self) -> int:
        return self.work.prompt_tokens + self.generated_tokens

    @property
    def left_tokens(self) -> int:
        return self.work.output_tokens - self.generated_tokens


class DecodingBatch:
    """The decoding requests: one token each per step. Provides the inputs of the step time.

    Steps are counted for the whole batch, so a step does not touch its members: `join` and
    `leave` cost O(log members), any number of steps costs O(1).
    """

    def __init__(self) -> None:
        self.step = 0
        self.num_running = 0
        self._context_offsets = 0  # sum of (context - step) of the members, constant
        self._finishing: list[tuple[int, str, Progress]] = []
        self._longest: list[tuple[int, str, Progress]] = []  # (step - context, ...)

    @property
    def total_tokens(self) -> int:
        return self._context_offsets + self.num_running * self.step

    @property
    def longest_tokens(self) -> int:
        while self._longest:
            offset, _, member = self._longest[0]
            if member.finish_step >= 0 and offset == member.base_step - member.context_tokens:
                return self.step - offset
            heappop(self._longest)
        return 0

    @property
    def steps_to_next_finish(self) -> int:
        self._drop_stale()
        return self._finishing[0][0] - self.step

    def join(self, member: Progress) -> None:
        member.base_step = self.step
        member.finish_step = self.step + member.left_tokens
        offset = self.step - member.context_tokens
        self.num_running += 1
        self._context_offsets -= offset
        heappush(self._finishing, (member.finish_step, member.work.id, member))
        heappush(self._longest, (offset, member.work.id, member))

    def leave(self, member: Progress) -> None:
        """Removes a member and updates its tokens. No effect if it does not decode."""
        if member.finish_step < 0:
            return
        self.num_running -= 1
        self._context_offsets += member.base_step - member.context_tokens
        member.generated_tokens += self.step - member.base_step
        member.finish_step = -1

    def pop_finished(self) -> list[Progress]:
        finished = []
        self._drop_stale()
        while self._finishing and self._finishing[0][0] <= self.step:
            member = heappop(self._finishing)[2]
            self.leave(member)
            finished.append(member)
            self._drop_stale()
        return finished

    def _drop_stale(self) -> None:
        while self._finishing and self._finishing[0][0] != self._finishing[0][2].finish_step:
            heappop(self._finishing)


def request_of(work: Work, due_seconds: float) -> Request:
    """Returns the request that policies see: with predictions, without the true length."""
    return Request(
        id=work.id,
        arrival_seconds=work.arrival_seconds,
        priority=min(work.predicted_priority, 4),  # the published error model predicts 5
        prompt_tokens=work.prompt_tokens,
        predicted_tokens=work.predicted_tokens,
        due_seconds=due_seconds,
    )
