"""The commands `simulate` and `compare`, without Django.

The clock that measures the real time of the simulation is an argument.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from scheduling.comparisons.compare import compare
from scheduling.core.policies import POLICIES
from scheduling.files import write_whole
from scheduling.management.options import Options, loaded_workload, simulation_of, workload_of
from scheduling.paper.replica import PUBLISHED_POLICIES
from scheduling.paper.simulate import simulate
from scheduling.reports.comparison import comparison
from scheduling.reports.run_report import table, to_json, trace_lines

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
    loaded = loaded_workload(options)
    published = options["batching"] == "published"
    names = list(PUBLISHED_POLICIES if published else POLICIES)
    base = simulation_of(options, names[0], options["batching"])
    found = compare(loaded.works, names, base, clock)
    if options["json"]:
        content = {"policies": found.policies, "bounds": found.bounds_json}
        return json.dumps(content | ({"notes": list(loaded.notes)} if loaded.notes else {}))
    return "\n\n".join(
        [
            *(["\n".join(loaded.notes)] if loaded.notes else []),
            comparison(found.policies, found.limits),
        ]
    )
