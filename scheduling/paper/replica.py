"""The batching rule of "Semantic Scheduling for LLM Inference" (arXiv 2506.12204), as published.

After each GPU iteration the batch and the queue are merged again. The rule is not
work-conserving: while the member with which the batch is aligned is prefilled, no new request
can start, even if slots are free. Equal iterations are simulated together, with the same result.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final

from scheduling.paper.member import KEYS, Member, member_of
from scheduling.paper.memory import PublishedMemory
from scheduling.paper.queue import PublishedQueue
from scheduling.simulator.hardware import PublishedModel
from scheduling.simulator.outcome import Outcome, Run, Tally
from scheduling.simulator.workload import Work

PUBLISHED_POLICIES: Final = tuple(KEYS)

# Two requests of equal rank can evict each other without end, in the published program too.
# The run ends after this number of iterations without a finished request.
_MAX_FRUITLESS_ITERATIONS: Final = 20_000


class PublishedRule:
    """One run. The outcomes do not include requests that the memory rule starves."""

    def __init__(
        self, works: Sequence[Work], policy: str, model: PublishedModel, num_slots: int
    ) -> None:
        if policy not in KEYS:
            known = ", ".join(KEYS)
            raise ValueError(f"policy {policy}: the published rule supports only {known}")
        self._policy = policy
        self._model = model
        self._num_slots = num_slots
        arriving = sorted(works, key=lambda work: work.enqueue_seconds)
        self._arriving = [member_of(work, model, policy) for work in arriving]
        self._num_arrived = 0
        self._queue = PublishedQueue()
        self._batch: list[Member] = []
        self._memory = PublishedMemory(model)
        self._outcomes: list[Outcome] = []
        self._clock_seconds = 0.0
        self._tally = Tally()

    def run(self) -> Run:
        unchanged = False
        num_fruitless = 0
        while len(self._outcomes) < len(self._arriving):
            if not self._batch and not len(self._queue):
                self._wait_for_next_event()
                unchanged = False
            finished = len(self._outcomes)
            before = self._tally.decode_steps
            self._iterate(many=unchanged)
            self._take_arrivals(self._clock_seconds)
            self._drop_finished()
            none_finished = len(self._outcomes) == finished
            unchanged = not self._schedule() and none_finished
            num_steps = max(1, self._tally.decode_steps - before)
            num_fruitless = num_fruitless + num_steps if none_finished else 0
            if num_fruitless > _MAX_FRUITLESS_ITERATIONS:
                break
        return self._result()

    def _wait_for_next_event(self) -> None:
        event = self._arriving[self._num_arrived].work.enqueue_seconds
        self._clock_seconds = max(self._clock_seconds, event)
        self._take_arrivals(event)
        self._schedule()

    def _take_arrivals(self, until_seconds: float) -> None:
        while self._num_arrived < len(self._arriving):
            member = self._arriving[self._num_arrived]
            if member.work.enqueue_seconds > until_seconds:
                return
            member.seen_busy_seconds = self._tally.busy_seconds
            self._queue.push(member)
            self._num_arrived += 1

    # One GPU iteration, or many equal ones.

    def _iterate(self, *, many: bool) -> None:
        fresh = [member for member in self._batch if not member.ready]
        if fresh:
            self._prefill(fresh)
        else:
            self._decode(self._num_equal_steps() if many else 1)

    def _prefill(self, fresh: list[Member]) -> None:
        served = self._with_memory(fresh, prefill=True)
        for member in served:
            if member.started_seconds < 0:
                member.started_seconds = self._clock_seconds
            member.ready = True
        self._tally.prefill_passes += 1
        self._advance(max((member.prefill_seconds for member in served), default=0.0))

    def _decode(self, num_steps: int) -> None:
        if num_steps > 1:
            only_ready = len(self._queue) > 0 and self._aligned().ready
            self._queue.shuffle(self._num_slots, num_steps - 1, only_ready=only_ready)
            self._memory.grow_all(self._batch, num_steps)
            served = self._batch
        else:
            served = self._with_memory(list(self._batch), prefill=False)
        if not served:
            return
        # The time of a step is that of its longest member, including the new token.
        cumulated = self._model.table.cumulated
        longest = max(member.context_tokens for member in served) + 1
        self._model.table.extend_to(longest + num_steps)
        for member in served:
            if member.first_token_seconds < 0:
                first = cumulated[longest + 1] - cumulated[longest]
                member.first_token_seconds = self._tally.busy_seconds + first
            member.decoded += num_steps
        self._tally.decode_tokens += num_steps * len(served)
        self._tally.decode_steps += num_steps
        self._advance(cumulated[longest + num_steps] - cumulated[longest])

    def _num_equal_steps(self) -> int:
        """Returns the number of decode iterations until a request ends or arrives, or KV
        memory is short.

        If the last scheduling changed nothing, the next ones change nothing until then: keys
        of the batch only decrease, and members with equal keys stay in the batch.
        """
        steps = max(1, min(member.steps_left for member in self._batch))
        if steps > 1 and self._num_arrived < len(self._arriving):
            pause = self._arriving[self._num_arrived].work.enqueue_seconds - self._clock_seconds
            longest = max(member.context_tokens for member in self._batch) + 1
            self._model.table.extend_to(longest + steps)
            cumulated = self._model.table.cumulated
            reached = bisect_left(
                cumulated, cumulated[longest] + pause, longest + 1, longest + steps
            )
            steps = reached - longest
        if steps > 1 and len(self._queue):
            steps = self._steps_with_same_fetch(steps)
        return self._memory.steps_without_shortage(self._batch, steps)

    def _steps_with_same_fetch(self, steps: int) -> int:
        """Returns how many of `steps` decode iterations use the same kind of fetch."""
        head, first = self._queue.head(), self._batch[0]
        if self._aligned() is first:
            return steps  # its key only decreases
        if self._queue.head_is_mixed():
            return 1  # the first member can change with each fetch
        if self._policy != "sjf" or head.ready:
            return steps
        spare = first.predicted_remaining_seconds - head.key()[0]
        cumulated = self._model.table.cumulated
        decoded = cumulated[first.context_tokens] + spare
        last = first.context_tokens + steps
        return bisect_right(cumulated, decoded, first.context_tokens + 1, last) - (
            first.context_tokens
        )

    def _with_memory(self, phase: list[Member], *, prefill: bool) -> list[Member]:
        """Returns the members of `phase` that get memory. The others return to the queue."""
        served, denied = [], []
        for member in phase:
            tokens = member.work.prompt_tokens if prefill else 1
            if self._memory.find(member, tokens, self._batch, self._queue):
                served.append(member)
            else:
                denied.append(member)
                if len(phase) == 1:
                    member.priority_key += 5
        if denied:
            self._batch = [member for member in self._batch if member not in denied]
            for member in denied:
                self._queue.push(member)
        # A later member can evict an earlier one.
        return [member for member in served if prefill or member.ready]

    def _advance(self, seconds: float) -> None:
        self._clock_seconds += seconds
        self._tally.busy_seconds += seconds
        self._tally.used_block_seconds += seconds * self._memory.num_used

    def _drop_finished(self) -> None:
        kept = []
        for member in self._batch:
            if member.ready and member.steps_left <= 0:
                self._memory.free(member)
                self._outcomes.append(self._outcome(member))
            else:
                kept.append(member)
        self._batch = kept

    def _outcome(self, member: Member) -> Outcome:
        work = member.work
        before = work.predictor_seconds - member.seen_busy_seconds
        return Outcome(
            id=work.id,
            priority=work.priority,
            output_tokens=work.output_tokens,
            queued_seconds=work.enqueue_seconds,
            started_seconds=member.started_seconds,
            finished_seconds=self._clock_seconds,
            response_seconds=self._tally.busy_seconds + before,
            ttft_seconds=member.first_token_seconds + before,
        )

    # The batch of the next iteration.

    def _schedule(self) -> bool:
        """Merges batch and queue. Returns True if the batch changed."""
        if not self._batch:
            self._batch = self._queue.fetch_best(self._num_slots)
            return True
        if not len(self._queue):
            return False
        before = self._batch
        fetched = self._fetch()
        merged = self._merged(self._batch, fetched)
        self._batch = merged[: self._num_slots]
        for member in merged[self._num_slots :]:
            self._queue.push(member)
        if self._batch == before:
            return False
        staying = set(map(id, self._batch))
        self._tally.preemptions += sum(id(member) not in staying for member in before)
        return True

    def _fetch(self) -> list[Member]:
        if not self._aligned().ready:
            return self._queue.fetch_best(self._num_slots)
        fetched = self._queue.fetch_ready(self._num_slots)
        for member in self._batch:
            if not member.ready:
                self._queue.push(member)
        self._batch = [member for member in self._batch if member.ready]
        return fetched

    def _aligned(self) -> Member:
        """Returns the member with which the batch is aligned. Only the first part of the key
        counts."""
        head, first = self._queue.head(), self._batch[0]
        return head if head.key()[0] <= first.key()[0] else first

    def _merged(self, batch: list[Member], fetched: list[Member]) -> list[Member]:
        strict = self._policy == "semantic"
        merged: list[Member] = []
        left, right = list(reversed(batch)), list(reversed(fetched))
        while left and right:
            batch_key, fetched_key = left[-1].key(), right[-1].key()
            stays = batch_key < fetched_key if strict else batch_key <= fetched_key
            merged.append(left.pop() if stays else right.pop())
        return merged + left[::-1] + right[::-1]

    def _result(self) -> Run:
        self._tally.evictions = self._memory.num_evictions
        self._tally.recomputed_tokens = self._memory.recomputed_tokens
        return self._tally.run(
            self._outcomes,
            num_requests=len(self._arriving),
            makespan_seconds=self._clock_seconds,
            num_kv_blocks=self._model.num_kv_blocks,
        )


def run_published(works: Sequence[Work], policy: str, model: PublishedModel, num_slots: int) -> Run:
    """Simulates `works` with the published rule. Raises ValueError for a policy that the paper
    does not have."""
    return PublishedRule(works, policy, model, num_slots).run()
