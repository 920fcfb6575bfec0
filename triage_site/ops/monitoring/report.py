"""The content of the classifier page for one period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from triage_site.ops.monitoring import agreement, drift_lines, records
from triage_site.ops.monitoring.agreement import percent
from triage_site.ops.monitoring.records import Records, Span
from triage_site.ops.monitoring.shadow_lines import shadow_view
from triage_site.triage.evaluation import drift
from triage_site.triage.evaluation.drift import Reference

SPANS: Final[Mapping[str, tuple[str, timedelta]]] = {
    "1d": ("Last 24 hours", timedelta(days=1)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "30d": ("Last 30 days", timedelta(days=30)),
    "90d": ("Last 90 days", timedelta(days=90)),
}
REFERENCES: Final[Mapping[str, str]] = {
    "training": "the training data",
    "before": "the previous period",
}
DAY_PIXELS: Final = 36
MAX_PIXELS: Final = 900
DEFAULT_SPAN: Final = "7d"
DEFAULT_REFERENCE: Final = "training"


@dataclass(frozen=True, slots=True)
class Selection:
    """The selected span and reference, by name. Unknown names count as the default."""

    span: str = DEFAULT_SPAN
    reference: str = DEFAULT_REFERENCE

    @classmethod
    def from_query(cls, data: Mapping[str, Any]) -> Selection:
        span, reference = str(data.get("span", "")), str(data.get("against", ""))
        return cls(
            span if span in SPANS else DEFAULT_SPAN,
            reference if reference in REFERENCES else DEFAULT_REFERENCE,
        )


def report(selection: Selection, now: datetime) -> dict[str, Any]:
    span = Span(since=now - SPANS[selection.span][1], until=now)
    found = records.read(span)
    return {
        "selection": selection,
        "spans": [(name, words) for name, (words, _) in SPANS.items()],
        "references": list(REFERENCES.items()),
        "span": span,
        "num_cases": len(found.cases),
        "cut": found.cut,
        **_answers(found),
        **_agreement(found),
        **_drift(found, selection, span),
        "shadow": shadow_view(found),
    }


def _answers(found: Records) -> dict[str, Any]:
    num, failed = len(found.cases), sum(case.failed for case in found.cases)
    needing = sum(case.needs_person for case in found.cases)
    lines = agreement.override_lines(found)
    return {
        "overrides": lines,
        "all_overrides": lines[-1],
        "needs_person_percent": percent(needing, num),
        "failed_percent": percent(failed, num),
        "failures": found.failures.most_common(),
        "reasons": agreement.reason_lines(found),
    }


def _agreement(found: Records) -> dict[str, Any]:
    return {
        "judged": agreement.agreement(agreement.judged_pairs(found)),
        "with_silence": agreement.agreement(agreement.all_pairs(found)),
        "num_patient_changed": found.num_patient_changed(),
    }


def _drift(found: Records, selection: Selection, span: Span) -> dict[str, Any]:
    reference = _reference(selection, span)
    days = drift_lines.day_columns(found)
    charts = {"days": days, "days_width": min(DAY_PIXELS * len(days), MAX_PIXELS)}
    if reference is None:
        return {"reference": None, **charts}
    lines = drift_lines.input_lines(found, reference) if found.cases else []
    return {
        **charts,
        "reference": reference,
        "inputs": lines,
        "num_shifted": sum(line.verdict == drift.Verdict.SHIFTED for line in lines),
        "levels": drift_lines.level_line(found, reference),
        "reference_pieces": drift_lines.pieces(reference.levels),
    }


def _reference(selection: Selection, span: Span) -> Reference | None:
    """Returns None when the counts of the training data are missing or have other bins."""
    if selection.reference == DEFAULT_REFERENCE:
        try:
            return drift.load_reference()
        except (OSError, ValueError):
            return None
    before = records.read(span.before())
    return Reference(
        source=f"the {len(before.cases)} cases of the previous period",
        num_cases=len(before.cases),
        counts=drift.histograms(before.case_facts()),
        levels=drift_lines.level_counts(before),
    )
