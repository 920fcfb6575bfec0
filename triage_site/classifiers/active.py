"""The classifier that is live, as every process asks it.

A promotion needs no restart: with each case, and every two seconds, a worker looks which
classifier is live and, if that is a new one, loads it beside its work. Until it is loaded, and
for as long as it cannot be, the shipped classifier answers.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from threading import Event as Flag
from threading import Lock, Thread

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections

from triage_site import triage as classifier
from triage_site.classifiers import selectors
from triage_site.classifiers.selectors import Choice
from triage_site.triage import Classification
from triage_site.triage.facts import CaseFacts
from triage_site.triage.model.candidate import Candidate
from triage_site.triage.model.scoring import WEIGHTS_DIR

log = structlog.get_logger(__name__)

WAIT_SECONDS = 0.5  # of a case, for weights that are being loaded
WARM_UP_SECONDS = 3.0  # Celery gives up a process of the pool that is not up after four
RETRY_SECONDS = 60.0
WATCH_SECONDS = 2.0
SHIPPED = Choice(str(WEIGHTS_DIR))


def classify(facts: CaseFacts) -> Classification:
    """What the live classifier says, at this site's costs. Raises what its model raises."""
    said = _ask(facts)
    if settings.TRIAGE_QUEUE_BY_SET:
        return replace(said, priority=min(said.priority, *said.level_set))
    return said


def _ask(facts: CaseFacts) -> Classification:
    choice = selectors.live_choice()
    other = _held(choice).get(WAIT_SECONDS) if _is_other(choice) else None
    if other is not None:
        return other.classify(facts)
    said = classifier.classify(facts, costs=selectors.site_costs())
    version, _ = selectors.version_or_why(SHIPPED)
    return replace(said, model_version=version or said.model_version)


def warm_up() -> None:
    """Loads what the first case needs, for as long as a worker may take to start."""
    choice = selectors.live_choice()
    if _is_other(choice):
        _held(choice).get(WARM_UP_SECONDS)
    classify(CaseFacts(text="warm-up"))


def watch(stop: Flag) -> None:
    """Until `stop`: begins to load what was promoted before the next case asks for it."""
    while not stop.wait(WATCH_SECONDS):
        try:
            choice = selectors.live_choice()
            if _is_other(choice):
                _held(choice)
        except DatabaseError as error:
            log.warning("live_classifier_unknown", error=type(error).__name__)
        close_old_connections()


def _is_other(choice: Choice) -> bool:
    """Whether it is another one than the shipped one."""
    return choice.path != WEIGHTS_DIR


@dataclass(slots=True)
class _Loading:
    """One attempt to load a classifier, in a thread of its own."""

    choice: Choice
    begun_at: float = field(default_factory=time.monotonic)
    ended: Flag = field(default_factory=Flag)
    candidate: Candidate | None = None

    def run(self) -> None:
        try:
            self.candidate = selectors.opened(self.choice)
        except Exception as error:  # the shipped classifier goes on answering
            reason = f"{type(error).__name__}: {error}"[:300]
            log.error("live_classifier_unavailable", reason=reason)
        self.ended.set()

    def get(self, wait_seconds: float) -> Candidate | None:
        self.ended.wait(wait_seconds)
        return self.candidate

    def is_stale(self, choice: Choice) -> bool:
        failed = self.ended.is_set() and self.candidate is None
        return self.choice != choice or (
            failed and time.monotonic() - self.begun_at > RETRY_SECONDS
        )


_lock = Lock()
_loading: _Loading | None = None


def _held(choice: Choice) -> _Loading:
    global _loading
    with _lock:
        if _loading is None or _loading.is_stale(choice):
            _loading = _Loading(choice)
            Thread(target=_loading.run, name="load classifier", daemon=True).start()
        return _loading
