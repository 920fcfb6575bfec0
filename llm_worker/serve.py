"""The worker loop between the semantic queue and an engine.

One thread owns the engine and everything here. The loop fills free seats with the best
waiting jobs, gives the worst seat to a more urgent level, passes tokens on as they come
and stores each result once. It never holds more jobs than the engine has seats, so the
order of what waits stays in Redis, where every worker and every page sees the same one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from threading import Event as Flag

import redis
import structlog
from django.db import DatabaseError

from llm_worker.engine.protocol import (
    Engine,
    EngineDied,
    EngineJob,
    EngineNotRunning,
    Event,
    Failed,
    Finished,
    TokensOut,
)
from llm_worker.outbox import Held, Outbox
from llm_worker.streaming import GuardedText
from scheduling import connection, selectors, services
from scheduling.core.policies import Policy, Preemption, may_preempt, order
from scheduling.core.scheduler import NeverFits
from scheduling.core.status import JobStatus
from scheduling.models import Job
from scheduling.queue import events as live

log = structlog.get_logger(__name__)

_AWAY = (redis.RedisError, DatabaseError, OSError)
MAX_ENGINE_DEATHS = 5  # in a row, without one finished answer; then the process gives up


class EngineBeyondRepair(RuntimeError):
    """The engine died too often in a row; the process should end and be started anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Times in seconds."""

    lease_seconds: float
    preemption: Preemption
    max_new_tokens: int
    model_name: str
    sync_seconds: float = 0.5
    state_seconds: float = 1.0


class GuidanceWorker:
    """Serves one engine until told to stop."""

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
        self._held: dict[str, Held] = {}
        self._outbox = Outbox(connection.client)
        self._next: dict[str, float] = {}
        self._policy: Policy | None = None
        self._num_deaths = 0
        self._restart_at = 0.0
        self._full_rate = 0.0

    def start(self) -> None:
        self._engine.start()

    def stop(self) -> None:
        """Warm shutdown: what is written is stored, the rest goes back with its progress."""
        for _ in range(2):  # an answer may end while the others go back
            for event in self._engine.events(0):
                self._handle(event)
            self._hand_over()
            for job_id in list(self._held):
                self._guarded(partial(self._give_back, job_id, "worker stopped"))
        self._engine.stop()
        self._guarded(lambda: live.set_worker_state(connection.client(), self._name, None))

    def run(self, stop: Flag) -> None:
        """Serves until `stop` is set. Raises EngineBeyondRepair."""
        self.start()
        try:
            while not stop.is_set():
                self.tick(0.05)
        finally:
            self.stop()

    def tick(self, timeout_seconds: float) -> None:
        """One round: read the engine's events, then look after seats, leases and figures."""
        if not self._engine.alive():
            self._doorbell.wait(timeout_seconds)
        for event in self._engine.events(timeout_seconds if self._held else 0):
            self._handle(event)
        self._hand_over()
        if not self._held:
            self._doorbell.wait(timeout_seconds)
        rung = self._doorbell.is_set()
        self._doorbell.clear()
        self._guarded(lambda: self._look_after(rung))

    def _look_after(self, rung: bool) -> None:
        now = self._clock()
        if not self._engine.alive():
            self._revive(now)
            return
        if self._due("renew", self._options.lease_seconds / 3, now):
            self._renew()
        if self._due("sync", self._options.sync_seconds, now) or rung:
            self._sync()
            self._take_seats()
        elif self._free_seats() > 0 and self._due("claim", 0.1, now):
            self._take_seats()
        if self._due("state", self._options.state_seconds, now):
            self._report()

    # -- events of the engine

    def _handle(self, event: Event) -> None:
        if isinstance(event, EngineDied):
            self._on_death(event.reason)
            return
        held = self._held.get(event.id)
        if held is None:
            return
        if isinstance(event, TokensOut):
            self._on_tokens(held, event)
        elif isinstance(event, Finished):
            self._on_finished(held, event)
        elif isinstance(event, Failed):
            self._outbox.end(held, "failed", lambda: self._store_failure(held, event.reason))

    def _on_tokens(self, held: Held, event: TokensOut) -> None:
        held.num_generated = event.num_generated
        held.request = held.request.with_progress(event.num_generated)
        if not held.first_token_seen:
            held.first_token_seen = True
            self._guarded(
                lambda: services.record_first_token(held.job_id, token=held.token, now=self._now())
            )
        shown = held.guard.feed(event.text_delta)
        if shown:
            held.unsent.append(shown)
        if held.guard.fault:
            self._engine.cancel(held.request.id)
            self._withhold(held, held.num_generated)

    def _on_finished(self, held: Held, event: Finished) -> None:
        self._num_deaths = 0
        num_tokens = len(event.token_ids)
        # The engine's final text is the record; the stream may lack its last characters.
        held.guard.text = event.text
        rest = held.guard.finish()
        if held.guard.fault:
            self._withhold(held, num_tokens)
            return
        if rest:
            held.unsent.append(rest)
        self._outbox.end(
            held, "done", lambda: self._store(held, event.text, num_tokens, event.reason)
        )

    def _withhold(self, held: Held, num_tokens: int) -> None:
        text, fault = held.guard.text, held.guard.fault
        self._outbox.end(held, "withheld", lambda: self._store(held, text, num_tokens, fault))

    def _store(self, held: Held, text: str, num_tokens: int, reason: str) -> None:
        services.finish_job(
            held.job_id,
            token=held.token,
            output=text,
            num_tokens=num_tokens,
            finish_reason=reason,
            now=self._now(),
        )

    def _store_failure(self, held: Held, reason: str) -> None:
        services.fail_job(held.job_id, token=held.token, error=reason, now=self._now())

    def _hand_over(self) -> None:
        """Tokens to the pages, results to SQL; what cannot be reached is tried again."""
        for held in self._held.values():
            if held.request.id not in self._outbox:
                self._guarded(partial(self._outbox.send, held))
        for job_id in self._outbox.ended():
            if self._guarded(partial(self._outbox.store, job_id)):
                del self._held[job_id]
                self._doorbell.set()  # a seat is free

    # -- seats

    def _free_seats(self) -> int:
        seats = self._engine.num_seats
        if self._policy is not None and self._policy.max_running is not None:
            seats = min(seats, self._policy.max_running)
        return seats - len(self._held)

    def _take_seats(self) -> None:
        """Fills free seats; then lets more urgent levels take the worst ones."""
        while (free := self._free_seats()) > 0:
            if not self._claim(free):
                return
        while self._preempt_one():
            self._claim(1)

    def _claim(self, num: int) -> int:
        claimed = services.claim_jobs(
            self._name, num, now=self._now(), model_name=self._options.model_name
        )
        for one in claimed:
            self._begin(one.job, one.token)
        return len(claimed)

    def _begin(self, job: Job, token: str) -> None:
        prefix = tuple(job.progress_token_ids)
        held = Held(
            request=job.to_request(),
            token=token,
            attempt=job.attempt,
            guard=GuardedText(job.prompt),
            num_generated=len(prefix),
        )
        self._held[held.request.id] = held
        if prefix:
            held.unsent.append(held.guard.feed(job.progress_text))
        engine_job = EngineJob(
            request=held.request,
            prompt=job.prompt,
            max_new_tokens=self._options.max_new_tokens,
            prefix_token_ids=prefix,
            prefix_text=job.progress_text,
        )
        try:
            live.begin_stream(connection.client(), held.request.id, held.attempt)
            self._engine.add(engine_job)
        except NeverFits as error:
            reason = str(error)
            self._outbox.end(held, "failed", lambda: self._store_failure(held, reason))
        except EngineNotRunning:
            self._give_back(held.request.id, "engine stopped")

    def _preempt_one(self) -> bool:
        """Frees the worst seat if what waits first may have it."""
        running = [held for job_id, held in self._held.items() if job_id not in self._outbox]
        if not running or self._policy is None or self._free_seats() > 0:
            return False
        now, policy = self._clock(), self._policy
        head = connection.queue().peek(1, now)
        worst = max(running, key=lambda held: order(held.request, policy, now))
        if not head:
            return False
        if not may_preempt(head[0], worst.request, policy, now, self._options.preemption):
            return False
        return self._give_back(worst.request.id, "preempted")

    def _give_back(self, job_id: str, why: str) -> bool:
        """Puts a held job back with its progress; false when it has just ended."""
        held = self._held[job_id]
        if job_id in self._outbox:
            return False
        released = self._engine.release(job_id)
        if released is None and self._engine.alive():
            return False
        token_ids = () if released is None else released.token_ids
        text = "" if released is None else released.text
        self._outbox.send(held)
        services.release_job(
            held.job_id, token=held.token, token_ids=token_ids, text=text, now=self._now(), why=why
        )
        self._held.pop(job_id, None)
        return True

    # -- staying in step with SQL and Redis

    def _renew(self) -> None:
        if not self._held:
            return
        tokens = {job_id: held.token for job_id, held in self._held.items()}
        for job_id in services.renew_leases(tokens, worker=self._name, now=self._now()):
            self._drop(job_id)

    def _sync(self) -> None:
        """Takes over changes that people made: policy, priorities, cancelled cases."""
        policy = selectors.active_policy()
        if policy is not self._policy:
            self._policy = policy
            self._engine.set_policy(policy, self._options.preemption)
            self._shrink()
        if not self._held:
            return
        rows = {str(job.id): job for job in Job.objects.filter(id__in=list(self._held))}
        for job_id, held in list(self._held.items()):
            job = rows.get(job_id)
            if job is None or job.status != JobStatus.RUNNING or job.claim_token != held.token:
                self._drop(job_id)
                continue
            request = job.to_request().with_progress(held.num_generated)
            if request != held.request:
                held.request = request
                self._engine.update(request)

    def _shrink(self) -> None:
        """Gives seats back that a policy with fewer of them does not use."""
        while self._free_seats() < 0:
            policy, now = self._policy, self._clock()
            assert policy is not None
            running = [held for job_id, held in self._held.items() if job_id not in self._outbox]
            if not running:
                return
            worst = max(running, key=lambda held: order(held.request, policy, now))
            if not self._give_back(worst.request.id, "preempted"):
                return

    def _drop(self, job_id: str) -> None:
        """Forgets a job that is no longer this worker's."""
        if job_id not in self._outbox:
            self._engine.cancel(job_id)
            self._held.pop(job_id, None)

    # -- the engine's health

    def _on_death(self, reason: str) -> None:
        self._num_deaths += 1
        self._restart_at = self._clock() + min(30.0, 0.5 * 2.0**self._num_deaths)
        log.error("engine_died", deaths_in_a_row=self._num_deaths, reason=reason[:200])

    def _revive(self, now: float) -> None:
        for job_id, held in list(self._held.items()):
            if job_id not in self._outbox:
                services.return_job(
                    held.job_id, token=held.token, now=self._now(), why="the engine stopped"
                )
                del self._held[job_id]
        if self._num_deaths >= MAX_ENGINE_DEATHS:
            raise EngineBeyondRepair(f"the engine died {self._num_deaths} times in a row")
        if now >= self._restart_at:
            self._engine.start()
            self._policy = None

    def _report(self) -> None:
        stats = self._engine.stats()
        used = stats["seats_used"]
        if used:
            rate = stats["tokens_per_second"] * self._engine.num_seats / used
            self._full_rate = 0.8 * self._full_rate + 0.2 * rate if self._full_rate else rate
        state = {
            "seats": float(self._engine.num_seats),
            "seats_used": float(len(self._held)),
            "tokens_per_second": stats["tokens_per_second"],
            "tokens_per_second_full": self._full_rate,
            "kv_blocks": stats["kv_blocks_total"],
            "kv_blocks_used": stats["kv_blocks_used"],
            "tokens": stats["tokens"],
            "at": self._clock(),
        }
        live.set_worker_state(connection.client(), self._name, state)

    def _due(self, what: str, every_seconds: float, now: float) -> bool:
        if now < self._next.get(what, 0.0):
            return False
        self._next[what] = now + every_seconds
        return True

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def _guarded(self, action: Callable[[], object]) -> bool:
        """Redis or SQL being away must not stop the loop; the next round tries again."""
        try:
            action()
        except _AWAY as error:
            log.warning("store_unreachable", error=type(error).__name__)
            return False
        return True
