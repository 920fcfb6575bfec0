"""The worker loop between the semantic queue and an engine.

One thread runs the loop and owns the engine. The loop fills free slots with the best
waiting jobs, preempts the worst job for a more urgent level, publishes tokens as they come
and stores each result once. It never claims more jobs than the engine has slots. All other
jobs wait in Redis, so that all workers and pages share one order.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from threading import Event as Flag

import redis
import structlog
from django.db import DatabaseError

from llm_worker.engine.protocol import (
    Engine,
    EngineFailed,
    Event,
    Failed,
    Finished,
    TokensOut,
)
from llm_worker.worker.pending_results import HeldJob, PendingResults
from llm_worker.worker.slots import Options, Slots
from scheduling import connection, selectors, services
from scheduling.models import Job
from scheduling.queue import events

log = structlog.get_logger(__name__)

STORE_ERRORS = (redis.RedisError, DatabaseError, OSError)
MAX_ENGINE_FAILURES = 5  # consecutive, without a finished answer; then the process ends


class TooManyEngineFailures(RuntimeError):
    """The engine failed too many times in a row. The process must end and start again."""


class GuidanceWorker:
    """Runs one engine until it is stopped."""

    def __init__(
        self,
        engine: Engine,
        *,
        name: str,
        options: Options,
        clock: Callable[[], float],
        doorbell: Flag,
    ) -> None:
        self._engine = engine
        self._name = name
        self._options = options
        self._clock = clock
        self._doorbell = doorbell
        self._pending = PendingResults(connection.client, clock)
        self._slots = Slots(engine, self._pending, worker_name=name, options=options, clock=clock)
        self._next: dict[str, float] = {}
        self._num_failures = 0
        self._restart_at = 0.0
        self._full_batch_rate = 0.0

    def start(self) -> None:
        self._engine.start()

    def stop(self) -> None:
        """Warm shutdown: stores ended answers and releases all other jobs with their progress."""
        for _ in range(2):  # an answer may end while others are released
            for event in self._engine.events(0):
                self._handle(event)
            self._publish()
            for held in self._slots:
                self._try_store(partial(self._slots.release, held.request.id, "worker stopped"))
        self._engine.stop()
        self._try_store(lambda: events.set_worker_state(connection.client(), self._name, None))

    def run(self, stop: Flag) -> None:
        """Serves until `stop` is set. Raises TooManyEngineFailures."""
        self.start()
        try:
            while not stop.is_set():
                self.tick(0.05)
        finally:
            self.stop()

    def tick(self, timeout_seconds: float) -> None:
        """One round: handles the engine's events, then updates slots, leases and figures."""
        if not self._engine.alive():
            self._doorbell.wait(timeout_seconds)
        for event in self._engine.events(timeout_seconds if len(self._slots) else 0):
            self._handle(event)
        self._publish()
        if not len(self._slots):
            self._doorbell.wait(timeout_seconds)
        doorbell_rang = self._doorbell.is_set()
        self._doorbell.clear()
        self._try_store(lambda: self._maintain(doorbell_rang))

    def _maintain(self, doorbell_rang: bool) -> None:
        now = self._clock()
        if not self._engine.alive():
            self._restart_engine(now)
            return
        if self._due("renew", self._options.lease_seconds / 3, now):
            self._slots.renew_leases()
        if self._due("sync", self._options.sync_seconds, now) or doorbell_rang:
            self._sync()
            self._slots.fill()
        elif self._slots.num_free() > 0 and self._due("claim", 0.1, now):
            self._slots.fill()
        if self._due("state", self._options.state_seconds, now):
            self._report()

    # -- events of the engine

    def _handle(self, event: Event) -> None:
        if isinstance(event, EngineFailed):
            self._on_engine_failure(event.reason)
            return
        held = self._slots.get(event.id)
        if held is None:
            return
        if isinstance(event, TokensOut):
            self._on_tokens(held, event)
        elif isinstance(event, Finished):
            self._on_finished(held, event)
        elif isinstance(event, Failed):
            self._pending.failed(held, event.reason)

    def _on_tokens(self, held: HeldJob, event: TokensOut) -> None:
        held.num_generated = event.num_generated
        held.request = held.request.with_progress(event.num_generated)
        if not held.first_token_seen:
            held.first_token_seen = True
            self._try_store(
                lambda: services.record_first_token(held.job_id, token=held.token, now=self._now())
            )
        shown = held.guard.feed(event.text_delta)
        if shown:
            held.unsent.append(shown)
        if held.guard.fault:
            self._engine.cancel(held.request.id)
            self._pending.withheld(held, held.num_generated)

    def _on_finished(self, held: HeldJob, event: Finished) -> None:
        self._num_failures = 0
        num_tokens = len(event.token_ids)
        # The engine's final text is the record; the stream may lack its last characters.
        held.guard.text = event.text
        rest = held.guard.finish()
        if held.guard.fault:
            self._pending.withheld(held, num_tokens)
            return
        if rest:
            held.unsent.append(rest)
        self._pending.done(held, event.text, num_tokens, event.reason)

    def _publish(self) -> None:
        """Sends tokens to the pages and results to SQL. The next round retries what failed."""
        for held in self._slots:
            if held.request.id not in self._pending:
                self._try_store(partial(self._pending.send, held))
        for job_id in self._pending.job_ids():
            if self._try_store(partial(self._pending.store, job_id)):
                self._slots.remove(job_id)
                self._doorbell.set()  # a slot became free

    # -- changes in SQL

    def _sync(self) -> None:
        """Applies changes by users: the policy, priorities, cancelled cases."""
        policy = selectors.active_policy()
        if policy is not self._slots.policy:
            self._slots.set_policy(policy)
        job_ids = [held.request.id for held in self._slots]
        if job_ids:
            jobs = Job.objects.filter(id__in=job_ids)
            self._slots.apply_changes({str(job.id): job for job in jobs})

    # -- engine failures and figures

    def _on_engine_failure(self, reason: str) -> None:
        self._num_failures += 1
        self._restart_at = self._clock() + min(30.0, 0.5 * 2.0**self._num_failures)
        log.error("engine_failed", failures_in_a_row=self._num_failures, reason=reason[:200])

    def _restart_engine(self, now: float) -> None:
        self._slots.release_all("the engine stopped")
        if self._num_failures >= MAX_ENGINE_FAILURES:
            raise TooManyEngineFailures(f"the engine failed {self._num_failures} times in a row")
        if now >= self._restart_at:
            self._engine.start()
            self._slots.policy = None  # the next sync sets the policy of the new engine

    def _report(self) -> None:
        stats = self._engine.stats()
        used = stats["slots_used"]
        if used:
            rate = stats["tokens_per_second"] * self._engine.num_slots / used
            self._full_batch_rate = (
                0.8 * self._full_batch_rate + 0.2 * rate if self._full_batch_rate else rate
            )
        state = {
            "slots": float(self._engine.num_slots),
            "slots_used": float(len(self._slots)),
            "tokens_per_second": stats["tokens_per_second"],
            "tokens_per_second_full": self._full_batch_rate,
            "kv_blocks": stats["kv_blocks_total"],
            "kv_blocks_used": stats["kv_blocks_used"],
            "tokens": stats["tokens"],
            "at": self._clock(),
        }
        events.set_worker_state(connection.client(), self._name, state)

    def _due(self, what: str, every_seconds: float, now: float) -> bool:
        if now < self._next.get(what, 0.0):
            return False
        self._next[what] = now + every_seconds
        return True

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def _try_store(self, action: Callable[[], object]) -> bool:
        """Runs `action`. Returns false when Redis or SQL is unreachable: the next round retries."""
        try:
            action()
        except STORE_ERRORS as error:
            log.warning("store_unreachable", error=type(error).__name__)
            return False
        return True
