"""Laws of manual moves: within the level, one total order, and the same under each policy."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scheduling.core.manual_move import NoSuchMove, move_up
from scheduling.core.policies import POLICIES, Policy, rank
from scheduling.core.request import Request
from scheduling.core.request_strategies import requests

ALL = st.sampled_from(list(POLICIES.values()))
STEPS = st.integers(-4, 4).filter(bool)
NOW = st.sampled_from([0.0, 1.0, 2.0, 1e6])


@st.composite
def queues(draw: st.DrawFn) -> list[Request]:
    """Requests with different ids and arrivals."""
    return draw(
        st.lists(
            requests(),
            min_size=1,
            max_size=10,
            unique_by=(lambda one: one.id, lambda one: one.as_sorted.arrival_seconds),
        )
    )


def ids(found: list[Request]) -> list[str]:
    return [request.id for request in found]


def after_move(waiting: list[Request], moved: Request) -> list[Request]:
    return [moved if request.id == moved.id else request for request in waiting]


@given(queues(), STEPS, ALL, NOW, st.data())
def test_a_move_changes_the_place_of_one_request_within_its_level(
    waiting: list[Request], steps: int, policy: Policy, now: float, data: st.DataObject
) -> None:
    mine = data.draw(st.sampled_from(waiting))
    before = rank(waiting, policy, now)
    try:
        moved = move_up(waiting, mine.id, steps, policy, now)
    except NoSuchMove:
        return
    after = rank(after_move(waiting, moved.request), policy, now)
    level = [one.id for one in before if one.priority == mine.priority]
    at = level.index(mine.id)
    expected = max(0, min(len(level) - 1, at - steps))
    level.insert(expected, level.pop(at))
    assert [one.id for one in after if one.priority == mine.priority] == level
    assert moved.steps_up == at - expected
    others = [one for one in ids(before) if one != mine.id]
    assert [one for one in ids(after) if one != mine.id] == others


@given(queues(), STEPS, ALL, NOW, st.data())
def test_a_move_never_passes_a_more_urgent_request(
    waiting: list[Request], steps: int, policy: Policy, now: float, data: st.DataObject
) -> None:
    mine = data.draw(st.sampled_from(waiting))
    try:
        moved = move_up(waiting, mine.id, steps, policy, now)
    except NoSuchMove:
        return
    before, after = (
        rank(waiting, policy, now),
        rank(after_move(waiting, moved.request), policy, now),
    )
    urgent = {one.id for one in waiting if one.priority < mine.priority}
    ahead_before = set(ids(before)[: ids(before).index(mine.id)]) & urgent
    ahead_after = set(ids(after)[: ids(after).index(mine.id)]) & urgent
    assert ahead_before <= ahead_after


@given(queues(), STEPS, ALL, ALL, NOW, st.data())
def test_a_switch_keeps_the_neighbour(
    waiting: list[Request],
    steps: int,
    policy: Policy,
    other: Policy,
    now: float,
    data: st.DataObject,
) -> None:
    """Under any other policy, too, the request stands next to the one that it passed last."""
    waiting = [one.with_manual(None) for one in waiting]
    assume(len({one.arrival_seconds for one in waiting}) == len(waiting))
    mine = data.draw(st.sampled_from(waiting))
    try:
        moved = move_up(waiting, mine.id, steps, policy, now)
    except NoSuchMove:
        return
    place = moved.request.manual
    assert place is not None
    (anchor,) = [one for one in waiting if one.arrival_seconds == place.arrival_seconds]
    after = ids(rank(after_move(waiting, moved.request), other, now))
    side = -1 if moved.steps_up > 0 else 1
    assert after[after.index(anchor.id) + side] == mine.id


def request(name: str, priority: int, arrival: float) -> Request:
    return Request(
        id=name,
        arrival_seconds=arrival,
        priority=priority,
        prompt_tokens=1,
        predicted_tokens=10,
    )


def test_what_cannot_move_says_why() -> None:
    waiting = [request("a", 2, 1.0), request("b", 0, 2.0), request("c", 2, 3.0)]
    with pytest.raises(NoSuchMove, match="first one of its level"):
        move_up(waiting, "a", 1, POLICIES["semantic"], 0.0)
    with pytest.raises(NoSuchMove, match="1 more urgent case stands between"):
        move_up(waiting, "c", 1, POLICIES["fcfs"], 0.0)
    with pytest.raises(NoSuchMove, match="does not wait"):
        move_up(waiting, "x", 1, POLICIES["fcfs"], 0.0)


def test_many_moves_to_one_place_keep_the_order_of_the_moves() -> None:
    waiting = [request(name, 3, float(at)) for at, name in enumerate("abcdef")]
    policy = POLICIES["pjf"]
    for name, steps, expected in (
        ("f", 5, "fabcde"),
        ("e", 4, "feabcd"),
        ("d", 4, "fdeabc"),
        ("f", -2, "defabc"),
        ("c", 5, "cdefab"),
    ):
        moved = move_up(waiting, name, steps, policy, 0.0)
        waiting = after_move(waiting, moved.request)
        assert "".join(ids(rank(waiting, policy, 0.0))) == expected
