"""The worker loop between the semantic queue and an engine.

One thread owns the engine and everything here. A tick reads the engine's events, performs the
due step of each claim, takes over what people changed in SQL, claims what waits, and reports.
The loop holds no more jobs than the engine has slots, or a few more where the engine asks for
them (`num_ahead`), so the order of what waits stays in Redis, where every worker and every page
sees the same one. The few are given back as soon as a better job waits.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from threading import Event as Flag

import structlog

from llm_worker.engine.protocol import Engine, EngineFailed, Event, Failed, Finished, TokensOut
from llm_worker.worker import claims
from llm_worker.worker.admission import Admission
from llm_worker.worker.claims import State
from llm_worker.worker.endings import Progress
from llm_worker.worker.guarded_engine import GuardedEngine
from llm_worker.worker.health import Health
from llm_worker.worker.held import Held, HeldClaims
from llm_worker.worker.options import Options
from llm_worker.worker.outages import Outages
from llm_worker.worker.performing import Performer
from llm_worker.worker.stores import Row, Stores
from scheduling.core.status import JobStatus

log = structlog.get_logger(__name__)

_NUM_STOP_ROUNDS = 40
_RECYCLE_SECONDS = 60.0  # a connection to the database is not used for longer


class GuidanceWorker:
    """Runs jobs on one engine until it is stopped."""

    def __init__(
        self,
        engine: Engine,
        stores: Stores,
        *,
        options: Options,
        clock: Callable[[], float],
        doorbell: Flag,
        new_token: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self._engine = GuardedEngine(engine)
        self._stores, self._options = stores, options
        self._clock, self._doorbell = clock, doorbell
        self._outages = Outages(clock, options.retry_seconds)
        self._held_claims = HeldClaims()
        self._health = Health(self._engine, options)
        parts = (self._held_claims, self._engine, stores, self._outages)
        self._performer = Performer(*parts, options, clock)
        shared = (*parts, self._performer, self._health)
        self._admission = Admission(*shared, options, clock, new_token)
        self._done_at: dict[str, float] = {}
        self._is_in_step = False  # the last look at SQL succeeded
        self._is_paused = True  # nothing that waits may start, as far as SQL said
        self._full_rate = 0.0

    def start(self) -> None:
        self._health.start()

    def stop(self) -> None:
        """Warm shutdown: stores finished answers and returns the other jobs."""
        pause = Flag()
        for _ in range(_NUM_STOP_ROUNDS):
            self._read_events(0)
            self._return_all("worker stopped")
            self._performer.advance_all()
            if not len(self._held_claims):
                break
            pause.wait(0.05)
        self._engine.stop()
        self._outages.ask(self._stores.beat, None, "")

    def run(self, stop: Flag) -> None:
        """Serves until `stop` is set. Raises TooManyEngineFailures."""
        self.start()
        try:
            while not stop.is_set():
                self.tick(0.05)
        finally:
            self.stop()

    def tick(self, timeout_seconds: float) -> None:
        """One round of the loop. Waits up to `timeout_seconds` for an event or the doorbell."""
        if self._outages.is_failing("sql") or self._is_due("recycle", _RECYCLE_SECONDS):
            self._outages.ask(self._stores.recycle)
        is_alive, num_taken = self._engine.alive(), self._held_claims.num_slots_taken()
        self._read_events(timeout_seconds if is_alive and num_taken else 0)
        if not is_alive or not num_taken:
            self._doorbell.wait(timeout_seconds)
        rung = self._doorbell.is_set()
        self._doorbell.clear()
        self._performer.advance_all()
        if self._is_due("renew", self._options.lease_seconds / 3):
            self._renew()
        if self._engine.alive():
            has_freed = self._held_claims.num_slots_taken() < num_taken
            self._serve(rung=rung or has_freed)
        else:
            self._revive()
        if self._is_due("state", self._options.state_seconds):
            self._outages.ask(self._stores.beat, self._figures(), self._health.problem)

    def _serve(self, *, rung: bool) -> None:
        if self._is_due("sync", self._options.sync_seconds) or rung:
            self._is_in_step = self._sync()
        elif not self._is_due("claim", self._options.claim_seconds):
            return
        can_work = self._is_in_step and self._health.can_work(self._clock())
        if can_work and not self._is_paused:
            self._admission.take()

    # -- events of the engine

    def _read_events(self, timeout_seconds: float) -> None:
        events = self._engine.events(timeout_seconds)
        running = {held.id: held for held in self._held_claims.running()} if events else {}
        for event in events:
            if isinstance(event, EngineFailed):
                self._health.engine_failed(running, event.reason, self._clock())
            elif (held := running.get(event.id)) is not None:
                self._handle(held, event)

    def _handle(self, held: Held, event: Event) -> None:
        if isinstance(event, TokensOut):
            if held.take_tokens(event, self._clock()):
                self._engine.cancel(held.id)
        elif isinstance(event, Finished):
            self._health.finished()
            held.take_end(event)
        elif isinstance(event, Failed):
            self._on_failed(held, event.reason)

    def _on_failed(self, held: Held, reason: str) -> None:
        """Counts a failed attempt only if the engine works; else the job just waits again."""
        failure = reason if self._health.answer_failed(held.id, reason, self._clock()) else ""
        held.claim = claims.returning(held.claim, held.progress("engine failed", failure))

    # -- in step with the stores

    def _renew(self) -> None:
        mine = [held for held in self._held_claims if held.claim.state in claims.RENEWED]
        if not mine:
            return
        until = self._clock() + self._options.lease_seconds
        answer = self._outages.ask(self._stores.renew, {h.id: h.claim.token for h in mine})
        if answer.value is None:
            self._done_at.pop("renew", None)  # at the next tick that may ask
            return
        for held in mine:
            if held.id not in answer.value:
                held.claim = replace(held.claim, lease_until=until)
            elif held.claim.state is State.IN_ENGINE:
                self._admission.give_back(held, "lease lost")

    def _sync(self) -> bool:
        """Applies changes in SQL: policy, pause, priorities, cancelled cases.

        Returns False on failure.
        """
        policy = self._outages.ask(self._stores.policy).value
        paused = self._outages.ask(self._stores.paused).value
        if policy is None or paused is None:
            return False
        self._is_paused = paused
        if policy is not self._admission.policy:
            self._admission.set_policy(policy)
        running = self._held_claims.running()
        if not running:
            return True
        rows = self._outages.ask(self._stores.rows, [held.id for held in running]).value
        for held in running if rows is not None else ():
            self._follow(held, rows.get(held.id) if rows else None)
        return rows is not None

    def _follow(self, held: Held, row: Row | None) -> None:
        claim = held.claim
        if row is None or row.status is not JobStatus.RUNNING or row.token != claim.token:
            self._engine.cancel(held.id)
            held.claim = claims.voided(claim, None if row is None else row.status)
        elif not self._engine.holds(held.id):
            log.error("engine_lost_a_request", job=held.id)
            held.claim = claims.returning(claim, held.progress("engine stopped"))
        elif row.request is not None:
            request = row.request.with_progress(claim.request.generated_tokens)
            if request != claim.request:
                held.claim = replace(claim, request=request)
                self._engine.update(request)

    def _revive(self) -> None:
        """Returns all requests, and starts the engine again after a pause.

        A failure of an engine that can work counts as a failed attempt of a request that was alone.
        """
        running = self._held_claims.running()
        is_blamed = len(running) == 1 and not self._health.problem
        failure = "the engine stopped again and again while writing this" if is_blamed else ""
        for held in running:
            held.claim = claims.returning(held.claim, held.progress("engine stopped", failure))
        self._performer.advance_all()
        if self._health.may_restart(self._clock()):
            self.start()
            self._admission.policy = None  # a new engine has no policy yet
            self._done_at.pop("sync", None)

    def _return_all(self, why: str) -> None:
        for held in self._held_claims:
            if held.claim.state is State.IN_ENGINE:
                self._admission.give_back(held, why)
            elif held.claim.state in claims.TAKES_SLOT:
                held.claim = claims.returning(held.claim, Progress(why=why))

    def _figures(self) -> dict[str, float]:
        stats = self._engine.stats()
        rate, used = stats.get("tokens_per_second", 0.0), stats.get("slots_used", 0.0)
        taken = self._held_claims.num_slots_taken()
        if used:
            full = rate * self._engine.num_slots / used
            self._full_rate = 0.8 * self._full_rate + 0.2 * full if self._full_rate else full
        return {
            "slots": float(self._engine.num_slots),
            "slots_used": float(min(taken, self._engine.num_slots)),
            "tokens_per_second": rate,
            "tokens_per_second_full": self._full_rate,
            "kv_blocks": stats.get("kv_blocks_total", 0.0),
            "kv_blocks_used": stats.get("kv_blocks_used", 0.0),
            "tokens": stats.get("tokens", 0.0),
            "tokens_again": float(self._performer.num_tokens_again),
            "preemptions": float(self._admission.num_preempted),
            "at": self._clock(),
        }

    def _is_due(self, what: str, every_seconds: float) -> bool:
        now = self._clock()
        if now < self._done_at.get(what, float("-inf")) + every_seconds:
            return False
        self._done_at[what] = now
        return True
