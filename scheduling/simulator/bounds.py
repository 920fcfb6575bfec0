"""Lower bounds on the mean response of any order, by level and overall.

Every bound costs O(n log n). A response starts when the request is sent and includes the
predictors, as in the reports of `--batching ours`. The published rule does not count the rest
of the iteration in which a request arrives, so its figures can be below a bound.
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
    """A request for the model of one machine: release (s), size (s), weight."""

    release: float
    size: float
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassBound:
    """Bounds for one level: mean responses in seconds.

    `solo`: each request alone on the GPU. `rigorous`: a bound for every order of the requests
    of this level. `rigorous_up_to`: the same for this level and all more urgent ones together.
    `isolated` is not a bound but a reference: this level simulated without the others.
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
    weighted_sum: float  # Goemans' bound on the sum of weight x response; weights 5 to 1


def bounds(
    works: Sequence[Work],
    model: ServiceModel,
    num_slots: int,
    replay: Callable[[Sequence[Work]], Run] | None = None,
) -> Bounds:
    """Returns all bounds of a workload. `replay` simulates one level alone, for `isolated`."""
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
    """Returns the mean response (seconds) if each request had the GPU alone on arrival.

    This is a bound for every order, because other requests never shorten a request's own work.
    """
    return fsum(
        work.predictor_seconds + model.solo_seconds(work.prompt_tokens, work.output_tokens)
        for work in works
    ) / len(works)


def rigorous_mean(works: Sequence[Work], model: ServiceModel, num_slots: int) -> float:
    """Returns a mean response (seconds) that no order of these requests can beat.

    An iteration of d seconds has at most s members, and each needs at most d seconds of it.
    If each member is charged need/s, at most d is charged in all. So any schedule of the GPU
    is a preemptive schedule of one machine with sizes need/s, for which SRPT has the least
    sum of completion times (Schrage 1968). Leaving requests out only makes room. The result
    is the larger of this bound and `solo_floor`.
    """
    tasks = _tasks(works, [1.0] * len(works), model, num_slots)
    waited = fsum(work.predictor_seconds for work in works)
    shared = (srpt_total_response(tasks) + waited) / len(works)
    return max(shared, solo_floor(works, model))


def weighted_bound(
    works: Sequence[Work], weights: Sequence[float], model: ServiceModel, num_slots: int
) -> float:
    """Returns a lower bound on the sum of weight x response (seconds) of any order.

    `weights` has one entry per request. Sizes are those of `rigorous_mean`. Goemans' bound
    replaces SRPT, and the weighted sum of solo times replaces the solo floor.
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
    """Returns the sum of completion minus release (seconds) on one preemptive machine.

    The order is shortest remaining processing time first, which is optimal (Schrage 1968).
    O(n log n).
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
    """Returns a bound on the sum of weight x (completion - release) on one preemptive machine.

    The machine always works on the present task with the largest weight/size, where size is
    the original size. With M the mean busy time of a task, the sum of weight x (M + size/2) is
    the optimum of a relaxation (Goemans, Queyranne, Schulz, Skutella, Wang 2002, theorem 2.5),
    so no schedule has a smaller sum.
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
