"""All policies, and the one place that breaks ties.

A policy is a sort key: the smallest key goes first. To add a policy, write a function from a
`Request` to a tuple of numbers and add an entry to `_ALL`. The web pages, the Redis queue, the
engine and the simulator read that table.

A key must never grow as tokens are generated, so a running request can only rise in rank.
`Scheduler` relies on this: it does not compare a refused request again (see `Refusal`).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from scheduling.core.request import PRIORITIES, Request

Key = tuple[float, ...]
KeyFunction = Callable[[Request], Key]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A named sort key, callable on a request. It must not grow with `generated_tokens`.

    With `bounded_wait`, level 0 goes first, then requests past their deadline (earliest
    deadline first), then all others by key. `max_running` limits the number of used slots.
    """

    name: str
    key: KeyFunction
    title: str
    description: str  # one sentence for staff
    good_for: str = ""
    bad_for: str = ""
    bounded_wait: bool = False
    max_running: int | None = None

    def __call__(self, request: Request) -> Key:
        return self.key(request)

    @property
    def ignores_urgency(self) -> bool:
        """Whether two requests that differ in the level alone are equal to this policy."""
        same = self.key(_example(PRIORITIES[0], 1)) == self.key(_example(PRIORITIES[-1], 1))
        return same and not self.bounded_wait

    @property
    def ignores_length(self) -> bool:
        """Whether two requests that differ in the predicted length alone are equal to it."""
        return self.key(_example(PRIORITIES[0], 1)) == self.key(_example(PRIORITIES[0], 2))


def _example(priority: int, predicted_tokens: int) -> Request:
    return Request(
        id="x",
        arrival_seconds=0.0,
        priority=priority,
        prompt_tokens=1,
        predicted_tokens=predicted_tokens,
    )


class Preemption(StrEnum):
    """When a waiting request may take the slot of a running one that ranks after it."""

    LEVEL = "level"  # only if its level is more urgent
    KEY = "key"  # if it ranks before the running one
    NEVER = "never"


def _arrival_only(request: Request) -> Key:
    return ()


def _shortest(request: Request) -> Key:
    return (request.remaining_tokens,)


def _most_urgent(request: Request) -> Key:
    return (request.priority, int(not request.first_in_level))


def _most_urgent_then_shortest(request: Request) -> Key:
    return (*_most_urgent(request), request.remaining_tokens)


_ALL: Final = (
    Policy(
        name="semantic",
        key=_most_urgent_then_shortest,
        title="Semantic",
        description=(
            "Most urgent level first; within a level, cases that were not understood, then the "
            "shortest expected answer first."
        ),
        good_for="Urgent patients, always.",
        bad_for="Level 3 and 4 in a long surge.",
    ),
    Policy(
        name="semantic_due",
        key=_most_urgent_then_shortest,
        title="Semantic with deadlines",
        description=(
            "Level 0 first, always; then cases whose deadline has passed, longest overdue "
            "first; then most urgent level, and in it cases that were not understood, then the "
            "shortest expected answer."
        ),
        bounded_wait=True,
        good_for="Urgent patients, and no one waits without end.",
        bad_for="Level 1 in a surge.",
    ),
    Policy(
        name="pjf",
        key=_most_urgent,
        title="Priority first",
        description=(
            "Most urgent level first; within a level, cases that were not understood, then first "
            "come, first served."
        ),
        good_for="Urgent patients; fair within a level.",
        bad_for="The mean wait: long answers go first.",
    ),
    Policy(
        name="sjf",
        key=_shortest,
        title="Shortest first",
        description="The shortest expected answer first, whatever the urgency.",
        good_for="The mean wait of all.",
        bad_for="Urgent patients, and whoever has a long answer.",
    ),
    Policy(
        name="fcfs",
        key=_arrival_only,
        title="First come",
        description="First come, first served, whatever the urgency.",
        good_for="Fairness by arrival.",
        bad_for="Urgent patients who arrive late.",
    ),
    Policy(
        name="serial",
        key=_arrival_only,
        title="One at a time",
        description="First come, first served, one case at a time: no batching, for comparison.",
        max_running=1,
        good_for="A baseline for comparison.",
        bad_for="Everyone: slots stay empty.",
    ),
)

POLICIES: Final[Mapping[str, Policy]] = MappingProxyType({policy.name: policy for policy in _ALL})

Order = tuple[float | str, ...]


def order(request: Request, policy: KeyFunction, now: float) -> Order:
    """Returns the sort key of the total order at `now` (seconds); the smallest goes first.

    `policy` is a `Policy` or a plain key function. A plain function has no bounded wait.
    """
    band, due = 0, 0.0
    if getattr(policy, "bounded_wait", False):
        band, due = _band(request, now)
    return (band, due, *order_by_key(request, policy))


def order_by_key(request: Request, policy: KeyFunction) -> Order:
    """Returns the order without deadlines: key, then arrival, nudge and id.

    Every policy sees a request that a person moved with the values of its manual place.
    """
    if request.manual is None:
        return (*policy(request), request.arrival_seconds, 0.0, request.id)
    shown = request.as_sorted
    return (*policy(shown), shown.arrival_seconds, request.manual.nudge, request.id)


def _band(request: Request, now: float) -> tuple[int, float]:
    if request.priority == 0:
        return 0, 0.0
    if (due := request.sorted_due_seconds) <= now:
        return 1, due
    return 2, 0.0


def rank(requests: Iterable[Request], policy: KeyFunction, now: float) -> list[Request]:
    """Returns the requests in the order in which `policy` serves them at `now` (seconds)."""
    return sorted(requests, key=lambda request: order(request, policy, now))


def may_preempt(
    waiting: Request, running: Request, policy: KeyFunction, now: float, mode: Preemption
) -> bool:
    """True if `waiting` may take the slot of `running`."""
    if mode is Preemption.NEVER:
        return False
    if mode is Preemption.LEVEL and waiting.priority >= running.priority:
        return False
    return order(waiting, policy, now) < order(running, policy, now)


_RADIX: Final = 2**24
_EXACT: Final = 2**53
_SIGN_BIT: Final = 1 << 63
_ALL_BITS: Final = (1 << 64) - 1


def queue_score(key: Key) -> float:
    """Returns one float that sorts like `key`, for a Redis sorted set.

    A key of one number is its own score. A longer key is read as digits of base 2**24: all
    parts must be whole numbers, all but the first in [0, 2**24). The score must stay below
    2**53, where floats are exact. Raises ValueError otherwise; nothing is rounded.
    """
    if not key:
        return 0.0
    if len(key) == 1:
        return float(key[0])
    score = 0
    for position, part in enumerate(key):
        if part != int(part) or part < 0 or (position and part >= _RADIX):
            raise ValueError(f"key {key}: part {position} is not a whole number in [0, 2**24)")
        score = score * _RADIX + int(part)
    if score >= _EXACT:
        raise ValueError(f"key {key}: too large to be held exactly")
    return float(score)


def number_token(number: float) -> str:
    """Returns sixteen hexadecimal digits whose byte order is the order of all finite floats."""
    (bits,) = struct.unpack(">Q", struct.pack(">d", number + 0.0))
    return f"{bits ^ (_ALL_BITS if bits & _SIGN_BIT else _SIGN_BIT):016x}"


def tie_token(request: Request) -> str:
    """Returns text whose byte order is that of (arrival, nudge, id), for requests of equal score.

    It starts with the IEEE 754 bits of both numbers in hexadecimal, so nothing is rounded. For
    numbers that are not negative, the order of the bits is the order of the numbers.
    """
    arrival = request.as_sorted.arrival_seconds + 0.0
    return f"{struct.pack('>d', arrival).hex()}{number_token(request.nudge)}:{request.id}"
