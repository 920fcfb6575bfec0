"""Several policies on one load, beside FCFS and the bound. The command and the pages use this."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from scheduling.comparisons.figures import policy_figures
from scheduling.comparisons.series import series_of
from scheduling.paper.simulate import Batching, Simulation, simulate
from scheduling.reports.comparison import ratios_to_bound, ratios_to_fcfs
from scheduling.simulator.bounds import Bounds, bounds
from scheduling.simulator.outcome import Run
from scheduling.simulator.workload import Work

Clock = Callable[[], float]
Progress = Callable[[float], None]  # told the share that is done, 0 to 1; may raise to stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """`policies` and `bounds_json` are what the command prints; `series` is for charts."""

    policies: dict[str, dict[str, Any]]
    limits: Bounds
    series: dict[str, dict[str, Any]]

    @property
    def bounds_json(self) -> dict[str, Any]:
        return bounds_json(self.limits)


def compare(
    works: Sequence[Work],
    policies: Sequence[str],
    base: Simulation,
    clock: Clock,
    progress: Progress = lambda share: None,
) -> Compared:
    """Runs every policy with the other choices of `base`.

    Raises NotPossible, CannotFit, or ValueError for ids that are there twice, and whatever
    `progress` raises.
    """
    meter = _Meter(progress, num_runs=len(policies) + 1, num_requests=len(works))
    by_policy: dict[str, dict[str, Any]] = {}
    series: dict[str, dict[str, Any]] = {}
    for policy in policies:
        start = clock()
        run = simulate(replace(base, policy=policy), works, meter.during)
        by_policy[policy] = policy_figures(run, base.deadlines_seconds, clock() - start)
        series[policy] = series_of(run)
        meter.next_run()
    limits = _bounds(works, base, meter)
    _add_ratios(by_policy, limits)
    progress(1.0)
    return Compared(policies=by_policy, limits=limits, series=series)


def _bounds(works: Sequence[Work], base: Simulation, meter: _Meter) -> Bounds:
    num_before = 0
    alone = replace(base, policy="semantic", batching=Batching.OURS, record_holds=False)

    def replay(own: Sequence[Work]) -> Run:
        nonlocal num_before
        run = simulate(alone, own, lambda num: meter.during(num_before + num))
        num_before += len(own)
        return run

    return bounds(works, base.model, base.num_slots or base.model.num_slots, replay=replay)


def _add_ratios(by_policy: Mapping[str, dict[str, Any]], limits: Bounds) -> None:
    fcfs = by_policy.get("fcfs")
    for figures in by_policy.values():
        if fcfs is not None:
            figures["ratio_to_fcfs"] = ratios_to_fcfs(figures, fcfs)
        figures["ratio_to_bound"] = ratios_to_bound(figures, limits)


class _Meter:
    """Turns the finished requests of one run into a share of all runs."""

    def __init__(self, progress: Progress, *, num_runs: int, num_requests: int) -> None:
        self._progress = progress
        self._num_runs = num_runs
        self._num_requests = max(1, num_requests)
        self._done = 0

    def during(self, num_finished: int) -> None:
        self._progress((self._done + num_finished / self._num_requests) / self._num_runs)

    def next_run(self) -> None:
        self._done += 1
        self._progress(self._done / self._num_runs)


def bounds_json(limits: Bounds) -> dict[str, Any]:
    """Mean responses in seconds that no order can beat; `weighted_sum` as in `Bounds`."""
    return {
        "by_priority": {
            str(priority): {
                "count": bound.count,
                "solo": bound.solo,
                "isolated": bound.isolated,
                "rigorous": bound.rigorous,
                "rigorous_up_to": bound.rigorous_up_to,
            }
            for priority, bound in limits.by_priority.items()
        },
        "overall": limits.overall,
        "weighted_sum": limits.weighted_sum,
    }
