"""A person moves a waiting request within its level, in the order of any policy. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scheduling.core.policies import KeyFunction, rank
from scheduling.core.request import ManualPlace, Request


class NoSuchMove(ValueError):
    """The request cannot move so; the message says why, in words for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The request at its new place, and by how many requests of its level it went up."""

    request: Request
    steps_up: int


def move_up(
    waiting: Sequence[Request], request_id: str, steps: int, policy: KeyFunction, now: float
) -> Moved:
    """Moves a request up by `steps` requests of its level; down if `steps` is below 0.

    It takes the values of the request that it passes last, so it stands next to it under every
    policy until one of them ends. Where that is fewer steps than asked, it goes as far as its
    level goes. Raises NoSuchMove if it is first or last already, or if a request of another
    level stands between: a manual place never puts a request above a more urgent one.
    """
    order = rank(waiting, policy, now)
    mine = next((request for request in order if request.id == request_id), None)
    if mine is None:
        raise NoSuchMove("The case does not wait in the queue")
    level = [request for request in order if request.priority == mine.priority]
    at = level.index(mine)
    to = min(len(level) - 1, max(0, at - steps))
    if to == at:
        end = "first" if steps > 0 else "last"
        raise NoSuchMove(f"The case is the {end} one of its level already")
    moved = _beside(mine, [each for each in level if each is not mine], to, is_up=to < at)
    after = rank([moved if each is mine else each for each in order], policy, now)
    _check_levels(order.index(mine), after.index(moved), after, moved)
    now_at = [each for each in after if each.priority == mine.priority].index(moved)
    return Moved(request=moved, steps_up=at - now_at)


def _check_levels(before: int, at: int, after: Sequence[Request], moved: Request) -> None:
    if at < before:
        wrong = sum(each.priority < moved.priority for each in after[at + 1 : before + 1])
        kind = "more urgent"
    else:
        wrong = sum(each.priority > moved.priority for each in after[before:at])
        kind = "less urgent"
    if wrong:
        stand = "case stands" if wrong == 1 else "cases stand"
        raise NoSuchMove(f"{wrong} {kind} {stand} between. Change the level instead")


def _beside(mine: Request, others: Sequence[Request], to: int, *, is_up: bool) -> Request:
    """Returns `mine` between `others[to - 1]` and `others[to]`, beside the one that it passes.

    `others` are the rest of its level, in order. Requests that are equal in everything but the
    id cannot be separated: then it passes all of them.
    """
    anchor, beyond = (to, to - 1) if is_up else (to - 1, to)
    arrival, tokens, due, first = values = _values(others[anchor])
    nudge = others[anchor].nudge + (-1.0 if is_up else 1.0)
    if 0 <= beyond < len(others) and _values(others[beyond]) == values:
        nudge = _between(others[anchor].nudge, others[beyond].nudge, nudge)
    place = ManualPlace(
        arrival_seconds=arrival, tokens=tokens, due_seconds=due, nudge=nudge, first_in_level=first
    )
    return mine.with_manual(place)


def _between(one: float, two: float, otherwise: float) -> float:
    """Returns a number between two that differ; `otherwise` if there is none."""
    middle = (one + two) / 2
    return middle if middle not in (one, two) else otherwise


def _values(request: Request) -> tuple[float, int, float, bool]:
    shown = request.as_sorted
    return (
        shown.arrival_seconds, shown.remaining_tokens, shown.due_seconds, shown.first_in_level
    )  # fmt: skip
