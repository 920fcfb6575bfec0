"""Speed of the simulator and of its decisions: `python bench/simulator_bench.py [--out DIR]`.

Prints ratios to the published program, writes `speed.json` and a plot, and writes
docs/RESULTS.md again. Each run has its own process, so peak memory is that of one run.
Use a machine without other load.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import platform
import resource
import sys
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scheduling.core.policies import POLICIES
from scheduling.core.request import Request
from scheduling.core.scheduler import Scheduler
from scheduling.files import write_whole
from scheduling.paper.figures import PUBLISHED_DECISION_SECONDS, PUBLISHED_RUN_SECONDS
from scheduling.paper.replica import PUBLISHED_POLICIES
from scheduling.paper.results_page import write_results_page
from scheduling.paper.simulate import Batching, Simulation, simulate
from scheduling.reports.plots import COLOURS, Line, NoPlots, Panel, save
from scheduling.simulator.hardware import SETTINGS
from scheduling.simulator.workload import WorkloadSpec, generate

WAITING = (1_000, 10_000, 100_000, 1_000_000)
RUNS = ((100, 20), (100, 200), (100, 2000))  # largest group, number of groups
_NUM_DECISIONS = 1_000


def request(number: int) -> Request:
    """Returns a request; levels and lengths are spread evenly, without random numbers."""
    return Request(
        id=str(number),
        arrival_seconds=float(number),
        priority=number * 7 % 5,
        prompt_tokens=100,
        predicted_tokens=50 * (number * 7919 % 11),
    )


def decision_microseconds(num_waiting: int, policy: str) -> float:
    """Returns the median time of 1,000 decisions: free a slot, admit the best, queue a new one."""
    scheduler = Scheduler(policy=POLICIES[policy], num_slots=16)
    for number in range(num_waiting + 16):
        scheduler.add(request(number))
    running = list(scheduler.schedule(0.0).running)
    costs = []
    for number in range(num_waiting + 16, num_waiting + 16 + _NUM_DECISIONS):
        new_request = request(number)
        start = perf_counter()
        scheduler.advance_all(1, 0.0)
        scheduler.discard(running.pop(0))
        scheduler.add(new_request)
        batch = scheduler.schedule(0.0)
        costs.append(perf_counter() - start)
        running = [r for r in running if r in batch.running] + list(batch.admitted)
    return 1e6 * median(costs)


def run_seconds(largest_group: int, num_groups: int, policy: str, batching: str) -> dict[str, Any]:
    works = generate(
        WorkloadSpec(gap_seconds=0.01, max_concurrent=largest_group, num_groups=num_groups)
    )
    repeats = 9 if len(works) < 5_000 else 3 if len(works) < 50_000 else 1
    simulation = Simulation(policy=policy, model=SETTINGS["A100_4B"], batching=Batching(batching))
    times, cpu_times = [], []
    for _ in range(repeats):
        start, cpu_start = perf_counter(), process_time()
        simulate(simulation, works)
        times.append(perf_counter() - start)
        cpu_times.append(process_time() - cpu_start)
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "num_requests": len(works),
        "policy": policy,
        "batching": batching,
        "seconds": min(times),
        "cpu_seconds": min(cpu_times),
        "peak_mib": peak_kib / 1024,
    }


def in_own_process(function: Any, *arguments: Any) -> Any:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def measure() -> dict[str, Any]:
    decisions = [
        {
            "waiting": n,
            "policy": policy,
            "microseconds": in_own_process(decision_microseconds, n, policy),
        }
        for policy in ("semantic", "semantic_due")
        for n in WAITING
    ]
    runs = [in_own_process(run_seconds, *size, "semantic", "ours") for size in RUNS]
    runs += [in_own_process(run_seconds, *RUNS[0], p, "published") for p in PUBLISHED_POLICIES]
    return {"python": platform.python_version(), "decisions": decisions, "runs": runs}


def plot(speed: dict[str, Any], folder: Path) -> None:
    lines = [
        Line(
            label=f"{policy}, here",
            colour=COLOURS[policy],
            style=":" if policy == "semantic_due" else "-",
            x=[d["waiting"] for d in speed["decisions"] if d["policy"] == policy],
            y=[d["microseconds"] for d in speed["decisions"] if d["policy"] == policy],
        )
        for policy in ("semantic", "semantic_due")
    ]
    published = Line(
        label="published program",
        colour="#475569",
        x=list(PUBLISHED_DECISION_SECONDS),
        y=[1e6 * seconds for seconds in PUBLISHED_DECISION_SECONDS.values()],
        style="--",
    )
    panel = Panel(
        title="Cost of one decision",
        x_label="requests waiting",
        y_label="microseconds",
        lines=[*lines, published],
        log_x=True,
    )
    save([panel], folder, "decision_cost")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path(__file__).resolve().parent.parent / "docs" / "results" / "speed"
    parser.add_argument("--out", type=Path, default=default)
    out = parser.parse_args().out
    speed = measure()
    write_whole(out / "speed.json", json.dumps(speed, indent=1) + "\n")
    for d in speed["decisions"]:
        ratio = 1e6 * PUBLISHED_DECISION_SECONDS[4096] / d["microseconds"]
        print(
            f"{d['policy']:<13} {d['waiting']:>9} waiting  {d['microseconds']:8.1f} us a decision"
            f"  {ratio:7.0f} x the published one at 4,096"
        )
    for r in speed["runs"]:
        rate = 1e6 * r["seconds"] / r["num_requests"]
        faster = f"  {PUBLISHED_RUN_SECONDS / r['seconds']:6.0f} x the published program"
        print(
            f"{r['policy']:<9} {r['batching']:<10} {r['num_requests']:>7} requests "
            f"{r['seconds']:8.3f} s ({r['cpu_seconds']:.3f} s of CPU)  {rate:6.1f} us each  "
            f"{r['peak_mib']:6.0f} MiB{faster if r['num_requests'] == 1002 else ''}"
        )
    try:
        plot(speed, out)
    except NoPlots as error:
        print(error)
    if out == default:
        print(f"wrote {write_results_page(out.parent, out.parent.parent / 'RESULTS.md')}")


if __name__ == "__main__":
    main()
