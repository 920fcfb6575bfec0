"""Admission: claims the best waiting jobs and preempts the worst for a more urgent one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from llm_worker.worker import claims
from llm_worker.worker.claims import Claim, Outcome
from llm_worker.worker.endings import Progress
from llm_worker.worker.guarded_engine import GuardedEngine
from llm_worker.worker.health import Health
from llm_worker.worker.held import Held, HeldClaims
from llm_worker.worker.options import Options
from llm_worker.worker.outages import Outages
from llm_worker.worker.performing import Performer
from llm_worker.worker.stores import Stores
from scheduling.core.policies import Policy, Preemption, may_preempt, order
from scheduling.core.request import Request

OVERTAKEN: Final = "a better case came before it began"


class Admission:
    """A claim takes a slot while the engine has it or is about to get it, and not longer."""

    def __init__(
        self,
        held_claims: HeldClaims,
        engine: GuardedEngine,
        stores: Stores,
        outages: Outages,
        performer: Performer,
        health: Health,
        options: Options,
        clock: Callable[[], float],
        new_token: Callable[[], str],
    ) -> None:
        self._held_claims, self._engine, self._stores = held_claims, engine, stores
        self._outages, self._performer, self._health = outages, performer, health
        self._options, self._clock, self._new_token = options, clock, new_token
        self._unanswered: str | None = None  # the token of a grant whose answer did not come
        self.policy: Policy | None = None
        self.num_preempted = 0

    def num_free(self) -> int:
        """Below zero where a new policy uses fewer slots than are taken.

        An engine may want a few requests more than it has slots; they follow those in the slots.
        """
        num_slots = self._engine.num_slots + self._engine.num_ahead
        if self.policy is not None and self.policy.max_running is not None:
            num_slots = min(num_slots, self.policy.max_running)
        if self._health.is_solo(self._clock()):
            num_slots = min(num_slots, 1)
        return num_slots - self._held_claims.num_slots_taken()

    def take(self) -> None:
        """Fills free slots; then lets more urgent levels take the worst ones."""
        if self.policy is None:
            return
        while self._engine.alive() and (free := self.num_free()) > 0:
            if not self._grant(free):
                return
        while self._engine.alive() and self._preempt_one(self.policy):
            self._grant(1)

    def set_policy(self, policy: Policy) -> None:
        """Gives slots back that a policy with fewer of them does not use."""
        self.policy = policy
        self._performer.policy_name = policy.name
        self._engine.set_policy(policy, self._options.preemption)
        while self.num_free() < 0 and (running := self._held_claims.running()):
            if not self.give_back(self._worst(running, policy), "preempted"):
                return

    def give_back(self, held: Held, why: str, by: str = "") -> bool:
        """Takes a claim out of the engine, with its progress; false when it has just ended.

        `by` is the id of the request that takes its slot.
        """
        released = self._engine.release(held.id)
        if released is None:
            return False
        held.token_ids, held.text = released.token_ids, released.text
        held.claim = claims.returning(held.claim, held.progress(why, by=by))
        self._performer.advance(held)
        return True

    def _grant(self, num: int) -> int:
        repeated = self._unanswered is not None
        token = self._unanswered or self._new_token()
        lease_until = self._clock() + self._options.lease_seconds
        answer = self._outages.ask(self._stores.grant, num, token, repeated)
        if answer.value is None:
            # It may have come through: the same token asks for what it took.
            self._unanswered = token if answer.outcome is Outcome.AWAY else None
            return 0
        self._unanswered = None
        if repeated and not answer.value:
            return self._grant(num)
        claims_now = [Claim(request=r, token=token, lease_until=lease_until) for r in answer.value]
        return self._begin([self._held_claims.add(claim) for claim in claims_now])

    def _begin(self, granted: list[Held]) -> int:
        """Starts what was granted. While the engine is in doubt, jobs that it has not failed yet
        take the place of those that it has."""
        avoided = self._health.avoided if self._health.is_in_doubt else set()
        failed = [held for held in granted if held.id in avoided]
        if failed and self._grant(len(failed)):
            for held in failed:
                held.claim = claims.returning(held.claim, Progress(why="others first"))
        elif failed:
            avoided.clear()  # there are no others
        for held in granted:
            self._performer.advance(held)
        return len(granted)

    def _preempt_one(self, policy: Policy) -> bool:
        """Frees the worst slot if what waits first may have it.

        What has no slot of the engine yet loses nothing, so that any better request goes first.
        """
        running = self._held_claims.running()
        if not running or self.num_free() > 0:
            return False
        head = self._outages.ask(self._stores.head).value
        waiting = self._engine.waiting() if self._engine.num_ahead else frozenset()
        if head is None or (self._health.is_in_doubt and head.id in self._health.avoided):
            return False
        last = [held for held in running if held.id in waiting]
        if self._may_take(head, last, policy, Preemption.KEY):
            return self.give_back(self._worst(last, policy), OVERTAKEN, by=head.id)
        if not self._may_take(head, running, policy, self._options.preemption):
            return False
        self.num_preempted += 1
        return self.give_back(self._worst(running, policy), "preempted", by=head.id)

    def _may_take(self, head: Request, of: list[Held], policy: Policy, mode: Preemption) -> bool:
        if not of:
            return False
        worst = self._worst(of, policy).claim.request
        return may_preempt(head, worst, policy, self._clock(), mode)

    def _worst(self, running: list[Held], policy: Policy) -> Held:
        now = self._clock()
        return max(running, key=lambda held: order(held.claim.request, policy, now))
