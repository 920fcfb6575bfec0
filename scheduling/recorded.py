"""Reads of what has been recorded: past traffic, and the rates at which it was served."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import F, Q, QuerySet

from scheduling import selectors
from scheduling.core.status import OPEN, JobStatus
from scheduling.models import Forecast, Job
from scheduling.service_rates import Rates, rates_of
from scheduling.simulator.judgement import LEAST_SECONDS, Judged
from scheduling.simulator.measured import JobRecord, MeasuredModel, fit

RATES_FROM: Final = 50  # the newest jobs that rates are fitted to
RATES_WITHIN: Final = timedelta(days=1)

_FIGURES: Final = (
    "id", "case_id", "status", "priority", "prompt_tokens", "predicted_tokens",
    "generated_tokens", "arrival_at", "started_at", "first_token_at", "finished_at",
    "num_preemptions", "attempt", "model_name",
)  # fmt: skip

_JUDGED: Final = (
    "made_at", "starts_low", "starts_median", "starts_high", "ends_low", "ends_median",
    "ends_high", "stretch", "job__started_at", "job__finished_at",
)  # fmt: skip


def recorded_jobs(since: datetime, until: datetime, *, replayed: bool = False) -> QuerySet[Job]:
    """Jobs that arrived from `since` up to before `until` and ended with an answer."""
    done = Job.objects.filter(status=JobStatus.DONE, generated_tokens__gt=0, replayed=replayed)
    window = done.filter(arrival_at__gte=since, arrival_at__lt=until)
    return window.only(*_FIGURES).order_by("arrival_at", "id")


def has_recorded_jobs(since: datetime, until: datetime) -> bool:
    """Whether a comparison of this window has requests, of real cases or of a replay."""
    return any(
        recorded_jobs(since, until, replayed=replayed).exists() for replayed in (False, True)
    )


def recent_records(now: datetime) -> list[JobRecord]:
    """The newest uninterrupted generations of the model that wrote last, oldest first."""
    done = Job.objects.filter(
        status=JobStatus.DONE,
        num_preemptions=0,
        attempt=1,
        generated_tokens__gt=1,
        first_token_at__isnull=False,
        finished_at__gt=now - RATES_WITHIN,
        finished_at__lte=now,
    )
    newest: Sequence[Job] = list(done.only(*_FIGURES).order_by("-finished_at")[:RATES_FROM])
    same_model = [job for job in newest if job.model_name == newest[0].model_name]
    return [_record(job) for job in reversed(same_model)]


def held_slots(since: datetime, now: datetime) -> list[tuple[float, float]]:
    """(start, end) in seconds of all generations of that time; an open one ends now. One that
    was interrupted and waits again counts on: it waits because all slots are held."""
    ended = Q(finished_at__gt=since, finished_at__lte=now)
    found = Job.objects.filter(ended | Q(status__in=sorted(OPEN)), started_at__lt=now)
    return [
        (start.timestamp(), min(end or now, now).timestamp())
        for start, end in found.values_list("started_at", "finished_at")
        if start is not None
    ]


def held_beside(records: Sequence[JobRecord], now: datetime) -> list[tuple[float, float]]:
    """`held_slots` since the first of `records`."""
    if not records:
        return []
    since = min(record.started for record in records)
    return held_slots(datetime.fromtimestamp(since, UTC), now)


def _record(job: Job) -> JobRecord:
    assert job.started_at
    assert job.first_token_at
    assert job.finished_at
    return JobRecord(
        prompt_tokens=job.prompt_tokens,
        output_tokens=job.generated_tokens,
        started=job.started_at.timestamp(),
        first_token=job.first_token_at.timestamp(),
        finished=job.finished_at.timestamp(),
    )


def length_ratios(now: datetime) -> list[float]:
    """Tokens of the newest answers over those predicted for them; a sample of at most fifty."""
    done = Job.objects.filter(
        status=JobStatus.DONE,
        generated_tokens__gt=0,
        predicted_tokens__gt=0,
        finished_at__gt=now - RATES_WITHIN,
        finished_at__lte=now,
    ).order_by("-finished_at")
    pairs = done.values_list("generated_tokens", "predicted_tokens")[:50]
    return [written / predicted for written, predicted in pairs]


def arrival_moments(now: datetime, num: int) -> list[float]:
    """The newest arrivals (seconds of the epoch), oldest first."""
    moments = _newest(now).values_list("arrival_at", flat=True)[:num]
    return [moment.timestamp() for moment in reversed(moments)]


def recent_arrivals(now: datetime, num: int) -> list[Job]:
    """The newest jobs by arrival, oldest first."""
    found = _newest(now).only("priority", "prompt_tokens", "predicted_tokens", "arrival_at")
    return list(reversed(found[:num]))


def _newest(now: datetime) -> QuerySet[Job]:
    found = Job.objects.filter(arrival_at__lte=now, arrival_at__gt=now - RATES_WITHIN)
    return found.order_by("-arrival_at")


def judged_forecasts(
    since: datetime | None,
    until: datetime | None,
    *,
    replayed: bool = False,
    first_only: bool = False,
    newest: int | None = None,
) -> list[Forecast]:
    """Forecasts of real or replayed jobs that have ended with an answer, oldest first; all, or
    the `newest`."""
    found = Forecast.objects.filter(job__replayed=replayed)
    if first_only:
        found = found.filter(is_first=True)
    found = found.filter(
        job__status=JobStatus.DONE, job__started_at__isnull=False, job__finished_at__isnull=False
    )
    if since is not None:
        found = found.filter(made_at__gte=since)
    if until is not None:
        found = found.filter(made_at__lt=until)
    rows = found.select_related("job").only(*_JUDGED).order_by("-made_at")
    return list(reversed(rows if newest is None else rows[:newest]))


def num_untold(since: datetime | None, until: datetime | None, *, replayed: bool = False) -> int:
    """Cases with an answer that waited at least a second and for which no time was ever shown,
    because it was not known."""
    done = Job.objects.filter(status=JobStatus.DONE, replayed=replayed, forecasts__isnull=True)
    waited = done.filter(started_at__gte=F("arrival_at") + timedelta(seconds=LEAST_SECONDS))
    if since is not None:
        waited = waited.filter(arrival_at__gte=since)
    if until is not None:
        waited = waited.filter(arrival_at__lt=until)
    return waited.count()


def judged_starts(forecasts: Sequence[Forecast]) -> list[Judged]:
    """Forecast and actual waits for the start of guidance."""
    return [
        Judged(
            low=one.starts_low,
            median=one.starts_median,
            high=one.starts_high,
            actual=_since(one, one.job.started_at),
        )
        for one in forecasts
    ]


def judged_ends(forecasts: Sequence[Forecast]) -> list[Judged]:
    """Forecast and actual waits for the end of guidance."""
    return [
        Judged(
            low=one.ends_low,
            median=one.ends_median,
            high=one.ends_high,
            actual=_since(one, one.job.finished_at),
        )
        for one in forecasts
    ]


def _since(forecast: Forecast, moment: datetime | None) -> float:
    assert moment is not None
    return (moment - forecast.made_at).total_seconds()


def measured_model(now: datetime) -> MeasuredModel:
    """The service model of this site. Raises TooFewRecords."""
    slots = sum(int(state.get("slots", 0)) for state in selectors.workers().values())
    records = recent_records(now)
    return fit(records, slots or settings.TRIAGE_SLOTS, held_beside(records, now))


def rates(now: datetime, num_slots: int) -> Rates:
    """What the newest records say about service."""
    records = recent_records(now)
    return rates_of(records, length_ratios(now), num_slots, held_beside(records, now))
