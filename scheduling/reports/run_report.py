"""Figures of a run: a JSON object with fixed keys, and a table for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from scheduling.core.metrics import priority_inversions, summarise
from scheduling.core.request import PRIORITIES
from scheduling.simulator.outcome import Outcome, Run

_DECIMALS = 6


def to_json(run: Run, wall_seconds: float) -> dict[str, Any]:
    """Returns the figures of a run, rounded to microseconds.

    `by_priority` ("0" to "4") and `overall` have summaries of response and of time to first
    token (`ttft_...`), in seconds. A level without a finished request has count 0 and null.
    """
    outcomes = run.outcomes
    tokens = sum(outcome.output_tokens for outcome in outcomes)
    waits = ((o.priority, o.queued_seconds, o.started_seconds) for o in outcomes)
    return {
        "by_priority": {
            str(priority): _figures([o for o in outcomes if o.priority == priority])
            for priority in PRIORITIES
        },
        "overall": _figures(outcomes),
        "num_requests": run.num_requests,
        "finished": len(outcomes),
        "makespan_seconds": _rounded(run.makespan_seconds),
        "busy_seconds": _rounded(run.busy_seconds),
        "tokens_per_second": _rounded(tokens / run.makespan_seconds if run.makespan_seconds else 0),
        "effective_batch": _rounded(
            run.decode_tokens / run.decode_steps if run.decode_steps else 0
        ),
        "kv_utilisation": _rounded(run.kv_utilisation),
        "prefill_passes": run.prefill_passes,
        "preemptions": run.preemptions,
        "evictions": run.evictions,
        "recomputed_tokens": run.recomputed_tokens,
        "priority_inversions": priority_inversions(waits),
        "wall_seconds": _rounded(wall_seconds),
    }


def _figures(outcomes: Iterable[Outcome]) -> dict[str, Any]:
    outcomes = list(outcomes)
    response = summarise(outcome.response_seconds for outcome in outcomes)
    ttft = summarise(outcome.ttft_seconds for outcome in outcomes)
    names = ("mean", "p50", "p90", "p95", "p99", "max")
    figures: dict[str, Any] = {"count": len(outcomes)}
    figures |= {name: response and _rounded(getattr(response, name)) for name in names}
    return figures | {f"ttft_{name}": ttft and _rounded(getattr(ttft, name)) for name in names}


def _rounded(value: float) -> float:
    return round(float(value), _DECIMALS)


def trace_lines(run: Run) -> Iterable[str]:
    """Yields CSV lines: a header, then one line per request in order of completion."""
    yield (
        "id,priority,output_tokens,queued_seconds,started_seconds,finished_seconds,"
        "response_seconds,ttft_seconds\n"
    )
    for o in run.outcomes:
        times = (
            o.queued_seconds,
            o.started_seconds,
            o.finished_seconds,
            o.response_seconds,
            o.ttft_seconds,
        )
        yield f"{o.id},{o.priority},{o.output_tokens}," + ",".join(f"{t:.9f}" for t in times) + "\n"


def table(figures: dict[str, Any]) -> str:
    """Returns a table of responses in seconds by level, and sentences about the whole run."""
    columns = ("count", "mean", "p50", "p90", "p95", "p99", "max", "ttft_mean")
    rows = [("level", *columns[:-1], "first token")]
    for name, line in (*figures["by_priority"].items(), ("all", figures["overall"])):
        rows.append((name, *(_cell(line[column]) for column in columns)))
    return "\n".join([*aligned(rows), "", *_sentences(figures)])


def _sentences(figures: dict[str, Any]) -> list[str]:
    f = figures
    kv_percent = 100 * f["kv_utilisation"]
    whole = (
        f"finished {f['finished']} of {f['num_requests']} in {f['makespan_seconds']:.2f} s; "
        f"{f['tokens_per_second']:.1f} tokens/s; "
        f"effective batch {f['effective_batch']:.2f}; KV use {kv_percent:.1f} %"
    )
    moves = (
        f"preemptions {f['preemptions']}, evictions {f['evictions']}, "
        f"recomputed tokens {f['recomputed_tokens']}, "
        f"priority inversions {f['priority_inversions']}"
    )
    lost = f["num_requests"] - f["finished"]
    starved = [f"{lost} never finished: the published memory rule starves them"] if lost else []
    return [whole, moves, *starved, f"simulated in {1000 * f['wall_seconds']:.1f} ms"]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Returns lines with aligned columns: the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _cell(value: float | int | None) -> str:
    if value is None:
        return "–"
    return str(value) if isinstance(value, int) else f"{value:.2f}"
