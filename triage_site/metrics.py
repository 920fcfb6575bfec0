"""`/metrics` for Prometheus: waits, queue, slots, tokens, failures and the state of the stores.

All figures are read at the scrape, from SQL and Redis, so that every web process tells the same.
Who reads it needs the right to read the operations console, with a session or an API token.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

import redis
import structlog
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from scheduling.core.status import JobStatus
from scheduling.models import Job
from triage_site import health
from triage_site.audit.models import AuditRecord
from triage_site.cases import openings
from triage_site.cases.access import require
from triage_site.cases.roles import Action
from triage_site.cases.standing import wait_lines
from triage_site.ops import selectors
from triage_site.ops.live import live_context
from triage_site.ops.today import today_lines

log = structlog.get_logger(__name__)

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_QUANTILES: Final = {"0.5": "p50", "0.9": "p90", "0.99": "p99", "1": "longest"}


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not health.is_known(request):
        answer = HttpResponse(
            "Send an API token.", status=401, content_type="text/plain; charset=utf-8"
        )
        answer["WWW-Authenticate"] = "Bearer"
        return answer
    try:
        require(request, Action.CONSOLE)
    except PermissionDenied:
        return HttpResponse(
            "This account may not read it.", status=403, content_type="text/plain; charset=utf-8"
        )
    return HttpResponse(text_at(timezone.now()), content_type=CONTENT_TYPE)


def text_at(now: datetime) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Site(now))
    return generate_latest(registry)


class _Site(Collector):
    """A part that fails is left out, and `triage_part_up` says which store is down."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def collect(self) -> Iterable[Metric]:
        parts: tuple[Callable[[datetime], Iterable[Metric]], ...] = (
            _parts,
            _queue,
            _patients,
            _openings,
            _guidance,
            _workers,
            _totals,
        )
        for part in parts:
            try:
                yield from list(part(self._now))
            except (DatabaseError, redis.RedisError) as error:
                log.warning("metrics_incomplete", part=part.__name__, error=type(error).__name__)


def _parts(_now: datetime) -> Iterable[Metric]:
    up = _gauge("triage_part_up", "1 while this part works", "part")
    for name, state in health.ready(time.monotonic())["parts"].items():
        up.add_metric([name], float(bool(state["ok"])))
    yield up


def _queue(_now: datetime) -> Iterable[Metric]:
    waiting = _gauge("triage_queue_waiting", "Cases that wait for guidance", "level")
    running = _gauge("triage_queue_running", "Cases whose guidance is being written", "level")
    for line in selectors.levels():
        waiting.add_metric([str(line.level.priority)], line.waiting)
        running.add_metric([str(line.level.priority)], line.running)
    yield from (waiting, running)


def _patients(now: datetime) -> Iterable[Metric]:
    waiting = _gauge("triage_patients_waiting", "Patients who wait to be seen", "level")
    overdue = _gauge("triage_patients_overdue", "Patients who wait longer than the target", "level")
    longest = _gauge("triage_patients_longest_wait_seconds", "Longest present wait", "level")
    for line in wait_lines(now):
        level = [str(line.level.priority)]
        waiting.add_metric(level, line.num_waiting)
        overdue.add_metric(level, line.num_overdue)
        longest.add_metric(level, line.longest_seconds)
    yield from (waiting, overdue, longest)


def _openings(now: datetime) -> Iterable[Metric]:
    words = "Cases of other departments that one person opened in the last hour, the most"
    yield GaugeMetricFamily(
        "triage_openings_of_one_person", words, value=openings.most_of_last_hour(now)
    )


def _guidance(now: datetime) -> Iterable[Metric]:
    started = _gauge("triage_guidance_started_today", "Guidance started since midnight", "level")
    in_time = _gauge("triage_guidance_in_time_percent", "Share before the deadline", "level")
    waits = GaugeMetricFamily(
        "triage_guidance_wait_seconds",
        "Arrival to start of guidance, since midnight",
        labels=["level", "quantile"],
    )
    for line in today_lines(now, replayed=False):
        level = str(line.level.priority)
        started.add_metric([level], line.started)
        if line.percent_in_time is not None:
            in_time.add_metric([level], line.percent_in_time)
        for quantile, name in _QUANTILES.items():
            if (value := getattr(line, name)) is not None:
                waits.add_metric([level, quantile], value)
    yield from (started, in_time, waits)


def _workers(now: datetime) -> Iterable[Metric]:
    context = live_context(now)
    figures: dict[str, tuple[str, Any]] = {
        "triage_slots": ("Slots of all GPU workers", context["slots"]),
        "triage_slots_used": ("Slots in use", context["slots_used"]),
        "triage_tokens_per_second": ("Present speed", context["tokens_per_second"]),
        "triage_kv_percent": ("Fullest KV cache", context["kv_percent"] or 0),
        "triage_tokens_today": ("Tokens written since midnight", context["work"].tokens),
        "triage_tokens_again_today": ("Tokens computed again", context["work"].tokens_again),
        "triage_preemptions_today": ("Preemptions since midnight", context["work"].preemptions),
    }
    for name, (words, value) in figures.items():
        yield GaugeMetricFamily(name, words, value=value)


def _totals(_now: datetime) -> Iterable[Metric]:
    failed = Job.objects.filter(status=JobStatus.FAILED).count()
    yield CounterMetricFamily("triage_guidance_failed", "Jobs that failed", value=failed)
    refused = AuditRecord.objects.filter(kind=AuditRecord.Kind.SIGN_IN_FAILED).count()
    yield CounterMetricFamily("triage_sign_ins_failed", "Sign-ins that failed", value=refused)
    locked = AuditRecord.objects.filter(kind=AuditRecord.Kind.LOCKED_OUT).count()
    yield CounterMetricFamily("triage_sign_ins_locked", "Lock-outs", value=locked)


def _gauge(name: str, words: str, label: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, labels=[label])
