"""The shadow classifier: it classifies cases that the active classifier has already answered.

It runs in a separate process at low priority and reads cases from SQL after their answer is
stored, so it can neither delay nor change a case. Its answers, failures and time-outs are stored
for comparison.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Event as Flag
from types import FrameType

import structlog
from django.db import DatabaseError, close_old_connections
from django.db.models import Exists, OuterRef
from django.utils import timezone

from triage_site.cases.models import Case
from triage_site.classifiers import selectors, services
from triage_site.classifiers.models import ShadowAnswer
from triage_site.triage import Classification
from triage_site.triage.classify import NO_MODEL
from triage_site.triage.model.candidate import Candidate, CannotOpen

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
REOPEN_SECONDS = 30.0
BATCH = 20
# A new shadow also answers cases of this time, so that there is something to compare at once.
LOOK_BACK = timedelta(days=7)


class TooSlow(Exception):
    """The shadow has not answered within the time limit of the active classifier."""


class Shadow:
    """The shadow classifier. `limit_seconds` is the time limit for one case."""

    def __init__(self, limit_seconds: float) -> None:
        self._limit_seconds = limit_seconds
        self._candidate: Candidate | None = None

    def run(self, stop: Flag) -> None:
        """Runs until `stop`. Call it in the main thread, because the time limit uses a signal."""
        pause = 0.0
        while not stop.wait(pause):
            try:
                answered = self.turn(timezone.now())
                pause = 0.0 if answered else POLL_SECONDS
            except CannotOpen as error:
                log.error("shadow_unavailable", reason=str(error)[:300])
                pause = REOPEN_SECONDS
            except DatabaseError as error:
                log.warning("shadow_database_error", error=type(error).__name__)
                pause = POLL_SECONDS
            close_old_connections()

    def turn(self, now: datetime) -> int:
        """Answers the newest unanswered cases. Returns their number. Raises CannotOpen."""
        candidate = self._current()
        if candidate is None:
            return 0
        cases = unanswered(candidate.version, now)
        for case in cases:
            self._answer(candidate, case)
        return len(cases)

    def _current(self) -> Candidate | None:
        choice = selectors.shadow_choice()
        if choice is None:
            return None
        version, error = selectors.version_or_error(choice)
        if error:
            raise CannotOpen(error)
        if self._candidate is None or self._candidate.version != version:
            self._candidate = selectors.opened(choice)
            log.info("shadow_opened", version=version)
        return self._candidate

    def _answer(self, candidate: Candidate, case: Case) -> None:
        classification: Classification | None = None
        failure = ""
        started = time.perf_counter()
        try:
            with time_limit(self._limit_seconds):
                classification = candidate.classify(case.case_facts)
        except TooSlow:
            failure = "slow"
        except Exception as error:
            # Only the type: the message can hold clinical text.
            failure = f"error: {type(error).__name__}"
        assert case.suggested_priority is not None
        services.record_shadow_answer(
            case.id,
            version=candidate.version,
            classification=classification,
            failure=failure,
            seconds=time.perf_counter() - started,
            active_version=active_version(case),
            active_priority=case.suggested_priority,
            now=timezone.now(),
        )


def unanswered(version: str, now: datetime) -> list[Case]:
    """Returns recent cases without an answer of this version, newest first."""
    answers = ShadowAnswer.objects.filter(case_id=OuterRef("id"), version=version)
    cases = Case.objects.filter(classified_at__gte=now - LOOK_BACK, suggested_priority__gte=0)
    by_this_version = {"classification__model_version": version}
    rows = cases.exclude(**by_this_version).filter(~Exists(answers)).order_by("-classified_at")
    return list(rows[:BATCH])


def active_version(case: Case) -> str:
    """Returns the version that classified the case; empty when the classifier had failed."""
    version = str(case.classification.get("model_version", NO_MODEL))
    return "" if version == NO_MODEL else version


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raises TooSlow in the main thread after the given time."""

    def on_alarm(_number: int, _frame: FrameType | None) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
