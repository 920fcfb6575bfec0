"""The shadow: a second classifier that answers about cases the live one has answered already.

It runs in a process of its own, at low priority, and reads cases from SQL after their answer was
stored; so it can neither delay a case nor change one. What it says, or that it failed or was
slow, is on record for people to compare.
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
# So far back it goes when it is named for the first time: there is something to compare at once.
LOOK_BACK = timedelta(days=7)


class TooSlow(Exception):
    """The shadow has not answered within the time that the live classifier has."""


class Shadow:
    """The second classifier. `limit_seconds` is what it may take for one case."""

    def __init__(self, limit_seconds: float) -> None:
        self._limit_seconds = limit_seconds
        self._candidate: Candidate | None = None

    def run(self, stop: Flag) -> None:
        """Until `stop`. Must be called in the main thread: its time limit is a signal."""
        pause = 0.0
        while not stop.wait(pause):
            try:
                answered = self.turn(timezone.now())
                pause = 0.0 if answered else POLL_SECONDS
            except CannotOpen as error:
                log.error("shadow_unavailable", reason=str(error)[:300])
                pause = REOPEN_SECONDS
            except DatabaseError as error:
                log.warning("shadow_without_database", error=type(error).__name__)
                pause = POLL_SECONDS
            close_old_connections()

    def turn(self, now: datetime) -> int:
        """Answers the newest cases that it has not answered yet. How many; raises CannotOpen."""
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
        version, why = selectors.version_or_why(choice)
        if why:
            raise CannotOpen(why)
        if self._candidate is None or self._candidate.version != version:
            self._candidate = selectors.opened(choice)
            log.info("shadow_opened", version=version)
        return self._candidate

    def _answer(self, candidate: Candidate, case: Case) -> None:
        said: Classification | None = None
        failure = ""
        begun = time.perf_counter()
        try:
            with time_limit(self._limit_seconds):
                said = candidate.classify(case.case_facts)
        except TooSlow:
            failure = "slow"
        except Exception as error:
            # Only the type: a message could quote the patient's words.
            failure = f"error: {type(error).__name__}"
        assert case.suggested_priority is not None
        services.record_shadow_answer(
            case.id,
            version=candidate.version,
            said=said,
            failure=failure,
            seconds=time.perf_counter() - begun,
            live_version=live_version(case),
            live_priority=case.suggested_priority,
            now=timezone.now(),
        )


def unanswered(version: str, now: datetime) -> list[Case]:
    """Cases that another classifier answered lately and this version has not, newest first."""
    answers = ShadowAnswer.objects.filter(case_id=OuterRef("id"), version=version)
    cases = Case.objects.filter(classified_at__gte=now - LOOK_BACK, suggested_priority__gte=0)
    by_itself = {"classification__model_version": version}
    rows = cases.exclude(**by_itself).filter(~Exists(answers)).order_by("-classified_at")
    return list(rows[:BATCH])


def live_version(case: Case) -> str:
    """Of the classifier whose answer the case carries; empty where that had failed."""
    version = str(case.classification.get("model_version", NO_MODEL))
    return "" if version == NO_MODEL else version


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raises TooSlow in the main thread once the time is up."""

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
