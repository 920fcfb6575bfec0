"""What an experiment leaves beside its table: JSON, plots, and a README of what they show."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from scheduling.reports.plots import NoPlots, Panel, policy_lines, save
from scheduling.simulator.files import write_whole

Points = Sequence[Mapping[str, Any]]

TITLES: Final[Mapping[str, str]] = {
    "published": "The configurations with published figures",
    "gap": "Load: gap between groups, and size of groups",
    "latency": "Latency of the predictors",
    "length-error": "Errors of the length predictor",
    "priority-error": "Errors of the priority predictor",
}

_SHOWS: Final[Mapping[str, str]] = {
    "published": (
        "Each configuration of the paper for which its program's figures are at hand, run again "
        "by its own batching rule and by ours, on the same requests."
    ),
    "gap": (
        "Mean response of level 0 and of all as groups grow, groups 0.01 s apart, on each "
        "setting. Solid and dotted: our work-conserving rule; dashed: the published rule, whose "
        "slots stay empty until the first member's class is done."
    ),
    "latency": (
        "Mean response as each batch of the predictors takes longer, groups of at most 16 sent "
        "1 s apart, predictor batches of 16. Served at once, requests pay the latency and no "
        "more; waiting for full batches costs most of a second before there is any latency."
    ),
    "length-error": (
        "Mean response as more answers' lengths are mistaken, and further off (rate = distance). "
        "Two loads: the paper's default (groups of 5, 1 s apart: slots are mostly free, so order "
        "hardly matters) and a queue (groups of 20, 0.01 s apart). Plotted: the queue."
    ),
    "priority-error": (
        "Mean response, by true level, as more levels are mistaken, and further off (rate = "
        "distance). The same two loads as for lengths. Plotted: the queue."
    ),
}


def shows(experiment: str) -> str:
    """What its plots and tables show, in a few sentences."""
    return _SHOWS[experiment]


def write_outputs(experiment: str, points: Points, folder: Path) -> str | None:
    """JSON, plots and README; returns why there are no plots, or None where there are."""
    lines = ",\n".join(json.dumps(point, separators=(",", ":")) for point in points)
    write_whole(folder / "results.json", f"[\n{lines}\n]\n")
    plots: list[str] = []
    reason = None
    try:
        for name, panels in _panels(experiment, points).items():
            if all(panel.lines for panel in panels):
                plots += [path.name for path in save(panels, folder, name)]
    except NoPlots as error:
        reason = str(error)
    write_whole(folder / "README.md", _readme(experiment, points, plots))
    return reason


def _panels(experiment: str, points: Points) -> dict[str, list[Panel]]:
    if experiment == "gap":
        return {
            f"gap_{setting}": _pair(
                [p for p in points if p["setting"] == setting and p["gap_seconds"] == 0.01],
                "max_concurrent",
                "largest group",
                setting,
                log_x=True,
            )
            for setting in sorted({p["setting"] for p in points})
        }
    if experiment == "latency":
        return {
            f"latency_{mode}": _pair(
                [
                    p
                    for p in points
                    if p["mode"] == mode
                    and p["max_concurrent"] == 16
                    and p["predictor_batch"] == 16
                ],
                "latency_seconds",
                "seconds of a predictor's batch",
                f"predictors {mode}",
                log_x=True,
            )
            for mode in ("immediate", "delayed")
        }
    if experiment.endswith("-error"):
        loaded = [p for p in points if p["max_concurrent"] == 20]
        return {
            f"{experiment}_{errors.replace(' ', '_')}": _pair(
                [p for p in loaded if p["errors"] == errors],
                "rate",
                "share and distance of errors",
                f"errors {errors}",
            )
            for errors in ("as published", "corrected")
        }
    return {}


def _pair(points: Points, x_name: str, x_label: str, what: str, log_x: bool = False) -> list[Panel]:
    return [
        Panel(
            title=f"{title}, {what}",
            x_label=x_label,
            y_label="mean response (s)",
            lines=policy_lines(points, x_name, level),
            log_x=log_x,
        )
        for title, level in (("Level 0", "0"), ("All levels", None))
    ]


def _readme(experiment: str, points: Points, plots: Sequence[str]) -> str:
    largest = max((point.get("max_concurrent", 0) for point in points), default=0)
    lines = [f"# {TITLES[experiment]}", "", _SHOWS[experiment], ""]
    lines += [
        f"{len(points)} simulations" + (f", groups of at most {largest}." if largest else "."),
        "`results.csv` holds the figures, one line per simulation, and `results.json`, written",
        "beside it, the same for programs. Times are seconds of response, predictors included;",
        "`bound` is the mean that no order can beat (the published rule does not charge an",
        "arrival for the rest of the iteration it meets, and may so lie below).",
        "",
    ]
    lines += [f"![{name}]({name})" for name in plots if name.endswith(".svg")]
    return "\n".join(lines).rstrip() + "\n"
