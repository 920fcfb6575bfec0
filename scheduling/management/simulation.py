"""The commands `simulate` and `compare`, without Django.

The clock that measures the real time of the simulation is an argument.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from scheduling.core.policies import POLICIES
from scheduling.management.options import Options, model_of, simulation_of, workload_of
from scheduling.paper.replica import PUBLISHED_POLICIES
from scheduling.paper.simulate import simulate
from scheduling.reports.comparison import comparison, ratios_to_bound, ratios_to_fcfs
from scheduling.reports.run_report import table, to_json, trace_lines
from scheduling.simulator.bounds import Bounds, bounds
from scheduling.simulator.files import write_whole
from scheduling.simulator.outcome import Run
from scheduling.simulator.workload import Work

Clock = Callable[[], float]


def simulate_command(options: Options, clock: Clock) -> str:
    """Returns the text to print. Raises ValueError if the user must correct an option or a
    file."""
    simulation = simulation_of(options, options["policy"], options["batching"])
    works = workload_of(options)
    start = clock()
    run = simulate(simulation, works)
    figures = to_json(run, clock() - start)
    if options["trace"] is not None:
        write_whole(options["trace"], "".join(trace_lines(run)))
    return json.dumps(figures) if options["json"] else table(figures)


def compare_command(options: Options, clock: Clock) -> str:
    """Returns a comparison of all policies on one workload, with FCFS and with the bound.

    Raises ValueError if the user must correct an option or a file.
    """
    works = workload_of(options)
    model = model_of(options)
    published = options["batching"] == "published"
    by_policy: dict[str, dict[str, Any]] = {}
    for policy in PUBLISHED_POLICIES if published else POLICIES:
        start = clock()
        run = simulate(simulation_of(options, policy, options["batching"]), works)
        by_policy[policy] = to_json(run, clock() - start)

    def alone(own: Sequence[Work]) -> Run:
        return simulate(simulation_of(options, "semantic", "ours"), own)

    limits = bounds(works, model, options["batch_size"] or model.num_slots, replay=alone)
    for figures in by_policy.values():
        figures["ratio_to_fcfs"] = ratios_to_fcfs(figures, by_policy["fcfs"])
        figures["ratio_to_bound"] = ratios_to_bound(figures, limits)
    if options["json"]:
        return json.dumps({"policies": by_policy, "bounds": bounds_json(limits)})
    return comparison(by_policy, limits)


def bounds_json(limits: Bounds) -> dict[str, Any]:
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
