"""docs/RESULTS.md, written from what the experiments and the benchmark have recorded."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from scheduling.core.policies import POLICIES
from scheduling.simulator.bounds import bounds
from scheduling.simulator.experiment_output import TITLES
from scheduling.simulator.experiments import read_points
from scheduling.simulator.files import write_whole
from scheduling.simulator.hardware import SETTINGS
from scheduling.simulator.published_figures import (
    PUBLISHED_DECISION_SECONDS,
    PUBLISHED_RUN_SECONDS,
    REFERENCE_MEANS,
    PublishedFigures,
    published_figures,
)
from scheduling.simulator.report import to_json
from scheduling.simulator.simulate import Batching, Simulation, simulate

Record = Mapping[str, Any]

_INTRODUCTION = """# Results

Written by `python manage.py experiments report` from the records in `docs/results`; the records
are made by `python manage.py experiments all` and `python bench/simulator_bench.py`. Times are
virtual seconds of response, predictors included, for seed 0 of the published random stream.
*published* is the batching rule of "Semantic Scheduling for LLM Inference" (arXiv 2506.12204),
*ours* the scheduler of `scheduling/core`, which also orders the live engine.
"""


def write_results_page(recorded: Path, page: Path) -> Path:
    """Sections whose records are missing say so."""
    by_experiment = {name: list(read_points(recorded / name).values()) for name in TITLES}
    sections = [_INTRODUCTION, _head_to_head(), _published_section(by_experiment["published"])]
    for name in ("gap", "latency", "length-error", "priority-error"):
        sections.append(_experiment_section(name, by_experiment[name], recorded / name, page))
    sections.append(_speed_section(recorded / "speed", page))
    write_whole(page, "\n".join(sections))
    return page


def _head_to_head() -> str:
    """The configuration that the paper's claim rests on, level by level. Run anew: it is fast."""
    figures = next(
        f for f in published_figures() if f.key == "semantic/A100_4B/gap0.01/max50/batch16"
    )
    works, model = figures.workload(), SETTINGS[figures.setting]

    def rerun(policy: str, batching: Batching) -> dict[str, Any]:
        simulation = Simulation(policy=policy, model=model, batching=batching)
        return to_json(simulate(simulation, works), wall_seconds=0.0)

    ours = {policy: rerun(policy, Batching.OURS) for policy in POLICIES}
    again = rerun("semantic", Batching.PUBLISHED)
    limits = bounds(works, model, figures.num_seats)
    rows: list[Sequence[str]] = [
        ("semantic, as the paper's program reports", *_numbers([*figures.means, figures.mean])),
        ("semantic, published rule, here", *_means(again)),
    ]
    rows += [(f"{policy}, ours", *_means(run)) for policy, run in ours.items()]
    rows.append(("strict order without prefill stalls", *_numbers(REFERENCE_MEANS), "–"))
    rows.append(
        (
            "no order can beat, each level alone",
            *_numbers(bound.rigorous for bound in limits.by_priority.values()),
            f"{limits.overall:.2f}",
        )
    )
    own = [ours["semantic"]["by_priority"][str(p)]["mean"] for p in range(5)]
    rest = ", ".join(f"{m / r:.3f}" for m, r in zip(own, REFERENCE_MEANS, strict=True))
    run = ours["semantic"]
    return "\n".join(
        [
            "## The paper's load, level by level",
            "",
            "A100_4B, gap 0.01 s, groups of at most 50: 495 requests in 0.2 s on 16 seats.",
            "",
            *_table(("", "0", "1", "2", "3", "4", "all"), rows),
            "",
            (
                f"Ours stands at {rest} times the reference, level by level. What the rest is made "
                f"of: {run['prefill_passes']} prefill passes, in which decoding stands still "
                "(each passes the next requests in order too, since a pass costs what its longest "
                "prompt costs; without that there would be one pass for nearly every request, and "
                "the run would take a tenth longer); lengths known to within 50 tokens only; and "
                f"seats that empty at the end (effective batch {run['effective_batch']:.2f} of 16)."
            ),
            "",
        ]
    )


def _published_section(points: Sequence[Record]) -> str:
    if not points:
        return _missing("published")
    found = {(p["configuration"], p["batching"]): p for p in points}
    rows = []
    for figures in published_figures():
        again = found.get((figures.key, "published"))
        ours = found.get((figures.key, "ours"))
        if again is not None and ours is not None:
            rows.append(_published_row(figures, again, ours))
    head = ("configuration", "reported", "published rule here", "worst level off by", "evictions")
    return "\n".join(
        [
            f"## {TITLES['published']}",
            "",
            (
                "Means over all levels in seconds, and the level whose mean is furthest off. Where "
                "nothing is evicted, what is left is the order of float additions. Where something "
                "is, the memory rule was rebuilt from its description: which of several victims of "
                "equal rank goes first is not known there."
            ),
            "",
            *_table((*head, "ours", "ours / reported"), rows),
            "",
        ]
    )


def _published_row(figures: PublishedFigures, again: Record, ours: Record) -> Sequence[str]:
    off = max(
        abs(again["by_priority"][str(level)]["mean"] / mean - 1)
        for level, mean in enumerate(figures.means)
    )
    mean = ours["overall"]["mean"]
    return (
        figures.key,
        f"{figures.mean:.2f}",
        f"{again['overall']['mean']:.2f}",
        f"{100 * off:.3f} %",
        str(figures.evictions),
        f"{mean:.2f}",
        f"{mean / figures.mean:.3f}",
    )


def _experiment_section(name: str, points: Sequence[Record], folder: Path, page: Path) -> str:
    if not points:
        return _missing(name)
    shows = (folder / "README.md").read_text(encoding="utf-8").split("\n\n")[1]
    plots = [
        f"![{path.stem}]({path.relative_to(page.parent).as_posix()})"
        for path in sorted(folder.glob("*.svg"))
    ]
    link = folder.relative_to(page.parent).as_posix()
    return "\n".join(
        [
            f"## {TITLES[name]}",
            "",
            shows,
            "",
            *_table(*_digest(name, points)),
            "",
            *plots,
            "",
            f"All {len(points)} simulations: [{link}]({link}/README.md).",
            "",
        ]
    )


def _digest(name: str, points: Sequence[Record]) -> tuple[Sequence[str], list[Sequence[str]]]:
    """A few rows of the experiment: mean of level 0 and of all, by policy and rule."""
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


def _speed_section(folder: Path, page: Path) -> str:
    path = folder / "speed.json"
    if not path.exists():
        return "## Speed\n\nNot recorded yet: `python bench/simulator_bench.py`.\n"
    speed = json.loads(path.read_text(encoding="utf-8"))
    decisions = [
        (f"{d['policy']}, {d['waiting']:,} waiting", f"{d['microseconds']:.1f}")
        for d in speed["decisions"]
    ]
    decisions += [
        (f"published program, up to {waiting:,} waiting", f"{1e6 * seconds:.0f}")
        for waiting, seconds in PUBLISHED_DECISION_SECONDS.items()
    ]
    runs = [
        (
            f"{r['policy']}, {r['batching']}",
            f"{r['num_requests']:,}",
            f"{r['seconds']:.3f}",
            f"{r['cpu_seconds']:.3f}" if "cpu_seconds" in r else "–",
            f"{1e6 * r['seconds'] / r['num_requests']:.1f}",
            f"{r['peak_mib']:.0f}",
            f"{PUBLISHED_RUN_SECONDS / 1002 * r['num_requests'] / r['seconds']:.0f}",
        )
        for r in speed["runs"]
    ]
    plot = (folder / "decision_cost.svg").relative_to(page.parent).as_posix()
    head = ("", "requests", "seconds", "of CPU", "microseconds each", "peak MiB", "x published")
    return "\n".join(
        [
            "## Speed",
            "",
            (
                "A decision: a seat is freed, the best waiting request takes it, a newcomer is "
                "queued. Its cost grows with the logarithm of what waits (two heap moves), while "
                "the published program drains its queue."
            ),
            "",
            *_table(("microseconds a decision", ""), decisions),
            "",
            f"![decision cost]({plot})",
            "",
            (
                f"Whole runs, against {PUBLISHED_RUN_SECONDS:.0f} s that the published program "
                "takes for 1,002 requests, per request:"
            ),
            "",
            *_table(head, runs),
            "",
        ]
    )


def _missing(name: str) -> str:
    return f"## {TITLES[name]}\n\nNot recorded yet: `python manage.py experiments {name}`.\n"


def _means(figures: Record) -> list[str]:
    levels = [figures["by_priority"][str(level)]["mean"] for level in range(5)]
    return _numbers([*levels, figures["overall"]["mean"]])


def _numbers(values: Iterable[float]) -> list[str]:
    return [f"{value:.2f}" for value in values]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        "| " + " | ".join(head) + " |",
        "|" + "---|" + "--:|" * (len(head) - 1),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]
