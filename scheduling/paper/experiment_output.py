"""Outputs of an experiment besides its table: JSON, plots, and a README that explains them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from scheduling.files import write_whole
from scheduling.reports.plots import NoPlots, Panel, policy_lines, save

Points = Sequence[Mapping[str, Any]]

TITLES: Final[Mapping[str, str]] = {
    "published": "The configurations with published figures",
    "gap": "Load: gap between groups, and size of groups",
    "latency": "Latency of the predictors",
    "length-error": "Errors of the length predictor",
    "priority-error": "Errors of the priority predictor",
}

_DESCRIPTIONS: Final[Mapping[str, str]] = {
    "published": (
        "Each configuration for which figures of the paper's program are known, simulated with "
        "the published batching rule and with ours, on the same requests."
    ),
    "gap": (
        "Mean response of level 0 and of all levels for larger and larger groups, one group each "
        "0.01 s, on each setting. Solid and dotted lines: our work-conserving rule. Dashed lines: "
        "the published rule, which leaves slots empty until the class of the first member is done."
    ),
    "latency": (
        "Mean response for longer and longer predictor batches, with groups of at most 16, one "
        "group each second, and predictor batches of 16. If predictors serve requests at once, "
        "the response grows by the latency only. If they wait for full batches, requests wait "
        "almost one second even without latency."
    ),
    "length-error": (
        "Mean response for more and larger errors of the predicted length (rate = distance). Two "
        "loads: the paper's default (groups of at most 5, one each second: most slots are free, "
        "so the order has little effect), and a long queue (groups of at most 20, one each "
        "0.01 s). The plots and the table show the long queue."
    ),
    "priority-error": (
        "Mean response, by true level, for more and larger errors of the predicted level (rate = "
        "distance). The loads are those of the length errors. The plots and the table show the "
        "long queue."
    ),
}


def description(experiment: str) -> str:
    """Returns a few sentences about the plots and tables of an experiment."""
    return _DESCRIPTIONS[experiment]


def write_outputs(experiment: str, points: Points, folder: Path) -> str | None:
    """Writes JSON, plots and README. Returns the reason if there are no plots, else None."""
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
    lines = [f"# {TITLES[experiment]}", "", _DESCRIPTIONS[experiment], ""]
    lines += [
        f"{len(points)} simulations" + (f", groups of at most {largest}." if largest else "."),
        "`results.csv` has one line per simulation. `results.json`, which the same command",
        "writes, contains the same figures. Times are seconds of response, predictors included.",
        "`bound` is a mean that no order can beat. The published rule does not count the rest of",
        "the iteration in which a request arrives, so its figures can be below the bound.",
        "",
    ]
    lines += [f"![{name}]({name})" for name in plots if name.endswith(".svg")]
    return "\n".join(lines).rstrip() + "\n"
