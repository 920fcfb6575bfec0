"""Performs the due steps of claims, one call each, until a claim has to wait for something."""

from __future__ import annotations

from collections.abc import Callable

from llm_worker.worker import claims
from llm_worker.worker.claims import Outcome, Reply, Step
from llm_worker.worker.endings import failure
from llm_worker.worker.guarded_engine import GuardedEngine
from llm_worker.worker.held import Held, HeldClaims
from llm_worker.worker.options import Options
from llm_worker.worker.outages import Answer, Outages
from llm_worker.worker.stores import Stores
from scheduling.claimed import Standing
from scheduling.core.status import JobStatus

_DONE = Reply(outcome=Outcome.OK)


class Performer:
    """Performs steps. Never raises an error of a store or of the engine."""

    def __init__(
        self,
        held_claims: HeldClaims,
        engine: GuardedEngine,
        stores: Stores,
        outages: Outages,
        options: Options,
        clock: Callable[[], float],
    ) -> None:
        self._held_claims, self._engine, self._stores = held_claims, engine, stores
        self._outages, self._options, self._clock = outages, options, clock
        self.policy_name = ""
        self.num_tokens_again = 0  # of resumed requests
        self._perform: dict[Step, Callable[[Held], Reply]] = {
            Step.START: self._start,
            Step.ADD: self._add,
            Step.MARK: lambda held: _reply(self._outages.ask(self._stores.mark, held.claim)),
            Step.SEND: self._send,
            Step.STORE: lambda held: _judged(self._outages.ask(self._stores.store, held.claim)),
            Step.FINISH: lambda held: _reply(self._outages.ask(self._stores.finish, held.claim)),
            Step.GIVE_BACK: self._give_back,
            Step.RELEASE: lambda held: _reply(self._outages.ask(self._stores.release, held.claim)),
        }

    def advance_all(self) -> None:
        for held in self._held_claims:
            held.cut()
            self.advance(held)
            limit = self._options.store_limit_seconds
            held.claim = claims.dropped(held.claim, self._clock(), limit_seconds=limit)
        self._held_claims.sweep()

    def advance(self, held: Held) -> None:
        while (step := claims.due(held.claim)) is not None:
            reply = self._perform[step](held)
            held.claim = claims.after(
                held.claim,
                reply,
                self._clock(),
                limit_seconds=self._options.store_limit_seconds,
                sql_ok_at=self._outages.ok_at["sql"],
            )
            # Storing does not wait for the stream, and a return does not wait for the engine.
            if reply.outcome is Outcome.AWAY and claims.due(held.claim) in (step, None):
                return

    def _start(self, held: Held) -> Reply:
        answer = self._outages.ask(self._stores.start, held.claim, self.policy_name)
        if answer.value is None:
            return Reply(outcome=answer.outcome)
        standing, job = answer.value
        if job is None:
            return Reply(outcome=Outcome.REFUSED, status=standing.status)
        held.begin(job, self._options.max_new_tokens, self._options.check)
        return _DONE

    def _add(self, held: Held) -> Reply:
        if held.job is None:
            return Reply(outcome=Outcome.BROKEN)
        older = self._held_claims.in_engine(held.id)
        if older is not None:  # returned and claimed again before this worker knew
            older.claim = claims.voided(older.claim, JobStatus.RUNNING)
        reply = self._engine.add(held.job)
        if reply.outcome is Outcome.OK and held.job.prefix_token_ids:
            # A resumed request computes the KV cache of prompt and progress again.
            self.num_tokens_again += held.job.request.context_tokens
        return reply

    def _send(self, held: Held) -> Reply:
        if not held.claim.unsent:
            return _DONE
        return _reply(self._outages.ask(self._stores.send, held.claim))

    def _give_back(self, held: Held) -> Reply:
        answer = self._outages.ask(self._stores.give_back, held.claim)
        standing, progress = answer.value, held.claim.progress
        if standing and standing.status is JobStatus.FAILED and progress is not None:
            # One failed attempt too many: it ends here.
            ending = failure(progress.failure)
            return Reply(outcome=Outcome.REFUSED, status=JobStatus.FAILED, ending=ending)
        return _judged(answer)


def _reply(answer: Answer[bool] | Answer[None]) -> Reply:
    if answer.outcome is Outcome.OK and answer.value is False:
        return Reply(outcome=Outcome.REFUSED)
    return Reply(outcome=answer.outcome)


def _judged(answer: Answer[Standing]) -> Reply:
    if answer.value is None or answer.value.done:
        return Reply(outcome=answer.outcome)
    return Reply(outcome=Outcome.REFUSED, status=answer.value.status)
