"""The section of docs/RESULTS.md about the speed of the simulator and of its decisions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import log
from pathlib import Path
from typing import Any

from scheduling.paper.figures import PUBLISHED_DECISION_SECONDS, PUBLISHED_RUN_SECONDS
from scheduling.reports.markdown import markdown_table

Record = Mapping[str, Any]

_PUBLISHED_REQUESTS = 1002


def speed_section(folder: Path, page: Path) -> str:
    path = folder / "speed.json"
    if not path.exists():
        return "## Speed\n\nNot recorded yet: `python bench/simulator_bench.py`.\n"
    speed = json.loads(path.read_text(encoding="utf-8"))
    plot = (folder / "decision_cost.svg").relative_to(page.parent).as_posix()
    return "\n".join(
        [
            "## Speed",
            "",
            f"Measured with Python {speed['python']}, one process, by wall clock.",
            "",
            "### One decision",
            "",
            (
                "A decision frees a slot, admits the best waiting request and queues a new one. "
                "Its cost grows with the logarithm of the number of waiting requests (two heap "
                "operations). The published program empties and refills its queue instead."
            ),
            "",
            *_decisions(speed["decisions"]),
            "",
            f"![Cost of one decision by number of waiting requests]({plot})",
            "",
            "### One run",
            "",
            *_runs(speed["runs"]),
            "",
            _growth(speed["runs"]),
            "",
        ]
    )


def _decisions(decisions: Sequence[Record]) -> list[str]:
    waiting = sorted({d["waiting"] for d in decisions})
    cost = {(d["policy"], d["waiting"]): d["microseconds"] for d in decisions}
    rows: list[Sequence[str]] = [
        (policy, *(f"{cost[policy, number]:.1f}" for number in waiting))
        for policy in dict.fromkeys(d["policy"] for d in decisions)
    ]
    published = " / ".join(f"{1000 * s:.1f}" for s in PUBLISHED_DECISION_SECONDS.values())
    sizes = " / ".join(f"{size:,}" for size in PUBLISHED_DECISION_SECONDS)
    head = ("microseconds by waiting requests", *(f"{number:,}" for number in waiting))
    return [
        *markdown_table(head, rows),
        "",
        f"The published program takes {published} ms for up to {sizes} waiting requests.",
    ]


def _runs(runs: Sequence[Record]) -> list[str]:
    rows = [
        (
            f"{r['policy']}, {r['batching']}",
            f"{r['num_requests']:,}",
            f"{r['seconds']:.3f}",
            f"{r['cpu_seconds']:.3f}",
            f"{1e6 * r['seconds'] / r['num_requests']:.1f}",
            f"{r['peak_mib']:.0f}",
            _times_faster(r),
        )
        for r in runs
    ]
    head = ("", "requests", "seconds", "CPU seconds", "μs per request", "peak MiB", "times faster")
    return [
        *markdown_table(head, rows),
        "",
        (
            "*times faster* compares with the published program, which takes "
            f"{PUBLISHED_RUN_SECONDS:.0f} s of real time for the same {_PUBLISHED_REQUESTS:,} "
            "requests."
        ),
    ]


def _times_faster(run: Record) -> str:
    if run["num_requests"] != _PUBLISHED_REQUESTS:
        return "–"
    return f"{PUBLISHED_RUN_SECONDS / run['seconds']:,.0f}"


def _growth(runs: Sequence[Record]) -> str:
    ours = sorted((r for r in runs if r["batching"] == "ours"), key=lambda r: r["num_requests"])
    first, last = ours[0], ours[-1]
    small, large = first["num_requests"], last["num_requests"]
    factor = (last["cpu_seconds"] / large) / (first["cpu_seconds"] / small)
    return (
        f"From {small:,} to {large:,} requests the CPU time per request grows {factor:.2f} "
        f"times; log n grows {log(large) / log(small):.2f} times."
    )
