"""Comparison of policies: means, ratios to FCFS, and ratios to the lower bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scheduling.reports.run_report import aligned
from scheduling.simulator.bounds import Bounds

Figures = Mapping[str, Any]

_NOTE = """Times are mean responses in seconds.
bound: lower bound for any order, each level alone.
alone: each request alone on the GPU.
level alone: the level simulated without the other levels.
/ bound: mean of this and all more urgent levels together, divided by their bound."""


def ratios_to_fcfs(figures: Figures, fcfs: Figures) -> dict[str, Any]:
    """Returns means divided by those of FCFS; null for a level without a finished request."""
    return {
        "by_priority": {
            level: _ratio(own["mean"], fcfs["by_priority"][level]["mean"])
            for level, own in figures["by_priority"].items()
        },
        "overall": _ratio(figures["overall"]["mean"], fcfs["overall"]["mean"]),
    }


def ratios_to_bound(figures: Figures, limits: Bounds) -> dict[str, Any]:
    """Returns the mean of all levels up to each one, divided by their bound: at least 1."""
    ratios: dict[str, float | None] = {}
    count, total = 0, 0.0
    for level, own in figures["by_priority"].items():
        count += own["count"]
        total += own["count"] * (own["mean"] or 0.0)
        bound = limits.by_priority.get(int(level))
        ratios[level] = _ratio(total / count, bound.rigorous_up_to) if bound and count else None
    return {"up_to_priority": ratios, "overall": _ratio(figures["overall"]["mean"], limits.overall)}


def comparison(by_policy: Mapping[str, Figures], limits: Bounds) -> str:
    """Returns three tables and an explanation."""
    levels = [str(priority) for priority in limits.by_priority]
    blocks = [
        _means(by_policy, limits, levels),
        _ratios(by_policy, levels, "/ FCFS", "ratio_to_fcfs", "by_priority"),
        _ratios(by_policy, levels, "/ bound", "ratio_to_bound", "up_to_priority"),
        _NOTE.splitlines(),
    ]
    return "\n\n".join("\n".join(block) for block in blocks)


def _means(by_policy: Mapping[str, Figures], limits: Bounds, levels: Sequence[str]) -> list[str]:
    head = ("mean (s)", *_titles(levels), "all", "p95", "first token", "inversions")
    rows: list[Sequence[str]] = [head]
    for policy, figures in by_policy.items():
        overall = figures["overall"]
        means = [figures["by_priority"][level]["mean"] for level in levels]
        cells = (*means, overall["mean"], overall["p95"], overall["ttft_mean"])
        rows.append((policy, *map(_cell, cells), str(figures["priority_inversions"])))
    own = list(limits.by_priority.values())
    blank = ("",) * 3
    rows.append(("bound", *(_cell(b.rigorous) for b in own), _cell(limits.overall), *blank))
    rows.append(("alone", *(_cell(b.solo) for b in own), "", *blank))
    rows.append(("level alone", *(_cell(b.isolated) for b in own), "", *blank))
    return aligned(rows)


def _ratios(
    by_policy: Mapping[str, Figures], levels: Sequence[str], title: str, name: str, part: str
) -> list[str]:
    up_to = [f"to {level}" for level in levels] if part == "up_to_priority" else _titles(levels)
    rows: list[Sequence[str]] = [(title, *up_to, "all")]
    for policy, figures in by_policy.items():
        ratios = figures[name]
        cells = (*(ratios[part][level] for level in levels), ratios["overall"])
        rows.append((policy, *(_cell(cell, 3) for cell in cells)))
    return aligned(rows)


def _titles(levels: Sequence[str]) -> list[str]:
    return [f"level {level}" for level in levels]


def _ratio(value: float | None, over: float | None) -> float | None:
    return round(value / over, 6) if value is not None and over else None


def _cell(value: float | None, decimals: int = 2) -> str:
    return "–" if value is None else f"{value:.{decimals}f}"
