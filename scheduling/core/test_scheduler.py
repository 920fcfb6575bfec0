"""Law tests of `Scheduler`, for every policy, with and without a limit on KV memory."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.core.kv_blocks import KVBlocks
from scheduling.core.policies import POLICIES, KeyFunction, Preemption, may_preempt, rank
from scheduling.core.request import Request
from scheduling.core.scheduler import Batch, NeverFits, Scheduler

pytestmark = pytest.mark.timeout(60)


def longest_first(request: Request) -> tuple[float, ...]:
    """A bad policy on purpose: it obeys all laws and is worse than any other."""
    return (-request.remaining_tokens,)


ANY_POLICY: dict[str, KeyFunction] = {**POLICIES, "longest_first": longest_first}

small_requests = st.builds(
    Request,
    id=st.integers(0, 10**6).map(str),
    arrival_seconds=st.integers(0, 20).map(float),
    priority=st.integers(0, 4),
    prompt_tokens=st.integers(1, 12),
    predicted_tokens=st.integers(0, 12),
    due_seconds=st.integers(0, 40).map(float),
)


@dataclass
class Drive:
    """Drives a scheduler in steps of one second: one token for each running request per step."""

    policy: KeyFunction
    num_slots: int
    num_blocks: int | None
    mode: Preemption
    in_bulk: bool
    arriving: list[Request]
    true_tokens: dict[str, int]
    finished: list[str] = field(default_factory=list)
    started_at: dict[str, float] = field(default_factory=dict)
    decisions: list[Batch] = field(default_factory=list)
    overtakings: list[tuple[str, str]] = field(default_factory=list)  # (admitted, overdue)
    running_before_overdue: int = 0
    now: float = 0.0

    def __post_init__(self) -> None:
        self.kv = (
            None
            if self.num_blocks is None
            else KVBlocks(num_blocks=self.num_blocks, block_tokens=4)
        )
        self.scheduler = Scheduler(
            policy=self.policy, num_slots=self.num_slots, kv=self.kv, preemption=self.mode
        )
        self.arriving.sort(key=lambda request: request.arrival_seconds)
        self.total = len(self.arriving)

    def run(self) -> None:
        while len(self.finished) < self.total:
            while self.arriving and self.arriving[0].arrival_seconds <= self.now:
                self.scheduler.add(self.arriving.pop(0))
            self.decide()
            self.step()
            self.now += 1.0
            assert self.now < 2000, "livelock: far more steps than there are tokens"

    def decide(self) -> None:
        batch = self.scheduler.schedule(self.now)
        self.decisions.append(batch)
        for request_id in batch.admitted:
            self.started_at.setdefault(request_id, self.now)
        self.check(batch)
        self.record_overtakings(batch)

    def record_overtakings(self, batch: Batch) -> None:
        """Records requests that run while an overdue request with an earlier deadline waits."""
        overdue = [r for r in self.waiting() if r.priority > 0 and r.due_seconds <= self.now]
        for late in overdue:
            for other in self.scheduler.running:
                if other.priority > 0 and other.due_seconds > late.due_seconds:
                    self.running_before_overdue += 1
                    if other.id in batch.admitted:
                        self.overtakings.append((other.id, late.id))

    def step(self) -> None:
        """Finished requests leave; all other running requests get one token."""
        before = {r.id: r.generated_tokens for r in self.scheduler.running}
        done = [i for i, tokens in before.items() if tokens + 1 >= self.true_tokens[i]]
        for request_id in done:
            self.scheduler.remove(request_id)
            self.finished.append(request_id)
        grown = {i: tokens + 1 for i, tokens in before.items() if i not in done}
        if self.in_bulk and grown:
            self.scheduler.advance_all(1, self.now)
        else:
            self.scheduler.advance(grown, self.now)
        for request_id, tokens in grown.items():
            held = self.scheduler.get(request_id)
            assert held is not None
            assert held.generated_tokens in (tokens, tokens - 1)

    def check(self, batch: Batch) -> None:
        running = self.scheduler.running
        assert tuple(r.id for r in running) == batch.running
        assert len(running) <= self.scheduler.num_slots
        assert len(running) + self.scheduler.num_waiting + len(self.finished) == (
            self.total - len(self.arriving)
        )
        assert set(batch.admitted) <= set(batch.running)
        assert not set(batch.preempted) & set(batch.running)
        if self.kv is None:
            assert not batch.evicted
            self.check_slots(running)
        else:
            assert 0 <= self.kv.num_free <= self.kv.num_blocks
            for request in running:
                wanted = self.kv.blocks_for(request.context_tokens + 1)
                assert self.kv.held(request.id) >= wanted
            # If any request waits, at least one runs.
            assert running or not self.scheduler.num_waiting

    def check_slots(self, running: tuple[Request, ...]) -> None:
        waiting = self.waiting()
        if len(running) < self.scheduler.num_slots:
            assert not waiting
        best = rank(waiting, self.policy, self.now)[:1]
        worst = rank(running, self.policy, self.now)[-1:]
        if best and worst:
            assert not may_preempt(best[0], worst[0], self.policy, self.now, self.mode)

    def waiting(self) -> list[Request]:
        running = {r.id for r in self.scheduler.running}
        known = (self.scheduler.get(i) for i in self.true_tokens)
        return [r for r in known if r is not None and r.id not in running]


@st.composite
def drives(draw: st.DrawFn) -> Drive:
    requests = draw(st.lists(small_requests, max_size=9, unique_by=lambda request: request.id))
    return Drive(
        policy=ANY_POLICY[draw(st.sampled_from(sorted(ANY_POLICY)))],
        num_slots=draw(st.integers(1, 4)),
        num_blocks=draw(st.one_of(st.none(), st.integers(8, 16))),
        mode=draw(st.sampled_from(list(Preemption))),
        in_bulk=draw(st.booleans()),
        arriving=requests,
        true_tokens={request.id: draw(st.integers(1, 15)) for request in requests},
    )


def copy(drive: Drive) -> Drive:
    return Drive(
        policy=drive.policy,
        num_slots=drive.num_slots,
        num_blocks=drive.num_blocks,
        mode=drive.mode,
        in_bulk=drive.in_bulk,
        arriving=list(drive.arriving),
        true_tokens=drive.true_tokens,
    )


@given(drives())
@settings(max_examples=150, deadline=None)
def test_all_requests_are_served_once_within_slots_and_memory(drive: Drive) -> None:
    expected = sorted(drive.true_tokens)
    drive.run()
    assert sorted(drive.finished) == expected


@given(drives())
@settings(max_examples=75, deadline=None)
def test_the_same_input_gives_the_same_decisions(drive: Drive) -> None:
    again = copy(drive)
    drive.run()
    again.run()
    assert drive.decisions == again.decisions
    assert drive.finished == again.finished


@given(drives())
@settings(max_examples=75, deadline=None)
def test_advance_and_advance_all_lead_to_the_same_decisions(drive: Drive) -> None:
    drive.num_blocks = None
    one, other = copy(drive), copy(drive)
    one.in_bulk, other.in_bulk = True, False
    one.run()
    other.run()
    assert one.decisions == other.decisions


@given(drives())
@settings(max_examples=75, deadline=None)
def test_no_request_starts_before_its_arrival(drive: Drive) -> None:
    arrivals = {request.id: request.arrival_seconds for request in drive.arriving}
    drive.run()
    assert all(drive.started_at[i] >= arrivals[i] for i in drive.finished)


@given(drives())
@settings(max_examples=150, deadline=None)
def test_only_level_0_or_an_earlier_deadline_overtakes_an_overdue_request(drive: Drive) -> None:
    """Holds for `semantic_due` with any slots, memory and mode of preemption. So the wait is
    bounded by the work of level 0 and of earlier deadlines, whatever arrives later."""
    drive.policy = POLICIES["semantic_due"]
    drive = copy(drive)
    drive.run()
    assert drive.overtakings == []


@given(st.lists(small_requests, max_size=9, unique_by=lambda request: request.id))
@settings(max_examples=120, deadline=None)
def test_with_preemption_by_key_an_overdue_request_runs_next(requests: list[Request]) -> None:
    """With one slot, a running request with a later deadline is preempted at once."""
    drive = one_slot("semantic_due", requests)
    drive.run()
    assert drive.overtakings == []
    assert drive.running_before_overdue == 0


def one_slot(policy: str, requests: list[Request]) -> Drive:
    return Drive(
        policy=POLICIES[policy],
        num_slots=1,
        num_blocks=None,
        mode=Preemption.KEY,
        in_bulk=True,
        arriving=list(requests),
        true_tokens={request.id: 3 for request in requests},
    )


@pytest.mark.parametrize("num_urgent", [20, 40])
def test_without_deadlines_an_overdue_request_starves(num_urgent: int) -> None:
    """Control experiment for the laws above: under load plain semantic order starves level 4."""
    urgent = [
        Request(
            id=f"u{i}",
            arrival_seconds=2.0 * i,
            priority=1,
            prompt_tokens=1,
            predicted_tokens=3,
            due_seconds=2.0 * i + 100,
        )
        for i in range(num_urgent)
    ]
    late = Request(
        id="late",
        arrival_seconds=0.0,
        priority=4,
        prompt_tokens=1,
        predicted_tokens=3,
        due_seconds=5.0,
    )
    without_deadlines, with_deadlines = (
        one_slot("semantic", [*urgent, late]),
        one_slot("semantic_due", [*urgent, late]),
    )
    without_deadlines.run()
    with_deadlines.run()
    assert len(without_deadlines.overtakings) > num_urgent / 2
    assert without_deadlines.started_at["late"] >= 3 * num_urgent
    assert with_deadlines.overtakings == []
    assert with_deadlines.started_at["late"] <= 6.0


def test_the_bad_policy_is_worse_than_its_opposite() -> None:
    requests = [
        Request(id=str(n), arrival_seconds=0.0, priority=2, prompt_tokens=1, predicted_tokens=n + 1)
        for n in range(12)
    ]

    def mean_finish(policy: KeyFunction) -> float:
        drive = Drive(
            policy=policy,
            num_slots=2,
            num_blocks=None,
            mode=Preemption.NEVER,
            in_bulk=True,
            arriving=list(requests),
            true_tokens={r.id: r.predicted_tokens for r in requests},
        )
        finish = 0.0
        while len(drive.finished) < drive.total:
            before = len(drive.finished)
            while drive.arriving:
                drive.scheduler.add(drive.arriving.pop())
            drive.decide()
            drive.step()
            drive.now += 1
            finish += drive.now * (len(drive.finished) - before)
        return finish / drive.total

    assert mean_finish(longest_first) > 1.3 * mean_finish(POLICIES["sjf"])


def test_a_prompt_that_exceeds_the_kv_memory_is_refused_with_the_reason() -> None:
    scheduler = Scheduler(
        policy=POLICIES["fcfs"], num_slots=1, kv=KVBlocks(num_blocks=2, block_tokens=4)
    )
    big = Request(id="big", arrival_seconds=0, priority=0, prompt_tokens=8, predicted_tokens=1)
    with pytest.raises(NeverFits, match="needs 3 KV blocks, there are 2"):
        scheduler.add(big)


def test_a_request_that_outgrows_the_kv_memory_raises_an_error_with_its_id() -> None:
    scheduler = Scheduler(
        policy=POLICIES["fcfs"], num_slots=1, kv=KVBlocks(num_blocks=2, block_tokens=4)
    )
    scheduler.add(
        Request(id="x", arrival_seconds=0, priority=0, prompt_tokens=6, predicted_tokens=9)
    )
    scheduler.schedule(0.0)
    scheduler.advance_all(1, 0.0)
    with pytest.raises(NeverFits, match="x: has outgrown"):
        scheduler.advance_all(1, 0.0)


def test_memory_reserved_ahead_needs_free_blocks_and_is_evicted_first() -> None:
    kv = KVBlocks(num_blocks=6, block_tokens=4)
    scheduler = Scheduler(policy=POLICIES["semantic"], num_slots=1, kv=kv)

    def request(name: str, priority: int, predicted: int) -> Request:
        return Request(
            id=name,
            arrival_seconds=0,
            priority=priority,
            prompt_tokens=3,
            predicted_tokens=predicted,
        )

    for item in (request("a", 1, 4), request("b", 2, 4), request("c", 3, 4)):
        scheduler.add(item)
    scheduler.schedule(0.0)
    assert [r.id for r in scheduler.reserve_ahead(5, 0.0)] == ["b", "c"]
    assert kv.num_free == 3
    for _ in range(12):  # "a" generates more tokens than predicted
        scheduler.advance_all(1, 0.0)
    assert kv.num_free == 0
    evicted = [scheduler.advance_all(1, 0.0) for _ in range(4)]
    assert ("c",) in evicted
    assert ("b",) not in evicted


def test_a_request_that_has_begun_elsewhere_takes_a_slot_against_the_order() -> None:
    scheduler = Scheduler(policy=POLICIES["semantic"], num_slots=2)
    for number in range(4):
        scheduler.add(
            Request(
                id=str(number),
                arrival_seconds=number,
                priority=number,
                prompt_tokens=1,
                predicted_tokens=1,
            )
        )
    scheduler.schedule(0.0)
    assert [r.id for r in scheduler.best_waiting(2, 0.0)] == ["2", "3"]
    with pytest.raises(ValueError, match="no slot is free"):
        scheduler.exchange("3", None)
    scheduler.exchange("3", "1")
    assert {r.id for r in scheduler.running} == {"0", "3"}
    assert [r.id for r in scheduler.best_waiting(2, 0.0)] == ["1", "2"]
    scheduler.discard("0")
    scheduler.exchange("2", None)
    assert {r.id for r in scheduler.running} == {"3", "2"}
