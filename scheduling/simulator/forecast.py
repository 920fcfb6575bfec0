"""When each waiting request will start and end, from many possible courses of the near future.

Each course begins with the present queue and slots. It draws what nobody knows: how long the
answers really become, how fast the worker is, and what arrives meanwhile. The core's scheduler
decides who is served, so a forecast knows the policy and who may preempt whom.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from math import ceil, inf
from random import Random
from typing import Final

from scheduling.core.metrics import percentile
from scheduling.core.policies import KeyFunction, Preemption
from scheduling.core.request import Request
from scheduling.core.scheduler import Scheduler
from scheduling.simulator.measured import MeasuredModel

LOW: Final = 0.1  # the range holds what lies between these shares of the courses
HIGH: Final = 0.9
_MAX_NEW: Final = 2_000  # arrivals of one course


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """Queue and slots at the moment `now` (seconds). Progress is in the requests."""

    now: float
    policy: KeyFunction
    preemption: Preemption
    num_slots: int
    running: Sequence[Request]
    waiting: Sequence[Request]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """The kind of request that may arrive: what the recorded ones were like."""

    priority: int
    prompt_tokens: int
    predicted_tokens: int
    deadline_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is known about the service and the traffic.

    `length_ratios` are recorded answers over their predictions, `speeds` recorded step times
    over the model's; one of them is drawn for each answer, and one speed for each course.
    Requests like `arrivals` go on to come at about `arrivals_per_second`, for a time that is
    drawn from an exponential distribution of mean `arrivals_go_on_for` seconds. With probability
    1 - `share_with_arrivals` they have ended already, and nothing arrives.
    With probability `share_recorded` they come as one of `recorded` instead: seconds from now of
    what came after similar moments, drawn by their weights `likeness`.
    `slowdown` is the present step time over the model's; it lasts for a time that is drawn from
    an exponential distribution of mean `slowdown_seconds`, and then the speed is the model's.
    """

    model: MeasuredModel
    slowdown: float = 1.0
    slowdown_seconds: float = 0.0
    length_ratios: Sequence[float] = (1.0,)
    speeds: Sequence[float] = (1.0,)
    arrivals: Sequence[Arrival] = ()
    arrivals_per_second: float = 0.0
    arrivals_go_on_for: float = 0.0
    share_with_arrivals: float = 1.0
    recorded: Sequence[Sequence[float]] = ()
    likeness: Sequence[float] = ()
    share_recorded: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Seconds from now: one in ten is earlier than `low`, one in ten later than `high`."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Range:
        low, median, high = values
        return cls(low=low, median=median, high=high)

    def stretched(self, factor: float) -> Range:
        """Both ends `factor` times as far from the median, and not below zero."""
        low = self.median - factor * (self.median - self.low)
        high = self.median + factor * (self.high - self.median)
        return Range(low=max(0.0, low), median=self.median, high=high)

    def later(self, seconds: float) -> Range:
        left = (max(0.0, value - seconds) for value in (self.low, self.median, self.high))
        return Range.of(list(left))


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    starts: Range
    ends: Range

    def stretched(self, factor: float) -> Estimate:
        return Estimate(starts=self.starts.stretched(factor), ends=self.ends.stretched(factor))

    def later(self, seconds: float) -> Estimate:
        """The same estimate as seen `seconds` later."""
        return Estimate(starts=self.starts.later(seconds), ends=self.ends.later(seconds))


def forecast(
    present: Present, outlook: Outlook, *, num_courses: int, seed: int
) -> dict[str, Estimate]:
    """An estimate for every waiting request; for a running one, `starts` is 0."""
    random = Random(seed)
    starts: dict[str, list[float]] = {}
    ends: dict[str, list[float]] = {}
    wanted = {request.id for request in (*present.running, *present.waiting)}
    for _ in range(num_courses):
        course = Course(present, outlook, random)
        course.run(wanted)
        for request_id in wanted:
            starts.setdefault(request_id, []).append(course.started[request_id] - present.now)
            ends.setdefault(request_id, []).append(course.ended[request_id] - present.now)
    return {name: Estimate(starts=_range(starts[name]), ends=_range(ends[name])) for name in wanted}


def _range(seconds: list[float]) -> Range:
    if len(seconds) == 1:  # of a long queue
        return Range(low=seconds[0], median=seconds[0], high=seconds[0])
    seconds.sort()
    return Range(
        low=percentile(seconds, LOW),
        median=percentile(seconds, 0.5),
        high=percentile(seconds, HIGH),
    )


class Course:
    """One possible future. `started` and `ended` hold moments (seconds) by id.

    All running requests get one token a step, so a request is finished when a count of steps
    that is common to all reaches its own mark.
    """

    def __init__(
        self,
        present: Present,
        outlook: Outlook,
        random: Random,
        lengths: Mapping[str, int] | None = None,
        arriving: Sequence[Request] | None = None,
    ) -> None:
        self._outlook = outlook
        self._random = random
        self._speed = random.choice(outlook.speeds)
        self._slow_until = present.now
        if outlook.slowdown_seconds > 0:
            self._slow_until += random.expovariate(1 / outlook.slowdown_seconds)
        self.now = present.now
        self.started: dict[str, float] = {request.id: present.now for request in present.running}
        self.ended: dict[str, float] = {}
        self._lengths: dict[str, int] = dict(lengths or {})
        self._requests: dict[str, Request] = {}
        self._steps = 0
        self._finishing: list[tuple[int, str]] = []
        self._finish_at: dict[str, int] = {}
        self._base: dict[str, int] = {}  # steps minus own tokens, when it got its slot
        self._scheduler = Scheduler(
            policy=present.policy, num_slots=present.num_slots, preemption=present.preemption
        )
        self._policy = present.policy
        self._settled = False
        self._arriving = self._draw_arrivals(present) if arriving is None else list(arriving)
        self._num_arrived = 0
        self._start_with(present)

    def _start_with(self, present: Present) -> None:
        for request in present.running[: self._scheduler.num_slots]:
            self._add(request)
        batch = self._scheduler.schedule(self.now)
        for request_id in batch.admitted:  # they have their KV already
            self._give_slot(request_id)
        for request in (*present.running[self._scheduler.num_slots :], *present.waiting):
            self._add(request)

    def run(self, wanted: set[str]) -> None:
        """Until all of `wanted` have ended."""
        left = {request_id for request_id in wanted if request_id not in self.ended}
        while left:
            self.turn(left)

    def turn(self, left: set[str], until: float = inf) -> None:
        """To the next arrival or end. Takes those that end out of `left`."""
        self._take_arrivals()
        batch = self._scheduler.schedule(self.now)
        for request_id in batch.preempted:
            self._take_slot(request_id)
        self._settle()
        if batch.admitted:
            self._admit(batch.admitted)
        if not self._finishing:
            self.now = min(until, self._next_arrival())
            return
        self._decode(until)
        while self._finishing and self._finishing[0][0] <= self._steps:
            mark, request_id = heappop(self._finishing)
            if self._finish_at.get(request_id) == mark:
                self._end(request_id)
                left.discard(request_id)
        self._drop_stale()

    def _settle(self) -> None:
        """Turns preemption off once nothing arrives any more: then no one who waits outranks one
        who runs, since a running request only gains rank. This halves the time."""
        bounded = getattr(self._policy, "bounded_wait", False)
        if not self._settled and not bounded and self._next_arrival() == inf:
            self._settled = True
            self._scheduler.set_policy(self._policy, Preemption.NEVER)

    def running(self) -> list[Request]:
        return list(self._scheduler.running)

    def waiting(self) -> list[Request]:
        holding = {request.id for request in self._scheduler.running}
        return [r for name, r in self._requests.items() if name not in holding]

    def _take_arrivals(self) -> None:
        while self._next_arrival() <= self.now:
            self._add(self._arriving[self._num_arrived])
            self._num_arrived += 1

    def _next_arrival(self) -> float:
        if self._num_arrived >= len(self._arriving):
            return inf
        return self._arriving[self._num_arrived].arrival_seconds

    def _add(self, request: Request) -> None:
        self._requests[request.id] = request
        if request.id not in self._lengths:
            self._lengths[request.id] = self._draw_length(request)
        self._scheduler.add(request)

    def _draw_length(self, request: Request) -> int:
        """A whole answer, given that it is longer than what is there already."""
        for _ in range(8):
            ratio = self._random.choice(self._outlook.length_ratios)
            tokens = ceil(request.predicted_tokens * ratio)
            if tokens > request.generated_tokens:
                return tokens
        return request.generated_tokens + 1 + request.predicted_tokens // 20

    def _admit(self, request_ids: Sequence[str]) -> None:
        model = self._outlook.model
        longest = max(self._requests[name].context_tokens for name in request_ids)
        for request_id in request_ids:
            self.started.setdefault(request_id, self.now)
            self._give_slot(request_id)
        self.now += self._factor() * model.prefill_seconds(longest)

    def _give_slot(self, request_id: str) -> None:
        done = self._requests[request_id].generated_tokens
        self._base[request_id] = self._steps - done
        mark = self._steps + max(1, self._lengths[request_id] - done)
        self._finish_at[request_id] = mark
        heappush(self._finishing, (mark, request_id))

    def _take_slot(self, request_id: str) -> None:
        done = self._steps - self._base.pop(request_id)
        del self._finish_at[request_id]
        self._requests[request_id] = self._requests[request_id].with_progress(done)
        self._drop_stale()

    def _drop_stale(self) -> None:
        while self._finishing:
            mark, request_id = self._finishing[0]
            if self._finish_at.get(request_id) == mark:
                return
            heappop(self._finishing)

    def _decode(self, until: float) -> None:
        step = self._factor() * self._outlook.model.one_step_seconds(self._scheduler.num_running)
        steps = self._finishing[0][0] - self._steps
        pause = min(self._next_arrival(), until) - self.now
        if pause < steps * step:
            steps = max(1, ceil(pause / step))
        if self.now < self._slow_until:
            steps = min(steps, max(1, ceil((self._slow_until - self.now) / step)))
        self._steps += steps
        self.now += steps * step
        self._scheduler.advance_all(steps, self.now)

    def _factor(self) -> float:
        return self._speed * (self._outlook.slowdown if self.now < self._slow_until else 1.0)

    def _end(self, request_id: str) -> None:
        self.ended[request_id] = self.now
        del self._finish_at[request_id], self._base[request_id], self._requests[request_id]
        self._scheduler.discard(request_id)

    def _draw_arrivals(self, present: Present) -> list[Request]:
        outlook = self._outlook
        if not outlook.arrivals:
            return []
        if outlook.recorded and self._random.random() < outlook.share_recorded:
            [drawn] = self._random.choices(outlook.recorded, outlook.likeness or None)
            offsets = list(drawn[:_MAX_NEW])
        else:
            offsets = self._draw_offsets()
        return [
            self._arriving_at(present.now + offset, number) for number, offset in enumerate(offsets)
        ]

    def _draw_offsets(self) -> list[float]:
        """Of a Poisson process that ends: seconds from now."""
        found: list[float] = []
        outlook = self._outlook
        if outlook.arrivals_per_second <= 0 or outlook.arrivals_go_on_for <= 0:
            return found
        if self._random.random() >= outlook.share_with_arrivals:
            return found
        # What the recorded number of arrivals says about the rate, and how long it lasts.
        num = max(1, len(outlook.arrivals) - 1)
        rate = self._random.gammavariate(num + 0.5, outlook.arrivals_per_second / num)
        end = self._random.expovariate(1 / outlook.arrivals_go_on_for)
        offset = self._random.expovariate(rate)
        while offset <= end and len(found) < _MAX_NEW:
            found.append(offset)
            offset += self._random.expovariate(rate)
        return found

    def _arriving_at(self, moment: float, number: int) -> Request:
        kind = self._random.choice(self._outlook.arrivals)
        return Request(
            id=f"new-{number}",
            arrival_seconds=moment,
            priority=kind.priority,
            prompt_tokens=kind.prompt_tokens,
            predicted_tokens=kind.predicted_tokens,
            due_seconds=moment + kind.deadline_seconds,
        )
