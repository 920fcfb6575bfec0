"""Writes of the record of forecasts: what the pages showed for each case without guidance."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from scheduling.models import Forecast
from scheduling.simulator.forecast import Estimate

SAMPLES_KEPT: Final = timedelta(days=1)


def record_forecasts(
    estimates: Mapping[str, Estimate],
    *,
    policy: str,
    now: datetime,
    stretch: float,
    is_first: bool = True,
) -> int:
    """Keeps the first forecast of each job, or a sample of later ones, by job id. Returns how
    many were new."""
    rows = [
        Forecast(
            job_id=uuid.UUID(job_id),
            made_at=now,
            policy=policy,
            is_first=is_first,
            starts_low=estimate.starts.low,
            starts_median=estimate.starts.median,
            starts_high=estimate.starts.high,
            ends_low=estimate.ends.low,
            ends_median=estimate.ends.median,
            ends_high=estimate.ends.high,
            stretch=stretch,
        )
        for job_id, estimate in estimates.items()
    ]
    have = set(_told(rows)) if is_first else set()
    new = [row for row in rows if row.job_id not in have]
    # Another process may have told the same case at the same moment.
    return len(Forecast.objects.bulk_create(new, ignore_conflicts=True))


def _told(rows: list[Forecast]) -> list[uuid.UUID]:
    known = Forecast.objects.filter(job_id__in=[row.job_id for row in rows], is_first=True)
    return list(known.values_list("job_id", flat=True))


def forget_samples(now: datetime) -> int:
    """Removes old samples; first forecasts stay. Returns their number."""
    old = Forecast.objects.filter(is_first=False, made_at__lt=now - SAMPLES_KEPT)
    return old.delete()[0]
