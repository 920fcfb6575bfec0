"""How well any order at all could do: lower bounds on the mean response, by class and overall.

Every bound costs O(n log n). Responses count from the sending, predictors included, as in the
reports of `--batching ours`. (The published rule does not charge an arrival for the rest of
the iteration it meets, so its figures may lie below.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from math import fsum

from scheduling.core.request import PRIORITIES
from scheduling.simulator.hardware import ServiceModel
from scheduling.simulator.outcome import Run
from scheduling.simulator.workload import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A request as one machine sees it: seconds of release and size, and a weight."""

    release: float
    size: float
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassBound:
    """Means in seconds of response. `rigorous` holds for every order whatsoever.

    `rigorous_up_to` is the same for all classes up to this one taken together. `isolated` is
    no bound but a yardstick: the class replayed alone, as if there were no other.
    """

    count: int
    solo: float
    rigorous: float
    rigorous_up_to: float
    isolated: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    by_priority: dict[int, ClassBound]
    overall: float
    weighted_sum: float  # Goemans' bound on the sum of weight x response, weights 5 to 1


def bounds(
    works: Sequence[Work],
    model: ServiceModel,
    num_slots: int,
    replay: Callable[[Sequence[Work]], Run] | None = None,
) -> Bounds:
    """All bounds of a workload. `replay` runs one class alone, for the isolated figure."""
    by_priority = {}
    for priority in PRIORITIES:
        own = [work for work in works if work.priority == priority]
        up_to = [work for work in works if work.priority <= priority]
        if own:
            by_priority[priority] = ClassBound(
                count=len(own),
                solo=solo_floor(own, model),
                rigorous=rigorous_mean(own, model, num_slots),
                rigorous_up_to=rigorous_mean(up_to, model, num_slots),
                isolated=_mean_response(replay(own)) if replay else None,
            )
    weights = [float(len(PRIORITIES) - work.priority) for work in works]
    return Bounds(
        by_priority=by_priority,
        overall=rigorous_mean(works, model, num_slots) if works else 0.0,
        weighted_sum=weighted_bound(works, weights, model, num_slots),
    )


def solo_floor(works: Sequence[Work], model: ServiceModel) -> float:
    """Mean response (seconds) if each had the GPU to itself from the moment it arrives.

    Holds for every order, since nothing that others do makes a request's own work shorter.
    """
    return fsum(
        work.predictor_seconds + model.solo_seconds(work.prompt_tokens, work.output_tokens)
        for work in works
    ) / len(works)


def rigorous_mean(works: Sequence[Work], model: ServiceModel, num_slots: int) -> float:
    """Mean response that no order of these requests can beat.

    In an iteration of d seconds with at most s members, each member's own need is at most d,
    so charging it need/s charges at most d in all: any schedule of the GPU is a preemptive
    schedule of one machine with sizes need/s, which SRPT serves with the least sum of
    completion times (Schrage 1968). Requests left out only make room. The larger of this
    and the solo floor is taken.
    """
    tasks = _tasks(works, [1.0] * len(works), model, num_slots)
    waited = fsum(work.predictor_seconds for work in works)
    shared = (srpt_total_response(tasks) + waited) / len(works)
    return max(shared, solo_floor(works, model))


def weighted_bound(
    works: Sequence[Work], weights: Sequence[float], model: ServiceModel, num_slots: int
) -> float:
    """Lower bound on the sum of weight x response (seconds) of any order.

    One `weights` entry per request. The GPU is charged as in `rigorous_mean`; Goemans' bound
    takes the place of SRPT, and the sum of weighted solo times that of the solo floor.
    """
    tasks = _tasks(works, weights, model, num_slots)
    pairs = list(zip(works, weights, strict=True))
    waited = fsum(weight * work.predictor_seconds for work, weight in pairs)
    alone = fsum(
        weight * model.solo_seconds(work.prompt_tokens, work.output_tokens)
        for work, weight in pairs
    )
    return max(goemans_total_response(tasks), alone) + waited


def srpt_total_response(tasks: Iterable[Task]) -> float:
    """Sum of completion minus release (seconds) on one machine that may be interrupted.

    Shortest remaining processing time first, which is optimal (Schrage 1968). O(n log n).
    """
    arriving = sorted(tasks, key=lambda task: task.release)
    present: list[tuple[float, float]] = []  # (remaining, release)
    responses: list[float] = []
    now = 0.0
    index = 0
    while index < len(arriving) or present:
        if not present:
            now = max(now, arriving[index].release)
        while index < len(arriving) and arriving[index].release <= now:
            heappush(present, (arriving[index].size, arriving[index].release))
            index += 1
        remaining, release = heappop(present)
        pause = arriving[index].release - now if index < len(arriving) else remaining
        if remaining <= pause:
            now += remaining
            responses.append(now - release)
        else:
            now += pause
            heappush(present, (remaining - pause, release))
    return fsum(responses)


def goemans_total_response(tasks: Sequence[Task]) -> float:
    """Bound on the least sum of weight x (completion - release) on one machine, preemptive.

    The machine always works at the present task of greatest weight/size, whatever is left of
    it. With M the mean busy time of a task, sum of weight x (M + size/2) is the optimum of a
    relaxation (Goemans, Queyranne, Schulz, Skutella, Wang 2002, theorem 2.5), so no schedule
    completes with less.
    """
    order = sorted(range(len(tasks)), key=lambda index: tasks[index].release)
    present: list[tuple[float, int]] = []
    left = [task.size for task in tasks]
    moments: list[float] = []  # weight x (mean busy time + size/2 - release)
    now = 0.0
    position = 0
    busy = [0.0] * len(tasks)  # integral of time over the busy intervals
    while position < len(order) or present:
        if not present:
            now = max(now, tasks[order[position]].release)
        while position < len(order) and tasks[order[position]].release <= now:
            index = order[position]
            heappush(present, (-tasks[index].weight / tasks[index].size, index))
            position += 1
        index = present[0][1]
        worked = left[index]
        if position < len(order):
            worked = min(worked, tasks[order[position]].release - now)
        busy[index] += worked * (now + worked / 2)
        now += worked
        left[index] -= worked
        if not left[index]:
            heappop(present)
            task = tasks[index]
            moments.append(task.weight * (busy[index] / task.size + task.size / 2 - task.release))
    return fsum(moments)


def _tasks(
    works: Sequence[Work], weights: Sequence[float], model: ServiceModel, num_slots: int
) -> list[Task]:
    return [
        Task(
            release=work.arrival_seconds,
            size=model.least_gpu_seconds(work.prompt_tokens, work.output_tokens, num_slots),
            weight=weight,
        )
        for work, weight in zip(works, weights, strict=True)
    ]


def _mean_response(run: Run) -> float:
    return fsum(outcome.response_seconds for outcome in run.outcomes) / len(run.outcomes)
