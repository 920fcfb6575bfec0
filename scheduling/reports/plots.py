"""Plots of recorded results, as SVG and PNG. Only this module needs matplotlib."""

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
    """matplotlib is not installed; the message says how to install it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a panel."""

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
    log_y: bool = True  # a log scale if the range is wide


def save(panels: Sequence[Panel], folder: Path, name: str) -> list[Path]:
    """Writes `name`.svg and `name`.png. Raises NoPlots."""
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise NoPlots("plots need matplotlib: pip install matplotlib") from error
    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "semantic-triage"  # equal results give equal bytes
    mpl.rcParams["svg.fonttype"] = "none"  # text stays text: smaller, and searchable
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
    """Writes a PNG with 64 colours, which has a quarter of the size."""
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
        _label(axis.xaxis, _readable_ticks({x for line in panel.lines for x in line.x}))
    values = [y for line in panel.lines for y in line.y]
    if panel.log_y and max(values) > _WIDE * min(values):
        axis.set_yscale("log")
        _label(axis.yaxis, _round_ticks(min(values), max(values)))
    axis.grid(alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)


def _label(axis: Any, ticks: Sequence[float]) -> None:
    """Sets ticks with plain numbers as labels."""
    axis.set_ticks(ticks, [f"{tick:,.0f}" if tick >= 1 else f"{tick:g}" for tick in ticks])
    axis.set_ticks([], minor=True)


def _readable_ticks(values: Iterable[float]) -> list[float]:
    """Returns the values whose labels do not overlap on a log axis."""
    first, *others = sorted(values)
    ticks = [first]
    for value in others:
        if log10(value / ticks[-1]) >= log10(others[-1] / first) / 8:
            ticks.append(value)
    return ticks


def _round_ticks(low: float, high: float) -> list[float]:
    """Returns 1, 2 and 5 times powers of ten in a range; only powers of ten for a wide range."""
    first, last = floor(log10(low)), ceil(log10(high))
    digits = (1, 2, 5) if last - first <= 3 else (1,)
    ticks = [digit * 10.0**power for power in range(first, last + 1) for digit in digits]
    return [tick for tick in ticks if low / 1.5 <= tick <= high * 1.5]


def policy_lines(points: Iterable[Mapping[str, Any]], x_name: str, level: str | None) -> list[Line]:
    """Returns a line for each policy and rule: mean response (s) of a level, or of all, by label.

    `serial` is not included, because its means are about ten times those of the others.
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
    """Dashed for the published rule; dotted for `semantic_due`, which can cover `semantic`."""
    if batching == "published":
        return "--"
    return ":" if policy == "semantic_due" else "-"
