"""Runs comparisons one after the other, in a process of its own and at low priority.

The row in SQL is the queue. A process that is stopped gives its comparison back; one that dies
falls silent, and its comparison is taken up again by the next.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from datetime import datetime
from threading import Event as Flag
from typing import Final

import structlog
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from scheduling.comparisons.choices import choices_from
from scheduling.comparisons.compare import compare
from scheduling.outage_log import OutageLog
from scheduling.simulator.measured import MeasuredModel
from scheduling.simulator.settings_file import measured_setting
from triage_site.ops import services
from triage_site.ops.comparisons.loads import csv_of, load_of, simulation_of
from triage_site.ops.models import Comparison

log = structlog.get_logger(__name__)

POLL_SECONDS: Final = 0.3
REPORT_SECONDS: Final = 0.5

Clock = Callable[[], datetime]


class Stopped(Exception):
    """This attempt ends: cancelled by a person, or the process is being stopped."""


def run_comparisons(stop: Flag, clock: Clock = timezone.now) -> None:
    """Until `stop`."""
    outage = OutageLog("comparisons")
    while not stop.is_set():
        try:
            found = turn(stop, clock)
            outage.worked()
        except DatabaseError as error:
            outage.failed(error)
            found = False
        close_old_connections()
        if not found:
            stop.wait(POLL_SECONDS)


def turn(stop: Flag, clock: Clock = timezone.now) -> bool:
    """Runs the next comparison to its end. False where none waits."""
    comparison = services.claim_comparison(clock())
    if comparison is None:
        return False
    log.info("comparison_started", comparison=str(comparison.id), attempt=comparison.attempt)
    try:
        _run(comparison, stop, clock)
    except Stopped:
        services.give_back_comparison(comparison)
    except ValueError as error:  # bad choices, a broken file, what does not fit the GPU
        services.fail_comparison(comparison, str(error), clock())
    except DatabaseError:
        raise
    except Exception as error:
        log.error("comparison_failed", comparison=str(comparison.id), error=type(error).__name__)
        services.fail_comparison(comparison, f"internal error: {type(error).__name__}", clock())
    return True


def _run(comparison: Comparison, stop: Flag, clock: Clock) -> None:
    choices = choices_from(comparison.choices)
    loaded = load_of(choices)
    base = simulation_of(choices, clock())
    reporter = _Reporter(comparison, stop, clock)
    found = compare(
        loaded.works, choices.policies, base, time.perf_counter, progress=reporter.report
    )
    services.finish_comparison(
        comparison,
        clock(),
        num_requests=len(loaded.works),
        notes=list(loaded.notes),
        results=found.policies,
        bound=found.bounds_json,
        series=found.series,
        service_model=(
            measured_setting(base.model) if isinstance(base.model, MeasuredModel) else {}
        ),
        load_gzip=gzip.compress(csv_of(loaded.works).encode(), compresslevel=5, mtime=0),
    )


class _Reporter:
    """Writes progress a few times a second, and stops the run once it should not go on."""

    def __init__(self, comparison: Comparison, stop: Flag, clock: Clock) -> None:
        self._comparison = comparison
        self._stop = stop
        self._clock = clock
        self._next = 0.0

    def report(self, share: float) -> None:
        if self._stop.is_set():
            raise Stopped
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + REPORT_SECONDS
        if not services.report_progress(self._comparison, share, self._clock()):
            raise Stopped
