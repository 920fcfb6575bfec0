"""Writes docs/RESULTS.md from the records of the experiments and of the benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scheduling.files import write_whole
from scheduling.paper.experiment_output import TITLES, description
from scheduling.paper.experiments import points_of
from scheduling.paper.records import read_points
from scheduling.paper.results_conclusions import conclusions
from scheduling.paper.results_paper import head_to_head, published_section
from scheduling.paper.results_speed import speed_section
from scheduling.reports.markdown import markdown_table

Record = Mapping[str, Any]

_INTRODUCTION = """# Results

`python manage.py experiments report` writes this page from the records in `docs/results`.
`python manage.py experiments all` and `python bench/simulator_bench.py` write the records. Times
are seconds of response in virtual time, predictors included, for seed 0 of the published random
stream. *published* is the batching rule of "Semantic Scheduling for LLM Inference"
(arXiv 2506.12204). *ours* is the scheduler of `scheduling/core`, which the real engine also uses.
[MEASURED.md](MEASURED.md) has measurements of the real queue, engine and models.
"""


def write_results_page(recorded: Path, page: Path) -> Path:
    """Writes the page and returns its path. A section without records says how to make them."""
    points = {name: list(read_points(recorded / name).values()) for name in TITLES}
    sections = [_INTRODUCTION, head_to_head(points["published"], points["gap"])]
    if points["published"]:
        sections.append(published_section(TITLES["published"], points["published"]))
    else:
        sections.append(_missing("published"))
    for name in ("gap", "latency", "length-error", "priority-error"):
        sections.append(_experiment_section(name, points[name], recorded / name, page))
    sections += [conclusions(points), speed_section(recorded / "speed", page)]
    write_whole(page, "\n".join(section for section in sections if section))
    return page


def _experiment_section(name: str, points: Sequence[Record], folder: Path, page: Path) -> str:
    if not points:
        return _missing(name)
    plots = [
        f"![{path.stem}]({path.relative_to(page.parent).as_posix()})"
        for path in sorted(folder.glob("*.svg"))
    ]
    link = folder.relative_to(page.parent).as_posix()
    return "\n".join(
        [
            f"## {TITLES[name]}",
            "",
            description(name),
            "",
            *markdown_table(*_digest(name, points)),
            "",
            *plots,
            "",
            f"{_num_recorded(name, points)}: [{link}]({link}/README.md).",
            "",
        ]
    )


def _num_recorded(name: str, points: Sequence[Record]) -> str:
    """Returns a phrase about the number of recorded simulations."""
    total = len(points_of(name))
    if len(points) >= total:
        return f"All {len(points):,} simulations of the experiment"
    return f"{len(points):,} of {total:,} simulations of the experiment (the others were not run)"


def _digest(name: str, points: Sequence[Record]) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Returns head and rows of a short table: mean of level 0 and of all, by policy and rule."""
    if name == "gap":
        label = "max_concurrent"
        chosen = [p for p in points if p["setting"] == "A100_4B" and p["gap_seconds"] == 0.01]
    elif name == "latency":
        label = "latency_seconds"
        chosen = [
            p
            for p in points
            if (p["mode"], p["max_concurrent"], p["predictor_batch"]) == ("immediate", 16, 16)
        ]
    else:
        label = "rate"
        chosen = [
            p
            for p in points
            if p["max_concurrent"] == 20
            and p["errors"] == "as published"
            and p["rate"] in (0.0, 0.2, 0.5, 1.0)
        ]
    values = sorted({p[label] for p in chosen})
    cells: dict[tuple[str, str], dict[float, str]] = {}
    for p in chosen:
        level_0, overall = p["by_priority"]["0"]["mean"], p["overall"]["mean"]
        cell = f"{'–' if level_0 is None else f'{level_0:.2f}'} / {overall:.2f}"
        cells.setdefault((p["batching"], p["policy"]), {})[p[label]] = cell
    head = ("level 0 / all", *(f"{label.replace('_', ' ')} {value:g}" for value in values))
    rows: list[Sequence[str]] = [
        (f"{policy}, {batching}", *(row.get(value, "–") for value in values))
        for (batching, policy), row in sorted(cells.items())
    ]
    return head, rows


def _missing(name: str) -> str:
    return f"## {TITLES[name]}\n\nNot recorded yet: `python manage.py experiments {name}`.\n"
