"""A worker, its engine, its stores and the upkeep in virtual time, for tests that disturb them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import wraps
from threading import Event as Flag
from typing import Any, cast

import pytest
import redis
from django.db import OperationalError

from llm_worker.engine.fake import FakeEngine, fake_text, fake_token_ids
from llm_worker.engine.protocol import Engine
from llm_worker.worker.health import TooManyEngineFailures
from llm_worker.worker.loop import GuidanceWorker
from llm_worker.worker.options import Options
from llm_worker.worker.outages import SQL_CALLS
from llm_worker.worker.stores import LiveStores, Stores
from scheduling import connection, services
from scheduling.core.policies import Preemption
from scheduling.core.status import OPEN, JobStatus
from scheduling.models import Job
from scheduling.queue import events
from tests.factories import START, at, make_queued_case, make_user
from tests.worker_rig import accept_any
from triage_site.cases.models import Case, CaseEvent
from triage_site.cases.services import cancel_case

LEASE_SECONDS = 15.0
NUM_SLOTS = 2
ANSWER_TOKENS = 6
RECONCILE_SECONDS = 8.0

Around = Callable[[str, Callable[..., Any]], Callable[..., Any]]


class Wrapped:
    """`inner`, with every method passed through `around` first."""

    def __init__(self, inner: object, around: Around) -> None:
        self._inner, self._around = inner, around

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        around = self._around(name, value) if callable(value) else value
        return around if around is value else wraps(value)(around)


def untouched(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    return call


class Fault:
    """What happens to the calls of one name, from the `first` one on."""

    KINDS = ("fails once", "fails for 30 s", "answers late", "succeeds and reports failure")

    def __init__(self, name: str, kind: str, error: Exception, *, first: int = 1) -> None:
        self.name, self.kind, self.error, self.first = name, kind, error, first
        self.num_calls = 0
        self.began_at: float | None = None
        self.world: World | None = None

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        return call if name != self.name else lambda *args, **kw: self._call(call, *args, **kw)

    def _call(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self.world is None:  # still being built
            return call(*args, **kwargs)
        self.num_calls += 1
        if self.num_calls < self.first:
            return call(*args, **kwargs)
        if self.began_at is None:
            self.began_at = self.world.seconds
        if self.kind == "fails for 30 s":
            if self.world.seconds < self.began_at + 30:
                raise self.error
        elif self.kind == "fails once":
            if self.num_calls == self.first:
                raise self.error
        elif self.kind == "answers late":
            if self.num_calls < self.first + 4:
                self.world.seconds += 4.0
        elif self.num_calls < self.first + 2:
            call(*args, **kwargs)
            raise self.error
        return call(*args, **kwargs)


def calls_by_database(calls: Iterable[str]) -> list[Any]:
    """Parameters of a test. A call that asks no database does, or fails to do, the same on both;
    what mends it afterwards is made of the other calls."""
    alone = pytest.mark.one_database
    return [call if call in SQL_CALLS else pytest.param(call, marks=alone) for call in calls]


def error_of(call: str) -> Exception:
    return OperationalError("gone") if call in SQL_CALLS else redis.ConnectionError("gone")


class World:
    """In a tick, a second, each slot writes a word. The supervisor and the upkeep are here, too."""

    def __init__(
        self,
        *,
        stores: Around = untouched,
        engine: Around = untouched,
        num_ahead: int = 0,
        upkeep: Callable[[], object] | None = None,
    ) -> None:
        self.seconds = 100.0
        self.fake = FakeEngine(
            num_slots=NUM_SLOTS,
            num_ahead=num_ahead,
            clock=self.clock,
            answer_length=lambda job: ANSWER_TOKENS,
        )
        self._around_stores, self._around_engine = stores, engine
        self._upkeep = self.look_after if upkeep is None else upkeep
        self._reconcile_at = 0.0
        self._lost_streams: set[str] = set()
        self._actor = make_user()
        self.worker = self._new_worker()

    def clock(self) -> float:
        return START.timestamp() + self.seconds

    def _new_worker(self) -> GuidanceWorker:
        options = Options(
            lease_seconds=LEASE_SECONDS,
            preemption=Preemption.LEVEL,
            max_new_tokens=64,
            model_name="fake",
            check=accept_any,  # the fake engine writes no guidance
        )
        stores = Wrapped(LiveStores("w1", options, self.clock), self._around_stores)
        worker = GuidanceWorker(
            cast(Engine, Wrapped(self.fake, self._around_engine)),
            cast(Stores, stores),
            options=options,
            clock=self.clock,
            doorbell=Flag(),
        )
        worker.start()
        return worker

    def restart_worker(self) -> None:
        self.worker.stop()
        self.worker = self._new_worker()

    def submit(self, priority: int) -> Job:
        return make_queued_case(priority, self.seconds, actor=self._actor)

    def cancel(self, job: Job) -> None:
        """By a person, who closes the case as entered in error; nothing where it is closed."""
        with suppress(ValueError):
            cancel_case(job.case_id, reason="test", actor=self._actor, now=at(self.seconds))

    def lose_redis(self) -> None:
        """Redis loses all data. The words of an answer that SQL has already are not sent again."""
        ids = Job.objects.filter(status=JobStatus.DONE).values_list("id", flat=True)
        self._lost_streams |= {str(job_id) for job_id in ids}
        connection.client().flushall()
        services.reconcile(now=at(self.seconds))

    def tick(self, num: int = 1) -> None:
        for _ in range(num):
            self.seconds += 1.0
            try:
                self.worker.tick(0.0)
            except TooManyEngineFailures:
                self.restart_worker()
            with suppress(redis.RedisError, OperationalError):
                self._upkeep()

    def look_after(self) -> None:
        """What the site's upkeep does, as often."""
        services.reap_expired(now=at(self.seconds))
        services.check_queue(now=at(self.seconds))
        if self.seconds >= self._reconcile_at:
            self._reconcile_at = self.seconds + RECONCILE_SECONDS
            services.reconcile(now=at(self.seconds))

    def until_idle(self, most_ticks: int = 200) -> None:
        for _ in range(most_ticks):
            self.tick()
            if not Job.objects.filter(status__in=OPEN).exists():
                return
        left = list(Job.objects.filter(status__in=OPEN).values_list("status", "priority"))
        raise AssertionError(f"open after {most_ticks} ticks: {left}")

    # -- laws

    def check(self, *cancelled: Job) -> None:
        """No job lost, doubled or wedged; all slots free; stores clean; histories complete."""
        self.tick(2)
        self.seconds += LEASE_SECONDS
        self.tick(2)
        gone = {job.id for job in cancelled}
        for job in Job.objects.all():
            if job.id in gone and job.status == JobStatus.CANCELLED:
                assert job.output == ""
            else:
                self._check_written(job)
        queue = connection.queue()
        assert (queue.lease_tokens(), queue.waiting(self.clock()), queue.audit()) == ({}, [], "")
        assert len(self.worker._held_claims) == 0
        # One under the policy `serial`.
        assert self.worker._admission.num_free() in (NUM_SLOTS + self.fake.num_ahead, 1)
        for case in Case.objects.all():
            self._check_history(case)
        self._check_slots_work()

    def _check_written(self, job: Job) -> None:
        assert (job.status, job.error) == (JobStatus.DONE, "")
        assert job.output == fake_text(fake_token_ids(job.prompt, ANSWER_TOKENS))
        assert job.first_token_at is not None
        entries = events.read_stream(connection.client(), str(job.id))
        last = [entry for entry in entries if entry.attempt == job.attempt]
        words = "".join(entry.text for entry in last)
        ends = [entry.status for entry in entries if entry.status]
        if str(job.id) in self._lost_streams:  # readers take the answer from SQL
            assert job.output.endswith(words)
            assert ends in ([], ["done"])
        else:
            assert (words, ends) == (job.output, ["done"])

    def _check_history(self, case: Case) -> None:
        job = Job.objects.get(case_id=case.id)
        events_of_case = CaseEvent.objects.filter(case=case).order_by("id")
        kinds = list(events_of_case.values_list("kind", flat=True))
        assert kinds.count(CaseEvent.Kind.RUNNING) == job.attempt
        # A person may close a case whose guidance is done, too.
        num_closed = kinds.count(CaseEvent.Kind.CLOSED)
        num_done = kinds.count(CaseEvent.Kind.DONE) + kinds.count(CaseEvent.Kind.WITHHELD)
        if job.status == JobStatus.CANCELLED:
            assert (num_done, num_closed) == (0, 1)
        else:
            assert num_done == 1
            assert num_closed <= 1
        assert case.status == job.status

    def _check_slots_work(self) -> None:
        jobs = [self.submit(2) for _ in range(NUM_SLOTS)]
        self.until_idle(60)
        assert {Job.objects.get(id=job.id).status for job in jobs} == {JobStatus.DONE}
