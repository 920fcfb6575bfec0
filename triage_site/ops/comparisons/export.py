"""Exports of a comparison as files."""

from __future__ import annotations

import io
import json
from typing import Any, Final

from django.core.serializers.json import DjangoJSONEncoder

from scheduling import csv_text
from triage_site.ops.comparisons.selectors import as_json
from triage_site.ops.models import Comparison

_FIGURES: Final = (
    "count", "mean", "p50", "p90", "p95", "p99", "max", "ttft_mean", "before_deadline",
)  # fmt: skip


def to_json_text(comparison: Comparison) -> str:
    return json.dumps(as_json(comparison), cls=DjangoJSONEncoder, indent=1)


def to_csv_text(comparison: Comparison) -> str:
    """A line for each policy and level, then one for all levels; seconds and shares."""
    out = io.StringIO()
    writer = csv_text.Writer(out)
    writer.row(("policy", "level", *_FIGURES, "triage_effectiveness", "ratio_to_bound"))
    for policy, figures in comparison.ordered_results.items():
        for level, line in (*figures["by_priority"].items(), ("all", figures["overall"])):
            whole = level == "all"
            extra: tuple[Any, ...] = (
                figures["triage_effectiveness"] if whole else None,
                figures["ratio_to_bound"]["overall"] if whole else None,
            )
            writer.row((policy, level, *(line[name] for name in _FIGURES), *extra))
    return out.getvalue()
