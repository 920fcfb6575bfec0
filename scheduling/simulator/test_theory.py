"""The simulator against closed forms of queueing theory, within its confidence interval.

A server is a slot of a model with a constant step time. The number of steps is random: the
service time is close to exponential, or to uniform, with a mean of one second.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, factorial, fsum, log, sqrt
from random import Random

import pytest

from scheduling.core.policies import POLICIES, Preemption
from scheduling.simulator.hardware import StepTimeModel
from scheduling.simulator.outcome import Outcome
from scheduling.simulator.runner import RunnerOptions, run_ours
from scheduling.simulator.workload import Work

STEP_SECONDS = 0.002
NUM_REQUESTS = 40_000
NUM_BATCHES = 20
Z_999 = 3.29


def exponential(random: Random) -> float:
    return -log(1.0 - random.random())


def uniform(random: Random) -> float:
    return 2.0 * random.random()


Service = Callable[[Random], float]

SECOND_MOMENT: dict[Service, float] = {exponential: 2.0, uniform: 4 / 3}  # of a service time


def servers(count: int) -> StepTimeModel:
    return StepTimeModel(
        name="servers",
        base_seconds=STEP_SECONDS,
        seconds_per_new_token=0.0,
        seconds_per_kv_token=0.0,
        num_slots=count,
        max_step_tokens=10**6,
    )


def load(
    seed: int,
    arrivals_per_second: float,
    shares: tuple[float, ...] = (1.0,),
    service: Service = exponential,
) -> list[Work]:
    """Poisson arrivals; service of mean one second."""
    random = Random(seed)
    now = 0.0
    works = []
    for index in range(NUM_REQUESTS):
        now += random.expovariate(arrivals_per_second)
        steps = ceil(service(random) / STEP_SECONDS)
        priority = random.choices(range(len(shares)), shares)[0]
        works.append(
            Work(
                id=str(index),
                group=index,
                priority=priority,
                predicted_priority=priority,
                prompt_tokens=1,
                output_tokens=max(1, steps),
                predicted_tokens=1,
                sent_seconds=now,
                arrival_seconds=now,
                enqueue_seconds=now,
            )
        )
    return works


def responses(works: list[Work], policy: str, slots: int, mode: Preemption) -> list[Outcome]:
    options = RunnerOptions(num_slots=slots, preemption=mode)
    outcomes = run_ours(works, POLICIES[policy], servers(slots), options).outcomes
    return sorted(outcomes, key=lambda outcome: int(outcome.id))


def check(outcomes: list[Outcome], expected_seconds: float) -> None:
    """Compares the mean with the expected one, within the confidence interval of 20 batch means.

    The tolerance includes two steps, because service times are whole numbers of steps.
    """
    times = [outcome.response_seconds for outcome in outcomes][len(outcomes) // 20 :]
    size = len(times) // NUM_BATCHES
    means = [fsum(times[i * size : (i + 1) * size]) / size for i in range(NUM_BATCHES)]
    mean = fsum(means) / NUM_BATCHES
    variance = fsum((value - mean) ** 2 for value in means) / (NUM_BATCHES - 1)
    interval = Z_999 * sqrt(variance / NUM_BATCHES)
    assert interval < 0.18 * expected_seconds  # a wider interval would prove nothing
    assert mean == pytest.approx(expected_seconds, abs=interval + 2 * STEP_SECONDS)


def test_one_server() -> None:
    """M/M/1: mean response 1 / (mu - lambda)."""
    check(responses(load(1, 0.6), "fcfs", 1, Preemption.NEVER), 1 / (1 - 0.6))


@pytest.mark.parametrize("slots", [2, 4])
def test_several_servers(slots: int) -> None:
    """M/M/c: Erlang's C, then W = C / (c mu - lambda) + 1 / mu."""
    offered = 0.7 * slots
    tail = offered**slots / factorial(slots) / (1 - offered / slots)
    erlang_c = tail / (sum(offered**k / factorial(k) for k in range(slots)) + tail)
    expected = erlang_c / (slots - offered) + 1
    check(responses(load(2, offered), "fcfs", slots, Preemption.NEVER), expected)


SHARES = (0.3, 0.3, 0.4)
RATE = 0.7


def sigma(priority: int) -> float:
    """Load of this class and of all more urgent ones."""
    return RATE * sum(SHARES[: priority + 1])


@pytest.mark.parametrize("service", [exponential, uniform])
def test_priorities_that_do_not_preempt(service: Service) -> None:
    """Priority M/G/1 (Cobham 1954): W0 / ((1 - s)(1 - s')), W0 = lambda E[S^2] / 2."""
    outcomes = responses(load(3, RATE, SHARES, service), "pjf", 1, Preemption.NEVER)
    residual = RATE * SECOND_MOMENT[service] / 2
    for priority in range(3):
        before = sigma(priority - 1) if priority else 0.0
        wait = residual / ((1 - before) * (1 - sigma(priority)))
        check([o for o in outcomes if o.priority == priority], wait + 1)


def test_priorities_that_preempt_and_resume() -> None:
    """Preemptive-resume M/M/1: 1 / (1 - s) + load up to here / ((1 - s)(1 - s'))."""
    outcomes = responses(load(4, RATE, SHARES), "pjf", 1, Preemption.LEVEL)
    for priority in range(3):
        before = sigma(priority - 1) if priority else 0.0
        upto = sigma(priority)
        expected = 1 / (1 - before) + upto / ((1 - before) * (1 - upto))
        check([o for o in outcomes if o.priority == priority], expected)
