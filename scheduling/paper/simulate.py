"""One simulation: a workload, a policy, a service model and one of two batching rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from scheduling.core.policies import POLICIES, Preemption
from scheduling.paper.replica import PUBLISHED_POLICIES, run_published
from scheduling.simulator.hardware import SETTINGS, PublishedModel, ServiceModel, check_sizes
from scheduling.simulator.outcome import Run
from scheduling.simulator.runner import DEFAULT_PROMISES_SECONDS, RunnerOptions, run_ours
from scheduling.simulator.workload import Work


class Batching(StrEnum):
    OURS = "ours"
    PUBLISHED = "published"


class NotPossible(ValueError):
    """These choices cannot go together; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """`num_seats` None takes the setting's own."""

    policy: str
    model: ServiceModel
    batching: Batching = Batching.OURS
    num_seats: int | None = None
    preemption: Preemption = Preemption.KEY
    promises_seconds: tuple[float, ...] = DEFAULT_PROMISES_SECONDS


def simulate(simulation: Simulation, works: Sequence[Work]) -> Run:
    """Raises NotPossible, CannotFit, or ValueError for ids that are there twice."""
    model = simulation.model
    num_seats = simulation.num_seats or model.num_seats
    if simulation.policy not in POLICIES:
        raise NotPossible(f"policy {simulation.policy}: there are {', '.join(POLICIES)}")
    if simulation.batching is Batching.PUBLISHED:
        return _simulate_published(simulation, works, num_seats)
    if model.mixed_steps and num_seats >= model.max_step_tokens:
        raise NotPossible(
            f"batch size {num_seats}: must be below the {model.max_step_tokens} tokens of a step"
        )
    options = RunnerOptions(
        num_seats=num_seats,
        preemption=simulation.preemption,
        promises_seconds=simulation.promises_seconds,
    )
    return run_ours(works, POLICIES[simulation.policy], model, options)


def _simulate_published(simulation: Simulation, works: Sequence[Work], num_seats: int) -> Run:
    if simulation.policy not in PUBLISHED_POLICIES:
        known = ", ".join(PUBLISHED_POLICIES)
        raise NotPossible(f"policy {simulation.policy}: the published rule has only {known}")
    if not isinstance(simulation.model, PublishedModel):
        known = ", ".join(SETTINGS)
        raise NotPossible(f"setting {simulation.model.name}: the published rule knows only {known}")
    check_sizes(works, simulation.model)
    return run_published(works, simulation.policy, simulation.model, num_seats)


DEFAULT_SETTING: Final = "A100_4B"
