"""Periodic repairs after failures of workers or Redis. Any process may run them, repeatedly."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event as Flag

from django.db import close_old_connections
from django.utils import timezone

from scheduling import connection, services
from scheduling import minutes as minute_figures
from scheduling.core.status import JobStatus
from scheduling.forecast_record import forget_samples
from scheduling.models import Job
from scheduling.queue.events import REWRITE_SECONDS, rewrite_log
from scheduling.receipts import record_promotions
from scheduling.switch_outcome import judge_switches
from triage_site.audit.services import seal_all
from triage_site.cases import late_answers
from triage_site.cases.duties import Duties, Duty
from triage_site.cases.refused_tokens import refusals
from triage_site.cases.services import rescue_unclassified

ROUND_SECONDS = 0.5
RECONCILE = "reconcile"

_running: Duties | None = None


def run_upkeep(stop: Flag, on_progress: Callable[[], None] = lambda: None) -> None:
    """Runs until `stop`: levels for unclassified cases, jobs of lost workers, the queue in Redis.

    No error ends it. `on_progress` is called once a round.
    """
    global _running
    keeper = _Keeper()
    _running = keeper.duties
    while not stop.wait(ROUND_SECONDS):
        keeper.round(time.monotonic())
        on_progress()
        close_old_connections()


def ages(now: float) -> dict[str, float | None]:
    """Returns seconds since the last success of each duty at `now`, monotonic; None for never."""
    return {} if _running is None else _running.ages(now)


class _Keeper:
    """The duties, and what makes the rebuild of the queue due before its time."""

    def __init__(self) -> None:
        self._reminder = late_answers.Reminder()
        self._epoch: str | None = None
        self._had_trouble = False
        self._num_mismatches = 0
        level_minutes = minute_figures.LevelMinutes()
        self.duties = Duties(
            Duty("rescue", 0.5, lambda: rescue_unclassified(now=timezone.now())),
            Duty("ask again", 2.0, lambda: late_answers.ask_again(self._reminder, _seconds())),
            Duty("reap", 1.0, lambda: services.reap_expired(now=timezone.now())),
            Duty("check queue", 1.0, lambda: services.check_queue(now=timezone.now())),
            Duty("seal audit", 5.0, lambda: seal_all(timezone.now())),
            Duty("refused tokens", 60.0, lambda: refusals.flush(timezone.now())),
            # The words of answers leave the append-only file soon after their stream expired.
            Duty("rewrite log", REWRITE_SECONDS, lambda: rewrite_log(connection.client())),
            Duty("promotions", 2.0, lambda: record_promotions(timezone.now())),
            Duty("watch queue", 1.0, self._watch_queue),
            # Damage that the cheap checks do not see is repaired within 10 seconds.
            Duty(RECONCILE, 8.0, lambda: services.reconcile(now=timezone.now())),
            Duty("level figures", 10.0, lambda: level_minutes.write(timezone.now())),
            Duty(
                "worker figures", 10.0, lambda: minute_figures.write_worker_minutes(timezone.now())
            ),
            Duty("old figures", 3600.0, lambda: minute_figures.forget_minutes(timezone.now())),
            Duty("old samples", 3600.0, lambda: forget_samples(timezone.now())),
            Duty("judge switches", 5.0, lambda: judge_switches(timezone.now())),
        )

    def round(self, now: float) -> None:
        trouble = bool(connection.trouble())
        if self._had_trouble and not trouble:  # changes during the outage did not reach Redis
            self.duties.due_now(RECONCILE)
        self._had_trouble = trouble
        self.duties.run(now)

    def _watch_queue(self) -> None:
        """Makes the rebuild due when Redis was flushed, or has not the jobs that SQL has."""
        queue = connection.queue()
        epoch = queue.mark().partition(":")[0]
        num_waiting = Job.objects.filter(status=JobStatus.WAITING).count()
        differs = num_waiting != sum(queue.counts().waiting)
        # A job on its way is in SQL first, so one difference means nothing.
        self._num_mismatches = self._num_mismatches + 1 if differs else 0
        if epoch != self._epoch or self._num_mismatches >= 3:
            self._epoch, self._num_mismatches = epoch, 0
            self.duties.due_now(RECONCILE)


def _seconds() -> float:
    return time.monotonic()
