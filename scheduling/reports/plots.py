"""Plots of recorded results, as SVG and PNG. Needs matplotlib, which nothing else here does."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from pathlib import Path
from typing import Any, Final

COLOURS: Final[Mapping[str, str]] = {
    "semantic": "#9f1239",
    "semantic_due": "#c2410c",
    "pjf": "#1d4ed8",
    "sjf": "#15803d",
    "fcfs": "#475569",
    "serial": "#a8a29e",
}

_WIDE: Final = 3  # a narrower range needs no log scale


class NoPlots(RuntimeError):
    """matplotlib is not installed; the message says how to get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a panel: who, and its points."""

    label: str
    colour: str
    x: Sequence[float]
    y: Sequence[float]
    style: str = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    title: str
    x_label: str
    y_label: str
    lines: Sequence[Line]
    log_x: bool = False
    log_y: bool = True  # where the range is wide


def save(panels: Sequence[Panel], folder: Path, name: str) -> list[Path]:
    """Writes `name`.svg and `name`.png. Raises NoPlots."""
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise NoPlots("plots need matplotlib: pip install matplotlib") from error
    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "semantic-triage"  # the same results give the same bytes
    mpl.rcParams["svg.fonttype"] = "none"  # text as text: smaller, and it can be searched
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        1, len(panels), figsize=(5.2 * len(panels), 4.4), squeeze=False, layout="constrained"
    )
    for axis, panel in zip(axes[0], panels, strict=True):
        _draw(axis, panel)
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False, fontsize=8)
    paths = [folder / f"{name}.svg", folder / f"{name}.png"]
    figure.savefig(paths[0], metadata={"Date": None})
    _save_png(figure, paths[1])
    pyplot.close(figure)
    return paths


def _save_png(figure: Any, path: Path) -> None:
    """With 64 colours, a quarter of the size: lines and text need no more."""
    from PIL import Image

    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=110, format="png", metadata={"Software": None})
    Image.open(drawn).convert("RGB").quantize(64).save(path, optimize=True)


def _draw(axis: Any, panel: Panel) -> None:
    for line in panel.lines:
        axis.plot(
            line.x,
            line.y,
            label=line.label,
            color=line.colour,
            linestyle=line.style,
            marker="o",
            markersize=3,
            linewidth=1.4,
        )
    axis.set_title(panel.title, fontsize=10)
    axis.set_xlabel(panel.x_label)
    axis.set_ylabel(panel.y_label)
    if panel.log_x:
        axis.set_xscale("log")
        _label(axis.xaxis, _apart({x for line in panel.lines for x in line.x}))
    values = [y for line in panel.lines for y in line.y]
    if panel.log_y and max(values) > _WIDE * min(values):
        axis.set_yscale("log")
        _label(axis.yaxis, _round_steps(min(values), max(values)))
    axis.grid(alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)


def _label(axis: Any, ticks: Sequence[float]) -> None:
    """These places, with their numbers spelt out."""
    axis.set_ticks(ticks, [f"{tick:,.0f}" if tick >= 1 else f"{tick:g}" for tick in ticks])
    axis.set_ticks([], minor=True)


def _apart(places: Iterable[float]) -> list[float]:
    """Those of the measured places whose labels do not run into each other on a log axis."""
    first, *others = sorted(places)
    kept = [first]
    for place in others:
        if log10(place / kept[-1]) >= log10(others[-1] / first) / 8:
            kept.append(place)
    return kept


def _round_steps(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten about a range; powers alone where it is wide."""
    first, last = floor(log10(low)), ceil(log10(high))
    digits = (1, 2, 5) if last - first <= 3 else (1,)
    steps = [digit * 10.0**power for power in range(first, last + 1) for digit in digits]
    return [step for step in steps if low / 1.5 <= step <= high * 1.5]


def policy_lines(points: Iterable[Mapping[str, Any]], x_name: str, level: str | None) -> list[Line]:
    """One line per policy and rule: mean response of a level, or of all, over a label.

    `serial` is left out: an order of magnitude above the others, it would flatten them.
    """
    series: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for point in points:
        figures = point["overall"] if level is None else point["by_priority"][level]
        if figures["mean"] is None or point["policy"] == "serial":
            continue
        name = (str(point["batching"]), str(point["policy"]))
        series.setdefault(name, []).append((float(point[x_name]), figures["mean"]))
    lines = []
    for (batching, policy), values in sorted(series.items()):
        values.sort()
        lines.append(
            Line(
                label=f"{policy}, {batching}",
                colour=COLOURS[policy],
                x=[x for x, _ in values],
                y=[y for _, y in values],
                style=_style(policy, batching),
            )
        )
    return lines


def _style(policy: str, batching: str) -> str:
    """Dashed for the published rule; dotted for what may lie right on top of `semantic`."""
    if batching == "published":
        return "--"
    return ":" if policy == "semantic_due" else "-"
