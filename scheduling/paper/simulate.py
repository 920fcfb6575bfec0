"""One simulation: a workload, a policy, a service model, and one of two batching rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from scheduling.core.policies import POLICIES, Preemption
from scheduling.paper.replica import PUBLISHED_POLICIES, run_published
from scheduling.simulator.hardware import SETTINGS, PublishedModel, ServiceModel, check_sizes
from scheduling.simulator.outcome import Run
from scheduling.simulator.runner import (
    DEFAULT_DEADLINES_SECONDS,
    RunnerOptions,
    Watch,
    run_ours,
)
from scheduling.simulator.workload import Work


class Batching(StrEnum):
    OURS = "ours"
    PUBLISHED = "published"


class NotPossible(ValueError):
    """These options cannot be combined; the message gives the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """Options of a simulation. `num_slots` None: the number of the service model."""

    policy: str
    model: ServiceModel
    batching: Batching = Batching.OURS
    num_slots: int | None = None
    preemption: Preemption = Preemption.KEY
    deadlines_seconds: tuple[float, ...] = DEFAULT_DEADLINES_SECONDS
    record_holds: bool = False  # who held the slots when; ours only


def simulate(simulation: Simulation, works: Sequence[Work], watch: Watch | None = None) -> Run:
    """Simulates `works`. `watch` gets the number of finished requests during a run of ours.

    Raises NotPossible, CannotFit, or ValueError if an id occurs twice.
    """
    model = simulation.model
    num_slots = simulation.num_slots or model.num_slots
    if simulation.policy not in POLICIES:
        raise NotPossible(f"policy {simulation.policy}: must be one of {', '.join(POLICIES)}")
    if simulation.batching is Batching.PUBLISHED:
        return _simulate_published(simulation, works, num_slots)
    if model.mixed_steps and num_slots >= model.max_step_tokens:
        raise NotPossible(
            f"batch size {num_slots}: must be below the {model.max_step_tokens} tokens of a step"
        )
    options = RunnerOptions(
        num_slots=num_slots,
        preemption=simulation.preemption,
        deadlines_seconds=simulation.deadlines_seconds,
        record_holds=simulation.record_holds,
    )
    return run_ours(works, POLICIES[simulation.policy], model, options, watch)


def _simulate_published(simulation: Simulation, works: Sequence[Work], num_slots: int) -> Run:
    if simulation.policy not in PUBLISHED_POLICIES:
        known = ", ".join(PUBLISHED_POLICIES)
        raise NotPossible(f"policy {simulation.policy}: the published rule supports only {known}")
    if not isinstance(simulation.model, PublishedModel):
        known = ", ".join(SETTINGS)
        name = simulation.model.name
        raise NotPossible(f"setting {name}: the published rule supports only {known}")
    check_sizes(works, simulation.model)
    return run_published(works, simulation.policy, simulation.model, num_slots)


DEFAULT_SETTING: Final = "A100_4B"
