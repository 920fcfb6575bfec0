"""A table of levels as a picture: rows are the label, columns the decision."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from scheduling.files import writing
from triage_site.triage.types import NUM_PRIORITIES


def draw(counts: Sequence[Sequence[int]], title: str, path: Path) -> None:
    """Writes a PNG. Raises CannotUse."""
    figure = Figure(figsize=(5.2, 4.6), layout="constrained")
    axes = figure.subplots()
    shares = [[number / max(1, sum(row)) for number in row] for row in counts]
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    names = [f"{level} ({level + 1})" for level in range(NUM_PRIORITIES)]
    axes.set_xticks(range(NUM_PRIORITIES), names)
    axes.set_yticks(range(NUM_PRIORITIES), names)
    axes.set_xlabel("decided priority (level of the scale)")
    axes.set_ylabel("label")
    axes.set_title(title)
    for at, row in enumerate(counts):
        for to, number in enumerate(row):
            colour = "white" if shares[at][to] > 0.6 else "black"
            axes.text(to, at, str(number), ha="center", va="center", color=colour)
    with writing(path):
        figure.savefig(path, dpi=120, format="png")
