"""The active classifier, for every process.

A promotion needs no restart. A worker reads with each case, and every two seconds, which
classifier is active, and loads a new one in a thread. The shipped classifier answers until the
new one is loaded, and also when it cannot be loaded.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from threading import Event as Flag
from threading import Lock, Thread

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections

from scheduling.outage_log import OutageLog
from triage_site import triage as classifier
from triage_site.classifiers import selectors
from triage_site.classifiers.selectors import Choice
from triage_site.triage import Classification
from triage_site.triage.facts import CaseFacts
from triage_site.triage.model.candidate import Candidate
from triage_site.triage.model.scoring import WEIGHTS_DIR

log = structlog.get_logger(__name__)

WAIT_SECONDS = 0.5  # how long a case waits for weights that are being loaded
WARM_UP_SECONDS = 3.0  # Celery ends a pool process that does not start within 4 seconds
RETRY_SECONDS = 60.0
WATCH_SECONDS = 2.0
SHIPPED = Choice(str(WEIGHTS_DIR))


def classify(facts: CaseFacts) -> Classification:
    """Classifies with the active classifier and this site's costs. Raises errors of the model."""
    classification = _classify(facts)
    if settings.TRIAGE_QUEUE_BY_SET:
        most_urgent = min(classification.priority, *classification.level_set)
        return replace(classification, priority=most_urgent)
    return classification


def _classify(facts: CaseFacts) -> Classification:
    choice = selectors.active_choice()
    other = None if _is_shipped(choice) else _loading_of(choice).get(WAIT_SECONDS)
    if other is not None:
        return other.classify(facts)
    classification = classifier.classify(facts, costs=selectors.site_costs())
    version, _ = selectors.version_or_error(SHIPPED)
    return replace(classification, model_version=version or classification.model_version)


def load_tables() -> None:
    """Builds what the reading of any note needs, about one second of processor time."""
    classifier.screen(CaseFacts(text="warm-up"))


def warm_up() -> None:
    """Loads the weights that the first case needs, within the start time of a worker."""
    try:
        choice = selectors.active_choice()
        if not _is_shipped(choice):
            _loading_of(choice).get(WARM_UP_SECONDS)
        classify(CaseFacts(text="warm-up"))
    except Exception as error:
        log.error("classifier_warm_up_failed", error=type(error).__name__)


def watch(stop: Flag) -> None:
    """Runs until `stop`: starts to load a promoted classifier before the next case needs it."""
    outage = OutageLog("classifier watch")
    while not stop.wait(WATCH_SECONDS):
        try:
            choice = selectors.active_choice()
            if not _is_shipped(choice):
                _loading_of(choice)
            outage.worked()
        except DatabaseError as error:
            outage.failed(error)
        close_old_connections()


def _is_shipped(choice: Choice) -> bool:
    return choice.path == WEIGHTS_DIR


@dataclass(slots=True)
class _Loading:
    """One attempt to load a classifier in a thread."""

    choice: Choice
    started_at: float = field(default_factory=time.monotonic)
    ended: Flag = field(default_factory=Flag)
    candidate: Candidate | None = None

    def run(self) -> None:
        try:
            self.candidate = selectors.opened(self.choice)
        except Exception as error:  # the shipped classifier continues to answer
            reason = f"{type(error).__name__}: {error}"[:300]
            log.error("active_classifier_unavailable", reason=reason)
        self.ended.set()

    def get(self, wait_seconds: float) -> Candidate | None:
        """Returns the classifier, or None when it is not loaded within this time."""
        self.ended.wait(wait_seconds)
        return self.candidate

    def is_stale(self, choice: Choice) -> bool:
        failed = self.ended.is_set() and self.candidate is None
        return self.choice != choice or (
            failed and time.monotonic() - self.started_at > RETRY_SECONDS
        )


_lock = Lock()
_loading: _Loading | None = None


def _loading_of(choice: Choice) -> _Loading:
    """Returns the loading of the chosen classifier; starts one if there is none."""
    global _loading
    with _lock:
        if _loading is None or _loading.is_stale(choice):
            _loading = _Loading(choice)
            Thread(target=_loading.run, name="load classifier", daemon=True).start()
        return _loading
