"""One worker with the fake engine on the real stores of a test, in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event as Flag

import pytest

from llm_worker.engine.fake import FakeEngine
from llm_worker.engine.protocol import EngineJob
from llm_worker.worker.loop import GuidanceWorker
from llm_worker.worker.options import Options
from llm_worker.worker.stores import LiveStores
from scheduling.core.policies import Preemption
from scheduling.models import Job
from tests.factories import START

LEASE_SECONDS = 15.0


def accept_any(text: str, brief: str) -> None:
    """A check of whole answers that finds no fault."""


class Rig:
    """One worker, its engine and its clock. In a tick of one second each slot writes a word."""

    def __init__(
        self,
        num_slots: int,
        answer_length: Callable[[EngineJob], int],
        kv: tuple[int, int] | None = None,
        num_ahead: int = 0,
    ) -> None:
        self.seconds = 100.0
        self.engine = FakeEngine(
            num_slots=num_slots,
            num_ahead=num_ahead,
            clock=self.clock,
            answer_length=answer_length,
            kv=kv,
        )
        self.doorbell = Flag()
        options = Options(
            lease_seconds=LEASE_SECONDS,
            preemption=Preemption.LEVEL,
            max_new_tokens=64,
            model_name="fake",
            check=accept_any,  # the fake engine writes no guidance
        )
        self.worker = GuidanceWorker(
            self.engine,
            LiveStores("w1", options, self.clock),
            options=options,
            clock=self.clock,
            doorbell=self.doorbell,
        )
        self.worker.start()

    def clock(self) -> float:
        return START.timestamp() + self.seconds

    def tick(self, num: int = 1) -> None:
        for _ in range(num):
            self.seconds += 1.0
            self.worker.tick(0.0)

    def run_until_idle(self) -> None:
        for _ in range(500):
            self.tick()
            if not Job.objects.filter(status__in=["waiting", "running"]).exists():
                return
        pytest.fail("jobs are still open after 500 ticks")
