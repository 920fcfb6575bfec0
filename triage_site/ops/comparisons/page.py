"""The page of one comparison as values for its template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from scheduling.comparisons.verdict import Verdict, verdict
from scheduling.core.request import PRIORITIES
from triage_site.cases.levels import LEVELS, Level
from triage_site.ops.comparisons import charts
from triage_site.ops.comparisons.charts import seconds_text, title_of
from triage_site.ops.models import Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A chart with its heading; `level` None stands for all levels or for a policy."""

    title: str
    chart: SafeString
    level: Level | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A policy in the summary: texts, ready to show."""

    policy: str
    title: str
    cells: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRows:
    """The table behind the charts of one level."""

    title: str
    rows: Sequence[Row]


def result_context(comparison: Comparison) -> dict[str, Any]:
    """All that the results show. Only for a comparison that is done."""
    results = comparison.ordered_results
    found: Verdict = verdict(results, comparison.bound.get("overall", 0.0))
    return {
        "verdict": found,
        "summary": [_summary(name, one) for name, one in results.items()],
        "ranges": _ranges(results),
        "bound_chart": charts.bound_chart(
            {name: one["ratio_to_bound"]["overall"] for name, one in results.items()},
            "Mean response of all levels, as a multiple of the bound, by policy",
        ),
        "bound_overall": seconds_text(comparison.bound.get("overall")),
        "distributions": _distributions(comparison),
        "timelines": _timelines(comparison),
        "tables": _tables(results),
        "policies": [(name, title_of(name)) for name in results],
        "levels": LEVELS,
        "num_finished": max((one["finished"] for one in results.values()), default=0),
    }


def _summary(name: str, figures: dict[str, Any]) -> Row:
    overall = figures["overall"]
    effect = figures["triage_effectiveness"]
    first = figures["by_priority"]["0"]
    ratio = figures["ratio_to_bound"]["overall"]
    cells = (
        seconds_text(first["mean"]),
        seconds_text(overall["mean"]),
        seconds_text(overall["p90"]),
        seconds_text(overall["max"]),
        _percent(overall["before_deadline"]),
        "–" if effect is None else f"{effect:z.2f}",
        "–" if ratio is None else f"{ratio:.2f} ×",
        str(figures["preemptions"]),
    )
    return Row(policy=name, title=title_of(name), cells=cells)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _ranges(results: dict[str, Any]) -> list[Panel]:
    panels = []
    for priority in PRIORITIES:
        lines = {name: one["by_priority"][str(priority)] for name, one in results.items()}
        level = LEVELS[priority]
        chart = charts.range_chart(
            lines, f"Level {priority} {level.word}: mean, p90 and longest response by policy"
        )
        if chart:
            panels.append(Panel(title=level.word, level=level, chart=chart))
    overall = {name: one["overall"] for name, one in results.items()}
    chart = charts.range_chart(overall, "All levels: mean, p90 and longest response by policy")
    return [*panels, Panel(title="All levels", chart=chart)]


def _distributions(comparison: Comparison) -> list[Panel]:
    panels = []
    for key in (*map(str, PRIORITIES), "overall"):
        level = None if key == "overall" else LEVELS[int(key)]
        title = "All levels" if level is None else level.word
        lines = {name: one["distribution"][key] for name, one in comparison.series.items()}
        chart = charts.distribution_chart(lines, f"{title}: share ended within a time, by policy")
        if chart:
            panels.append(Panel(title=title, level=level, chart=chart))
    return panels


def _timelines(comparison: Comparison) -> list[Panel]:
    panels = []
    for name, one in comparison.series.items():
        columns = zip(*one["timeline"]["slots"], strict=True)
        num_slots = float(round(max(map(sum, columns), default=0.0)))
        label = f"{title_of(name)}: slots held by each level over time"
        chart = charts.timeline_chart(one["timeline"], num_slots, name, label)
        panels.append(Panel(title=title_of(name), chart=chart))
    return panels


def _tables(results: dict[str, Any]) -> list[LevelRows]:
    tables = []
    for key in (*map(str, PRIORITIES), "overall"):
        rows = []
        for name, one in results.items():
            line = one["overall"] if key == "overall" else one["by_priority"][key]
            times = [seconds_text(line[part]) for part in ("mean", "p50", "p90", "p99", "max")]
            cells = (str(line["count"]), *times, _percent(line["before_deadline"]))
            rows.append(Row(policy=name, title=title_of(name), cells=cells))
        title = "All levels" if key == "overall" else f"Level {key} {LEVELS[int(key)].word}"
        tables.append(LevelRows(title=title, rows=rows))
    return tables
