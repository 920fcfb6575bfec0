"""Which requests the server has, and which it should have. No clock, no connection.

The server runs as many requests as there are slots. A few more wait there, the best ones of
those that wait here, so that the server starts the next one in the step in which a slot becomes
free. Without them the slot stays empty until the end of an answer has come here and the next
request has gone there.

What waits at the server is never worse than what waits here, and stands there in our order: it
is withdrawn when a better request comes, and before any request that is to start at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scheduling.core.policies import Policy, Preemption, order
from scheduling.core.request import Request
from scheduling.core.scheduler import Batch, Scheduler

# How long a preempted request may write on until the server has taken the one in its place.
LEAVE_SECONDS: Final = 1.0
# A server that writes for so many looks beyond our slots has more slots than ours.
NUM_LOOKS: Final = 3
PAUSE_SECONDS: Final = 60.0  # then nothing is sent ahead
_EARLY_SECONDS: Final = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Request ids. `cancels` come before `posts`. `running` have a slot, as far as we know."""

    running: tuple[str, ...]
    posts: tuple[str, ...] = ()
    cancels: tuple[str, ...] = ()


@dataclass(slots=True)
class _Sent:
    at: float
    accepted_at: float | None = None  # the server has answered, without a token so far
    num_written: int = 0  # tokens since it was sent last
    num_looks: int = 0  # that found it writing beyond our slots


class Placing:
    """Gives slots of the server to requests. The caller sends and cancels as `place` says.

    `num_ahead` is how many requests may wait at the server. None may for a while once the server
    shows that it has more than `num_slots` slots: there nothing waits.
    """

    def __init__(
        self, *, policy: Policy, preemption: Preemption, num_slots: int, num_ahead: int
    ) -> None:
        self._policy = policy
        self._scheduler = Scheduler(policy=policy, num_slots=num_slots, preemption=preemption)
        self._num_ahead = num_ahead
        self._none_ahead_until = float("-inf")
        self._sent: dict[str, _Sent] = {}  # in the order in which they were sent
        self._leaving: set[str] = set()  # preempted, and writing on for a moment
        self._accepts_early = False  # the server answers before the first token

    def add(self, request: Request) -> None:
        self._scheduler.add(request)

    def remove(self, request_id: str) -> None:
        """Raises KeyError if it is not here."""
        self._scheduler.remove(request_id)
        self._sent.pop(request_id, None)
        self._leaving.discard(request_id)

    def update(self, request: Request) -> None:
        """Raises KeyError if it is not here."""
        self._scheduler.update(request)

    def set_policy(self, policy: Policy, preemption: Preemption) -> None:
        self._policy = policy
        self._scheduler.set_policy(policy, preemption)

    def has_slot(self, request_id: str) -> bool:
        return any(request.id == request_id for request in self._scheduler.running)

    # -- what the server shows

    def accepted(self, request_id: str, now: float) -> None:
        if (sent := self._sent.get(request_id)) is not None:
            sent.accepted_at = now

    def lost(self, request_id: str, now: float) -> None:
        """Its connection failed; it is being sent again."""
        self._leaving.discard(request_id)
        if self._sent.pop(request_id, None) is not None:
            self._sent[request_id] = _Sent(now)

    def wrote(self, request: Request, num_tokens: int, now: float) -> bool:
        """The server wrote `num_tokens` more; `request` has all of them.

        Returns whether something may have to be sent or cancelled for it.
        """
        sent = self._sent.get(request.id)
        if sent is None or not num_tokens:
            return False
        is_first = sent.num_written == 0
        if is_first and sent.accepted_at is not None:
            self._accepts_early = now - sent.accepted_at >= _EARLY_SECONDS
        sent.num_written += num_tokens
        self._scheduler.update(request)
        return is_first or not self.has_slot(request.id)

    def look(self, now: float) -> None:
        """To be called regularly, with time between two calls to read what has come.

        A request may write without a slot for a moment: the end of another one is not read yet.
        """
        for sent in (self._sent[name] for name in filter(self._writes, self._ahead())):
            sent.num_looks += 1
            if sent.num_looks >= NUM_LOOKS:
                self._none_ahead_until = now + PAUSE_SECONDS

    # -- the decision

    def place(self, now: float) -> Placement:
        """What to send and to cancel now, so that the best requests run or start next."""
        for request_id in filter(self._writes, self._ahead()):
            self._seat(request_id, now)
        batch = self._scheduler.schedule(now)
        posts = [name for name in batch.running if name not in self._sent]
        leaving = self._let_go(batch, len(posts), now)
        ahead, wanted = self._ahead(), self._wanted(now)
        kept = 0 if posts else _num_equal(ahead, wanted)
        cancels = (*ahead[kept:], *leaving)
        for name in cancels:
            del self._sent[name]
        self._leaving.difference_update(leaving)
        if not posts and self._may_send_ahead(batch.running):
            posts = wanted[kept : kept + 1]
        self._sent |= {name: _Sent(now) for name in posts}
        return Placement(running=batch.running, posts=tuple(posts), cancels=cancels)

    def _let_go(self, batch: Batch, num_posts: int, now: float) -> list[str]:
        """Those of the preempted that stop now: as many as the server has requests for.

        Each of the others writes on until the request in its place has arrived there.
        """
        self._leaving.update(name for name in batch.preempted if self._writes(name))
        self._leaving.difference_update(batch.running)
        num_under_way = 0
        if self._accepts_early:
            num_under_way = num_posts + sum(
                sent.accepted_at is None and now < sent.at + LEAVE_SECONDS
                for name in batch.running
                if (sent := self._sent.get(name)) is not None
            )
        ranked = sorted(
            (request for name in self._leaving if (request := self._scheduler.get(name))),
            key=lambda request: order(request, self._policy, now),
            reverse=True,
        )
        return [request.id for request in ranked[: max(0, len(ranked) - num_under_way)]]

    def _writes(self, request_id: str) -> bool:
        return request_id in self._sent and self._sent[request_id].num_written > 0

    def _ahead(self) -> list[str]:
        """Sent and without a slot."""
        others = {request.id for request in self._scheduler.running} | self._leaving
        return [name for name in self._sent if name not in others]

    def _wanted(self, now: float) -> list[str]:
        is_capped = self._policy.max_running is not None
        num = 0 if is_capped or now < self._none_ahead_until else self._num_ahead
        best = self._scheduler.best_waiting(num + len(self._leaving), now)
        return [request.id for request in best if request.id not in self._leaving][:num]

    def _may_send_ahead(self, running: Sequence[str]) -> bool:
        """Only when nothing on the way there could be overtaken."""
        ahead = self._ahead()
        if not all(map(self._writes, running)) or any(map(self._writes, ahead)):
            return False
        return all(self._sent[name].accepted_at is not None for name in ahead)

    def _seat(self, request_id: str, now: float) -> None:
        """The server has begun what waited there. It keeps that slot, whoever comes now."""
        running = self._scheduler.running
        if len(running) < self._scheduler.num_slots:
            self._scheduler.exchange(request_id, None)
            return
        idle = [one for one in running if not self._writes(one.id)]
        if idle:
            worst = max(idle, key=lambda one: order(one, self._policy, now))
            self._scheduler.exchange(request_id, worst.id)


def _num_equal(left: Sequence[str], right: Sequence[str]) -> int:
    """Length of the common beginning."""
    num = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        num += 1
    return num
