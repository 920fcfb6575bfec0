"""The paper's experiments for all policies and both batching rules. A run can be resumed."""

from __future__ import annotations

import json
import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from scheduling.core.policies import POLICIES
from scheduling.paper.figures import published_figures
from scheduling.paper.records import UNFINISHED, read_points, recorded, write_table
from scheduling.paper.replica import PUBLISHED_POLICIES
from scheduling.paper.simulate import Batching, Simulation, simulate
from scheduling.reports.run_report import to_json
from scheduling.simulator.bounds import bounds
from scheduling.simulator.error_models import ErrorModel
from scheduling.simulator.hardware import SETTINGS
from scheduling.simulator.predictors import PredictorMode, PredictorModel
from scheduling.simulator.workload import WorkloadSpec, generate

_LOADED: Final = {"gap_seconds": 0.01, "max_concurrent": 20}
_AS_PUBLISHED: Final = {"gap_seconds": 1.0, "max_concurrent": 5}


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One simulation of an experiment. `labels` are its columns in tables and plots."""

    policy: str
    batching: str
    setting: str
    num_slots: int
    spec: WorkloadSpec
    labels: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        parts = [self.policy, self.batching, self.setting, f"slots{self.num_slots}"]
        return "/".join(parts + [f"{name}={value}" for name, value in self.labels.items()])


def gap_points() -> Iterator[Point]:
    for setting in SETTINGS.values():
        last = 10.0 if setting.name == "A100_4B" else 5.0
        for gap in (0.01, 0.1, 1.0, last):
            for concurrent in (5, 10, 20, 50, 100):
                spec = WorkloadSpec(gap_seconds=gap, max_concurrent=concurrent)
                labels = {"gap_seconds": gap, "max_concurrent": concurrent}
                yield from _all_policies(spec, labels, setting.name, setting.num_slots)


def latency_points() -> Iterator[Point]:
    for mode in PredictorMode:
        for seconds in (0.001, 0.01, 0.1, 1.0):
            for concurrent in (4, 16, 32, 64):
                for batch in (4, 16, 32, 64):
                    predictor = PredictorModel(batch_size=batch, mode=mode, batch_seconds=seconds)
                    spec = WorkloadSpec(
                        gap_seconds=1.0, max_concurrent=concurrent, predictor=predictor
                    )
                    labels = {
                        "mode": mode.value,
                        "latency_seconds": seconds,
                        "max_concurrent": concurrent,
                        "predictor_batch": batch,
                    }
                    yield from _all_policies(spec, labels)


def length_error_points() -> Iterator[Point]:
    yield from _error_points("length_error")


def priority_error_points() -> Iterator[Point]:
    yield from _error_points("priority_error")


def _error_points(name: str) -> Iterator[Point]:
    for load in (_AS_PUBLISHED, _LOADED):
        for step in range(11):
            for corrected in (False, True):
                rate = step / 10
                error = ErrorModel(rate=rate, distance=rate, corrected=corrected)
                spec = WorkloadSpec(**load, **{name: error})  # type: ignore[arg-type]
                labels = {
                    "max_concurrent": load["max_concurrent"],
                    "gap_seconds": load["gap_seconds"],
                    "rate": rate,
                    "errors": "corrected" if corrected else "as published",
                }
                for point in _all_policies(spec, labels):
                    # The published rule has the published errors only.
                    if not corrected or point.batching == Batching.OURS:
                        yield point


def published_points() -> Iterator[Point]:
    """Yields the configurations with published figures, for the published rule and for ours."""
    for figures in published_figures():
        spec = WorkloadSpec(gap_seconds=figures.gap_seconds, max_concurrent=figures.max_concurrent)
        for batching in Batching:
            yield Point(
                policy=figures.policy,
                batching=batching.value,
                setting=figures.setting,
                num_slots=figures.num_slots,
                spec=spec,
                labels={"configuration": figures.key},
            )


EXPERIMENTS: Final[dict[str, Callable[[], Iterator[Point]]]] = {
    "published": published_points,
    "gap": gap_points,
    "latency": latency_points,
    "length-error": length_error_points,
    "priority-error": priority_error_points,
}


def points_of(experiment: str, largest_group: int | None = None) -> list[Point]:
    """Returns the points, small groups first. Skips groups larger than `largest_group`."""
    points = EXPERIMENTS[experiment]()
    chosen = [p for p in points if largest_group is None or p.spec.max_concurrent <= largest_group]
    return sorted(chosen, key=lambda point: point.spec.max_concurrent)


def run_point(point: Point) -> dict[str, Any]:
    """Simulates a point. Returns its labels, its figures, and the bound of its workload."""
    model = SETTINGS[point.setting]
    works = generate(point.spec)
    simulation = Simulation(
        policy=point.policy,
        model=model,
        batching=Batching(point.batching),
        num_slots=point.num_slots,
    )
    figures = to_json(simulate(simulation, works), wall_seconds=0.0)
    del figures["wall_seconds"]
    return recorded(
        {
            "key": point.key,
            "policy": point.policy,
            "batching": point.batching,
            "setting": point.setting,
            "num_slots": point.num_slots,
            **point.labels,
            "bound": bounds(works, model, point.num_slots).overall,
            **figures,
        }
    )


def run_experiment(
    experiment: str,
    out: Path,
    *,
    num_processes: int,
    progress: Callable[[int, int], None],
    largest_group: int | None = None,
) -> list[dict[str, Any]]:
    """Runs the points that are not recorded. Returns all recorded points, sorted by key.

    It can be interrupted at any time. Recorded points are not run again.
    """
    folder = out / experiment
    folder.mkdir(parents=True, exist_ok=True)
    done = read_points(folder)
    points = points_of(experiment, largest_group)
    todo = [point for point in points if point.key not in done]
    num_done = len(points) - len(todo)
    progress(num_done, len(points))
    with (folder / UNFINISHED).open("a", encoding="utf-8") as lines:
        lines.write("\n")  # ends a partial line of an interrupted run
        for result in _results(todo, num_processes):
            done[result["key"]] = result
            lines.write(json.dumps(result) + "\n")
            lines.flush()
            num_done += 1
            progress(num_done, len(points))
    in_order = [point for _, point in sorted(done.items())]
    write_table(folder, in_order)
    (folder / UNFINISHED).unlink()
    return in_order


def _results(todo: list[Point], num_processes: int) -> Iterable[dict[str, Any]]:
    if num_processes == 1 or len(todo) < 2:
        yield from map(run_point, todo)
        return
    # Spawn, because a fork would copy locks that threads of this process hold.
    # Ctrl-C also reaches the child processes; they ignore it, and the parent ends them.
    ignore_interrupt = (signal.SIGINT, signal.SIG_IGN)
    context = multiprocessing.get_context("spawn")
    with context.Pool(num_processes, signal.signal, ignore_interrupt) as pool:
        yield from pool.imap_unordered(run_point, todo)


def _all_policies(
    spec: WorkloadSpec, labels: dict[str, Any], setting: str = "A100_4B", num_slots: int = 16
) -> Iterator[Point]:
    for batching in Batching:
        for policy in PUBLISHED_POLICIES if batching is Batching.PUBLISHED else POLICIES:
            yield Point(
                policy=policy,
                batching=batching.value,
                setting=setting,
                num_slots=num_slots,
                spec=spec,
                labels=labels,
            )
