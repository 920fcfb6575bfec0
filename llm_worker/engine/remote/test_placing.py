"""Laws of what is sent to a server and when, with a server that serves first come, first served."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_worker.engine.remote.placing import LEAVE_SECONDS, NUM_LOOKS, PAUSE_SECONDS, Placing
from scheduling.core.policies import POLICIES, Policy, Preemption, order
from scheduling.core.request import Request

NUM_SLOTS, NUM_AHEAD, LENGTH = 2, 2, 4
SEMANTIC = POLICIES["semantic"]


def make_request(name: str, priority: int = 2, *, arrival: float = 0.0) -> Request:
    return Request(
        id=name,
        arrival_seconds=arrival,
        priority=priority,
        prompt_tokens=1,
        predicted_tokens=LENGTH,
    )


class Server:
    """Runs what came first. It does what `placing` says at once, or when `deliver` is called."""

    def __init__(
        self, *, policy: Policy = SEMANTIC, num_slots: int = NUM_SLOTS, num_ahead: int = NUM_AHEAD
    ) -> None:
        self.placing = Placing(
            policy=policy, preemption=Preemption.LEVEL, num_slots=NUM_SLOTS, num_ahead=num_ahead
        )
        self.num_slots = num_slots
        self.now = 0.0
        self.requests: dict[str, Request] = {}
        self.waiting: list[str] = []
        self.running: list[str] = []
        self.started: list[str] = []
        self.ended: list[str] = []

    def add(self, name: str, priority: int = 2) -> None:
        self.requests[name] = make_request(name, priority, arrival=self.now)
        self.placing.add(self.requests[name])
        self.act()

    def act(self) -> None:
        placement = self.placing.place(self.now)
        for name in placement.cancels:
            (self.running if name in self.running else self.waiting).remove(name)
        self.waiting += placement.posts
        for name in placement.posts:
            self.placing.accepted(name, self.now)
        self.fill()
        if placement.posts or placement.cancels:
            self.act()

    def fill(self) -> None:
        while self.waiting and len(self.running) < self.num_slots:
            name = self.waiting.pop(0)
            self.running.append(name)
            self.started.append(name)
            self.write(name)

    def write(self, name: str) -> None:
        request = self.requests[name]
        self.requests[name] = request.with_progress(request.generated_tokens + 1)
        if self.placing.wrote(self.requests[name], 1, self.now):
            self.act()

    def end(self, name: str) -> None:
        """Ends one answer. The server begins what waits there before anybody knows of the end."""
        self.running.remove(name)
        self.ended.append(name)
        self.fill()
        self.placing.remove(name)
        del self.requests[name]
        self.act()

    def step(self) -> None:
        self.now += 1.0
        for name in list(self.running):
            self.write(name)
        for name in [n for n in self.running if self.requests[n].generated_tokens >= LENGTH]:
            if name in self.running:
                self.end(name)

    def check(self) -> None:
        at_server = [*self.running, *self.waiting]
        assert len(at_server) == len(set(at_server))
        assert len(self.running) == min(NUM_SLOTS, len(self.requests))
        assert len(self.waiting) <= NUM_AHEAD
        kept = [name for name in self.requests if name not in at_server]

        def place(name: str) -> tuple[float | str, ...]:
            return order(self.requests[name], SEMANTIC, self.now)

        assert self.waiting == sorted(self.waiting, key=place)
        if self.waiting and kept:
            assert place(self.waiting[-1]) < min(map(place, kept))
        for name in self.requests:
            if name not in self.running:
                level = self.requests[name].priority
                assert all(self.requests[other].priority <= level for other in self.running)


@given(st.lists(st.integers(0, 4) | st.none(), max_size=30))
def test_what_waits_at_the_server_is_the_best_and_stands_in_order(moves: list[int | None]) -> None:
    server = Server()
    for number, move in enumerate(moves):
        if move is None:
            server.step()
        else:
            server.add(f"r{number}", move)
        server.check()
    for _ in range(len(moves) * LENGTH):
        server.step()
    assert sorted(server.ended) == sorted(f"r{n}" for n, m in enumerate(moves) if m is not None)


def test_the_next_request_is_there_before_a_slot_is_free() -> None:
    server = Server()
    for name in "abcdef":
        server.add(name)
    assert (server.running, server.waiting) == (["a", "b"], ["c", "d"])
    server.end("a")
    assert (server.running, server.waiting) == (["b", "c"], ["d", "e"])


def test_nothing_is_sent_ahead_of_a_request_that_is_under_way() -> None:
    server = Server(num_slots=0)  # it takes everything and begins nothing
    for name in "abcd":
        server.add(name)
    assert server.waiting == ["a", "b"]


def test_a_more_urgent_request_goes_first_at_a_server_that_knows_no_priorities() -> None:
    server = Server()
    for name in "abcd":
        server.add(name, 3)
    server.add("urgent", 0)
    assert "urgent" in server.running
    assert server.started == ["a", "b", "urgent"]


def test_a_policy_with_one_slot_sends_nothing_ahead() -> None:
    server = Server(policy=POLICIES["serial"])
    server.add("a")
    server.add("b")
    assert (server.running, server.waiting) == (["a"], [])


def test_a_preempted_request_writes_on_until_the_other_one_has_arrived() -> None:
    server = Server(num_ahead=0)
    placing = server.placing
    server.add("first", 4)
    server.add("second", 3)
    placing._accepts_early = True
    placing.add(make_request("urgent", 0))
    assert placing.place(2.0).posts == ("urgent",)
    assert placing.place(2.1).cancels == ()
    placing.accepted("urgent", 2.2)
    assert placing.place(2.2).cancels == ("first",)


@pytest.mark.parametrize(
    "until", [lambda placing: None, lambda placing: placing.lost("urgent", 2.0)]
)
def test_a_preempted_request_goes_after_a_second_at_the_latest(
    until: Callable[[Placing], None],
) -> None:
    server = Server(num_ahead=0)
    server.add("first", 4)
    server.add("second", 3)
    server.placing._accepts_early = True
    server.placing.add(make_request("urgent", 0))
    server.placing.place(2.0)
    until(server.placing)
    assert server.placing.place(2.0 + LEAVE_SECONDS).cancels == ("first",)


def test_a_server_with_more_slots_than_ours_gets_no_more_than_ours_for_a_while() -> None:
    server = Server(num_slots=10)
    for name in "abcd":
        server.add(name)
    assert server.running == ["a", "b", "c"]  # one more, to see what the server does
    for _ in range(NUM_LOOKS):
        server.placing.look(server.now)
    server.act()
    assert server.running == ["a", "b"]
    server.now += PAUSE_SECONDS
    server.act()
    assert server.running == ["a", "b", "c"]


def test_an_end_that_is_read_late_is_no_sign_of_more_slots() -> None:
    server = Server()
    for name in "abcd":
        server.add(name)
    server.running.remove("a")  # it has ended, and nobody here knows
    server.fill()
    for _ in range(NUM_LOOKS - 1):
        server.placing.look(server.now)
    server.placing.remove("a")
    server.act()
    assert server.running == ["b", "c"]
    assert server.waiting == ["d"]


def test_a_new_level_of_a_request_at_the_server_preempts_for_it() -> None:
    server = Server()
    for name in "abcd":
        server.add(name, 3)
    server.requests["d"] = replace(server.requests["d"], priority=0)
    server.placing.update(server.requests["d"])
    server.act()
    assert "d" in server.running
    assert len(server.running) == NUM_SLOTS
