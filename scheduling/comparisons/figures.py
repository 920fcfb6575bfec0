"""Figures of a run that a comparison adds: share before the deadline, triage effectiveness."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import fsum
from typing import Any, Final

from scheduling.core.request import PRIORITIES
from scheduling.reports.run_report import to_json
from scheduling.simulator.outcome import Outcome, Run

# The levels whose patients are time-critical: 0 Resuscitation and 1 Emergent.
TIME_CRITICAL: Final = (0, 1)
_DECIMALS: Final = 6


def policy_figures(
    run: Run, deadlines_seconds: Sequence[float], wall_seconds: float
) -> dict[str, Any]:
    """`to_json`, with `before_deadline` for each level and overall, and `triage_effectiveness`.

    `before_deadline` is the share, 0 to 1, of the requests whose guidance started no later than
    the deadline of their true level, counted from the sending; null where there are none.
    """
    figures = to_json(run, wall_seconds)
    for priority in PRIORITIES:
        own = [outcome for outcome in run.outcomes if outcome.priority == priority]
        figures["by_priority"][str(priority)]["before_deadline"] = _in_time(own, deadlines_seconds)
    figures["overall"]["before_deadline"] = _in_time(run.outcomes, deadlines_seconds)
    figures["triage_effectiveness"] = triage_effectiveness(run.outcomes)
    return figures


def wait_seconds(outcome: Outcome) -> float:
    """From the sending to the first service; response minus the time in service."""
    return outcome.response_seconds - (outcome.finished_seconds - outcome.started_seconds)


def triage_effectiveness(outcomes: Iterable[Outcome]) -> float | None:
    """TE = 1 - mean wait of time-critical requests / mean wait of all; null without either.

    1: the time-critical never wait. 0: they wait as long as all. Below 0: longer. The measure
    of the TriEff package for triage systems, with the wait for the start of guidance.
    """
    waits = [(outcome.priority, wait_seconds(outcome)) for outcome in outcomes]
    critical = [wait for priority, wait in waits if priority in TIME_CRITICAL]
    mean_all = fsum(wait for _, wait in waits) / len(waits) if waits else 0.0
    if not critical or mean_all <= 0:
        return None
    return round(1 - fsum(critical) / len(critical) / mean_all, _DECIMALS)


def _in_time(outcomes: Sequence[Outcome], deadlines_seconds: Sequence[float]) -> float | None:
    if not outcomes:
        return None
    # The rounding keeps a start exactly at the deadline in time, whatever the floats' last bit.
    in_time = sum(
        round(wait_seconds(outcome) - deadlines_seconds[outcome.priority], 9) <= 0
        for outcome in outcomes
    )
    return round(in_time / len(outcomes), _DECIMALS)
