"""Workloads: the published random stream, and Poisson arrivals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from random import Random
from typing import Final

from scheduling.core.request import NUM_PRIORITIES
from scheduling.simulator.error_models import ErrorModel, apply_errors
from scheduling.simulator.predictors import PredictorModel, arrivals_of_groups

MAX_TOKENS: Final = 500  # exclusive limit of prompt and output tokens
BUCKET_TOKENS: Final = 50
DEFAULT_NUM_GROUPS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One request of a workload. Policies never see the true length, `output_tokens`.

    `sent_seconds`: the user sends it. `arrival_seconds`: the predictors are done.
    `enqueue_seconds`: the published program queues it (one arrival event too early).
    """

    id: str
    group: int
    priority: int
    predicted_priority: int
    prompt_tokens: int
    output_tokens: int
    predicted_tokens: int
    sent_seconds: float
    arrival_seconds: float
    enqueue_seconds: float

    @property
    def predictor_seconds(self) -> float:
        return self.arrival_seconds - self.sent_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadSpec:
    """The options of the published program. `gap_seconds`: time between two groups of users."""

    gap_seconds: float = 1.0
    max_concurrent: int = 5
    num_groups: int = DEFAULT_NUM_GROUPS
    seed: int = 0
    predictor: PredictorModel = field(default_factory=PredictorModel)
    length_error: ErrorModel | None = None
    priority_error: ErrorModel | None = None

    def __post_init__(self) -> None:
        if self.gap_seconds < 0 or self.max_concurrent < 1 or self.num_groups < 1:
            raise ValueError("gap must not be negative; size and number of groups at least 1")


def generate(spec: WorkloadSpec) -> list[Work]:
    """Returns the requests of a configuration, drawn from one stream in the published order.

    The order is: group sizes, priorities, prompts, outputs, and for each output whether it is
    rounded up or down to its length bucket; then the error models, which draw nothing at rate 0.
    """
    random = Random(spec.seed)
    sizes = [random.randint(0, spec.max_concurrent) for _ in range(spec.num_groups)]
    count = sum(sizes)
    priorities = [random.choice(range(NUM_PRIORITIES)) for _ in range(count)]
    prompts = [random.choice(range(1, MAX_TOKENS)) for _ in range(count)]
    outputs = [random.choice(range(1, MAX_TOKENS)) for _ in range(count)]
    buckets = [_bucket(output, round_up=random.randint(0, 1) == 1) for output in outputs]
    predicted = [max(1, BUCKET_TOKENS * bucket) for bucket in buckets]
    predicted, predicted_priorities = apply_errors(
        random,
        true_tokens=outputs,
        predicted_tokens=predicted,
        true_priorities=priorities,
        length=spec.length_error,
        priority=spec.priority_error,
    )
    groups = [group for group, size in enumerate(sizes) for _ in range(size)]
    sent = [group * spec.gap_seconds for group in groups]
    arrivals = arrivals_of_groups(sizes, spec.gap_seconds, spec.predictor)
    return with_shifted_arrivals(
        [
            Work(
                id=str(index),
                group=groups[index],
                priority=priorities[index],
                predicted_priority=predicted_priorities[index],
                prompt_tokens=prompts[index],
                output_tokens=outputs[index],
                predicted_tokens=predicted[index],
                sent_seconds=sent[index],
                arrival_seconds=arrivals[index],
                enqueue_seconds=arrivals[index],
            )
            for index in range(count)
        ]
    )


def with_errors(works: Sequence[Work], spec: WorkloadSpec) -> list[Work]:
    """Returns the requests with the errors of `spec` in their predictions, from its seed."""
    tokens, priorities = apply_errors(
        Random(spec.seed),
        true_tokens=[work.output_tokens for work in works],
        predicted_tokens=[work.predicted_tokens for work in works],
        true_priorities=[work.priority for work in works],
        length=spec.length_error,
        priority=spec.priority_error,
    )
    if spec.priority_error is None:
        priorities = [work.predicted_priority for work in works]
    return [
        replace(work, predicted_tokens=count, predicted_priority=priority)
        for work, count, priority in zip(works, tokens, priorities, strict=True)
    ]


def with_shifted_arrivals(works: Sequence[Work]) -> list[Work]:
    """Sets each enqueue time to the time of the arrival event before it, and the first to 0.

    The published program inserts an event and then sleeps; its results depend on this shift.
    """
    events = sorted({work.arrival_seconds for work in works})
    shifted = dict(zip(events, [0.0, *events][: len(events)], strict=True))
    return [replace(work, enqueue_seconds=shifted[work.arrival_seconds]) for work in works]


def poisson_load(
    *,
    seed: int,
    num_requests: int,
    arrivals_per_second: float,
    priority_shares: Sequence[float] = (0.2,) * NUM_PRIORITIES,
) -> list[Work]:
    """Returns Poisson arrivals with the published sizes, for law tests and overload."""
    random = Random(seed)
    now = 0.0
    works = []
    for index in range(num_requests):
        now += random.expovariate(arrivals_per_second)
        priority = random.choices(range(NUM_PRIORITIES), priority_shares)[0]
        output = random.randrange(1, MAX_TOKENS)
        bucket = _bucket(output, round_up=random.random() < 0.5)
        works.append(
            Work(
                id=str(index),
                group=index,
                priority=priority,
                predicted_priority=priority,
                prompt_tokens=random.randrange(1, MAX_TOKENS),
                output_tokens=output,
                predicted_tokens=max(1, BUCKET_TOKENS * bucket),
                sent_seconds=now,
                arrival_seconds=now,
                enqueue_seconds=now,
            )
        )
    return works


def _bucket(output_tokens: int, *, round_up: bool) -> int:
    exact = output_tokens / BUCKET_TOKENS
    return ceil(exact) if round_up else int(exact)
