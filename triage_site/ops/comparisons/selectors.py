"""All reads of comparisons and uploads."""

from __future__ import annotations

import gzip
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from scheduling import csv_text, recorded
from scheduling.comparisons.choices import DEFAULT_SETTING, LoadKind, choices_from
from scheduling.core.policies import POLICIES
from scheduling.simulator.measured import TooFewRecords
from triage_site.ops.models import Comparison, Upload

NUM_SHOWN: Final = 50
_LARGE: Final = ("results", "series", "load_gzip", "bound")


def recent_comparisons() -> Sequence[Comparison]:
    """Newest first, without their results."""
    found = Comparison.objects.select_related("created_by").defer(*_LARGE)
    return list(found[:NUM_SHOWN])


def comparison(comparison_id: uuid.UUID) -> Comparison | None:
    found = Comparison.objects.select_related("created_by").defer("load_gzip")
    return found.filter(id=comparison_id).first()


def load_csv(comparison_id: uuid.UUID) -> str:
    """The requests of a comparison that has ended; empty before."""
    packed = Comparison.objects.filter(id=comparison_id).values_list("load_gzip", flat=True).first()
    return csv_text.safe(gzip.decompress(bytes(packed)).decode()) if packed else ""


def recent_uploads() -> Sequence[Upload]:
    found = Upload.objects.select_related("created_by").defer("content")
    return list(found[:NUM_SHOWN])


def as_json(comparison: Comparison) -> dict[str, Any]:
    """What the API answers and the JSON export holds."""
    return {
        "id": str(comparison.id),
        "status": comparison.status,
        "progress": round(comparison.progress, 4),
        "choices": comparison.choices,
        "created_at": comparison.created_at,
        "ended_at": comparison.ended_at,
        "num_requests": comparison.num_requests,
        "notes": comparison.notes,
        "error": comparison.error,
        "results": comparison.ordered_results,
        "bound": comparison.bound,
        "service_model": comparison.service_model or None,
    }


def load_words(comparison: Comparison) -> str:
    """The load in one line: "synthetic, up to 50 at once every 0.01 s, 20 groups, seed 0"."""
    try:
        choices = choices_from(comparison.choices)
    except ValueError:
        return "unknown load"
    load = choices.load
    if load.kind is LoadKind.SYNTHETIC:
        return (
            f"Synthetic: {load.gap_num} groups of up to {load.max_concurrent_user_requests} "
            f"requests, {load.user_request_gap:g} s apart, seed {choices.seed}"
        )
    if load.kind is LoadKind.FIXTURE:
        return f"Fixture {load.name}" + ("" if load.speed == 1 else f" at speed {load.speed:g}")
    if load.kind is LoadKind.RECORDED:
        assert load.since is not None
        assert load.until is not None
        since, until = timezone.localtime(load.since), timezone.localtime(load.until)
        same_day = since.date() == until.date()
        end = f"{until:%H:%M:%S}" if same_day else f"{until:%Y-%m-%d %H:%M:%S}"
        return f"Recorded traffic of {since:%Y-%m-%d %H:%M:%S} to {end}"
    name = Upload.objects.filter(id=load.upload).values_list("name", flat=True).first()
    return f"File {name}" if name else "File that is no longer kept"


def setting_words(comparison: Comparison) -> str:
    """Setting, slots and errors of the predictions, where they are not the default."""
    try:
        choices = choices_from(comparison.choices)
    except ValueError:
        return str(comparison.choices.get("setting", DEFAULT_SETTING))
    parts = [choices.setting]
    if choices.slots is not None:
        parts.append(f"{choices.slots} slots")
    if choices.error != "none":
        parts.append(f"errors in {choices.error}: {choices.error_rate:.0%} of predictions")
    if len(choices.policies) < len(POLICIES):
        parts.append(f"{len(choices.policies)} policies")
    return ", ".join(parts)


def has_measured_model(now: datetime) -> bool:
    """Whether enough cases are recorded to measure this site's own speed."""
    try:
        recorded.measured_model(now)
    except TooFewRecords:
        return False
    return True


def last_hours(now: datetime) -> tuple[datetime, datetime]:
    """The window that the form proposes: the last three hours."""
    return now - timedelta(hours=3), now
