"""Runs the scheduler of `scheduling.core` on a service model, in virtual time.

Steps between which no decision can change are simulated together.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from scheduling.core.kv_blocks import KVBlocks
from scheduling.core.policies import KeyFunction, Preemption
from scheduling.core.request import PRIORITIES
from scheduling.core.scheduler import Batch, Scheduler
from scheduling.simulator.hardware import ServiceModel, check_sizes
from scheduling.simulator.outcome import Hold, Outcome, Run, Tally
from scheduling.simulator.progress import DecodingBatch, Progress, request_of
from scheduling.simulator.workload import Work

DEFAULT_DEADLINES_SECONDS: Final = (2.0, 10.0, 30.0, 60.0, 120.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerOptions:
    """Options of a run. `deadlines_seconds`: seconds from sending to the deadline, by level."""

    num_slots: int
    preemption: Preemption = Preemption.KEY
    deadlines_seconds: Sequence[float] = DEFAULT_DEADLINES_SECONDS
    prefill_ahead: bool = True
    record_holds: bool = False

    def __post_init__(self) -> None:
        if len(self.deadlines_seconds) != len(PRIORITIES):
            raise ValueError("deadlines_seconds: must have one number for each level")


Watch = Callable[[int], None]  # called with the number of finished requests; may raise
_WATCH_EVERY: Final = 500


class Runner:
    """One run of one workload. Raises CannotFit before it starts.

    `watch` is called once for every few hundred finished requests; what it raises ends the run.
    """

    def __init__(
        self,
        works: Sequence[Work],
        policy: KeyFunction,
        model: ServiceModel,
        options: RunnerOptions,
        watch: Watch | None = None,
    ) -> None:
        self._model = model
        self._watch = watch
        self._watch_at = _WATCH_EVERY
        self._holds: list[Hold] = []
        self._options = options
        self._arriving = sorted(works, key=lambda work: work.arrival_seconds)
        check_sizes(works, model)
        self._num_arrived = 0
        self._kv: KVBlocks | None = None
        if model.num_kv_blocks is not None:
            self._kv = KVBlocks(num_blocks=model.num_kv_blocks, block_tokens=model.kv_block_tokens)
        self._scheduler = Scheduler(
            policy=policy,
            num_slots=options.num_slots,
            kv=self._kv,
            preemption=options.preemption,
        )
        self._all: dict[str, Progress] = {}
        self._unready: dict[str, Progress] = {}  # admitted, but KV not in memory yet
        self._without_first_token: list[Progress] = []  # decoding, but no token yet
        self._decoding = DecodingBatch()
        self._outcomes: list[Outcome] = []
        self._now = 0.0
        self._tally = Tally()

    def run(self) -> Run:
        while len(self._outcomes) < len(self._arriving):
            if self._watch is not None and len(self._outcomes) >= self._watch_at:
                self._watch_at = len(self._outcomes) + _WATCH_EVERY
                self._watch(len(self._outcomes))
            self._take_arrivals()
            self._apply(self._scheduler.schedule(self._now))
            if not self._scheduler.num_running:
                self._now = self._arriving[self._num_arrived].arrival_seconds
            elif not self._unready:
                self._decode()
            elif self._model.mixed_steps:
                self._mixed_step()
            else:
                self._prefill_pass()
        return self._result()

    def _take_arrivals(self) -> None:
        while self._num_arrived < len(self._arriving):
            work = self._arriving[self._num_arrived]
            if work.arrival_seconds > self._now:
                return
            seconds = self._options.deadlines_seconds[min(work.predicted_priority, 4)]
            self._all[work.id] = Progress(work)
            self._scheduler.add(request_of(work, work.sent_seconds + seconds))
            self._num_arrived += 1

    def _apply(self, batch: Batch) -> None:
        for request_id in (*batch.preempted, *batch.evicted):
            self._free_slot(self._all[request_id])
        self._record_evictions(batch.evicted)
        self._tally.preemptions += len(batch.preempted)
        for request_id in batch.admitted:
            member = self._all[request_id]
            member.admitted = True
            member.slot_since_seconds = self._now
            if member.ready:
                self._join(member)
                continue
            if member.started_seconds < 0:
                member.started_seconds = self._now
            member.chunk_left_tokens = member.chunk_left_tokens or member.context_tokens
            self._unready[request_id] = member

    def _join(self, member: Progress) -> None:
        if member.started_seconds < 0:
            member.started_seconds = self._now
        if member.first_token_seconds < 0:
            self._without_first_token.append(member)
        self._decoding.join(member)

    def _free_slot(self, member: Progress) -> None:
        self._note_hold(member)
        member.admitted = False
        self._unready.pop(member.work.id, None)
        self._decoding.leave(member)

    def _note_hold(self, member: Progress) -> None:
        if self._options.record_holds and member.admitted:
            start, end = member.slot_since_seconds, self._now
            self._holds.append(Hold(member.work.priority, start, end))

    def _record_evictions(self, evicted: Sequence[str]) -> None:
        self._tally.evictions += len(evicted)
        for request_id in evicted:
            member = self._all[request_id]
            member.ready = False
            member.chunk_left_tokens = 0

    # Passes and steps of the GPU.

    def _prefill_pass(self) -> None:
        """Prefills all admitted requests together while decoding stops.

        The requests that will be admitted next join the pass, because they cost no extra time.
        """
        members = list(self._unready.values())
        if self._options.prefill_ahead:
            free_slots = self._scheduler.num_slots - len(members)
            ahead = self._scheduler.reserve_ahead(free_slots, self._now)
            members += [self._all[request.id] for request in ahead]
        self._advance(max(self._restore(member) for member in members))
        self._tally.prefill_passes += 1
        for member in members:
            member.ready = True
            member.chunk_left_tokens = 0
            if member.admitted:
                self._join(member)
        self._unready.clear()

    def _restore(self, member: Progress) -> float:
        """Returns the seconds to get its KV: first prefill, swap or recomputation."""
        tokens = member.context_tokens
        if member.first_token_seconds < 0 and not member.generated_tokens:
            return self._model.prefill_seconds(tokens)
        seconds = self._model.restore_seconds(tokens)
        if seconds == self._model.prefill_seconds(tokens):
            self._tally.recomputed_tokens += tokens
        return seconds

    def _decode(self) -> None:
        steps = self._steps_to_next_event()
        seconds = self._decode_seconds(steps)
        if self._without_first_token:
            self._record_first_tokens(self._decode_seconds(1))
        self._account_steps(steps)
        self._advance(seconds, growing_steps=steps)
        self._decoding.step += steps
        self._finish(self._decoding.pop_finished())
        self._grow(steps)

    def _mixed_step(self) -> None:
        """One step that decodes and computes chunks of prompts, best ranked prompt first."""
        decoding = self._decoding.num_running
        budget = max(1, self._model.max_step_tokens - decoding)
        new_tokens, read_tokens, swapped = decoding, self._decoding.total_tokens + decoding, 0.0
        for member in self._unready.values():
            if member.generated_tokens and self._swap_is_cheaper(member):
                swapped += self._model.restore_seconds(member.context_tokens)
                member.chunk_left_tokens = 0
                continue
            chunk = min(budget, member.chunk_left_tokens)
            if member.generated_tokens:
                self._tally.recomputed_tokens += chunk
            budget -= chunk
            member.chunk_left_tokens -= chunk
            if chunk:
                new_tokens += chunk
                read_tokens += member.context_tokens - member.chunk_left_tokens
        seconds = swapped
        if new_tokens:
            seconds += self._model.step_seconds(new_tokens, read_tokens)
            self._record_first_tokens(seconds)
            self._account_steps(1)
        self._advance(seconds)
        self._end_mixed_step(any_computed=new_tokens > 0)

    def _swap_is_cheaper(self, member: Progress) -> bool:
        tokens = member.context_tokens
        return self._model.restore_seconds(tokens) < self._model.prefill_seconds(tokens)

    def _end_mixed_step(self, *, any_computed: bool) -> None:
        if any_computed:
            self._decoding.step += 1
        done = [member for member in self._unready.values() if not member.chunk_left_tokens]
        swapped = [m for m in done if m.generated_tokens and self._swap_is_cheaper(m)]
        finished = self._decoding.pop_finished()
        for member in done:
            del self._unready[member.work.id]
            member.ready = True
            if member in swapped:
                self._join(member)
                continue
            member.generated_tokens += 1  # the step that ends a prompt gives a token
            if member.first_token_seconds < 0:
                member.first_token_seconds = self._now
            if member.left_tokens:
                self._join(member)
            else:
                finished.append(member)
        self._finish(finished)
        if any_computed:
            not_decoded = [*self._unready, *(m.work.id for m in swapped)]
            self._grow(1, except_ids=not_decoded)

    def _steps_to_next_event(self) -> int:
        """Returns the number of decode steps until a request ends or arrives, a deadline
        passes, or memory is short."""
        steps = self._decoding.steps_to_next_finish
        pause = self._pause_seconds()
        if pause is not None and steps > 1:
            # The first step that reaches the time of the event, or the last step.
            steps = bisect_left(range(1, steps), pause, key=self._decode_seconds) + 1
        return max(1, self._scheduler.steps_before_shortage(steps))

    def _pause_seconds(self) -> float | None:
        """Returns the seconds until the next arrival or deadline; None if there is none."""
        moments = []
        if self._num_arrived < len(self._arriving):
            moments.append(self._arriving[self._num_arrived].arrival_seconds)
        if (due := self._scheduler.next_due_seconds(self._now)) is not None:
            moments.append(due)
        return min(moments) - self._now if moments else None

    def _decode_seconds(self, num_steps: int) -> float:
        batch = self._decoding
        return self._model.decode_seconds(
            batch.num_running, batch.longest_tokens, batch.total_tokens, num_steps
        )

    def _record_first_tokens(self, step_seconds: float) -> None:
        for member in self._without_first_token:
            if member.finish_step >= 0 and member.first_token_seconds < 0:
                member.first_token_seconds = self._now + step_seconds
        self._without_first_token.clear()

    def _account_steps(self, num_steps: int) -> None:
        self._tally.decode_steps += num_steps
        self._tally.decode_tokens += num_steps * self._decoding.num_running

    def _advance(self, seconds: float, growing_steps: int = 0) -> None:
        self._now += seconds
        self._tally.busy_seconds += seconds
        if self._kv is not None:
            # Growth is linear during the steps, so on average half of it is in use.
            grown = growing_steps * self._kv.num_growing / (2 * self._kv.block_tokens)
            used = self._kv.num_blocks - self._kv.num_free + grown
            self._tally.used_block_seconds += seconds * used

    def _finish(self, finished: Sequence[Progress]) -> None:
        for member in finished:
            work = member.work
            self._note_hold(member)
            self._scheduler.discard(work.id)
            del self._all[work.id]
            self._outcomes.append(
                Outcome(
                    work.id,
                    work.priority,
                    work.output_tokens,
                    work.arrival_seconds,
                    member.started_seconds,
                    self._now,
                    self._now - work.sent_seconds,
                    member.first_token_seconds - work.sent_seconds,
                )
            )

    def _grow(self, num_steps: int, except_ids: Sequence[str] = ()) -> None:
        evicted = self._scheduler.advance_all(num_steps, self._now, except_ids=except_ids)
        for request_id in evicted:
            self._free_slot(self._all[request_id])
        self._record_evictions(evicted)

    def _result(self) -> Run:
        return self._tally.run(
            self._outcomes,
            num_requests=len(self._arriving),
            makespan_seconds=self._now,
            num_kv_blocks=self._model.num_kv_blocks,
            holds=self._holds,
        )


def run_ours(
    works: Sequence[Work],
    policy: KeyFunction,
    model: ServiceModel,
    options: RunnerOptions | None = None,
    watch: Watch | None = None,
) -> Run:
    """Simulates `works` with the scheduler of `scheduling.core`.

    Raises CannotFit, or ValueError if an id occurs twice.
    """
    options = options or RunnerOptions(num_slots=model.num_slots)
    return Runner(works, policy, model, options, watch).run()
