"""How good the forecasts of waits are, in virtual time: `python -m bench.eta_bench [--json]`.

A fixture is served by the core's scheduler with answer lengths, speeds and arrivals that the
forecaster does not know; it sees what the console process sees. Deterministic: same seed, same
figures. The service rates are those of the embedded model on two cores (docs/MEASURED.md).
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from math import exp
from random import Random
from types import SimpleNamespace
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "triage_site.settings")
django.setup()

# Django must be set up before models are imported.
# ruff: noqa: E402
from scheduling import forecasting, service_rates
from scheduling.core.policies import POLICIES, Preemption
from scheduling.core.request import Request
from scheduling.simulator.forecast import Course, Estimate, Outlook, Present, forecast
from scheduling.simulator.judgement import Judged, judge
from scheduling.simulator.measured import JobRecord, MeasuredModel, fit
from triage_site.cases.calls import fixture_calls
from triage_site.ops.comparisons.loads import work_of

START = 1_770_000_000.0
SLOTS = 8
TRUE_MODEL = MeasuredModel(
    prefill_base_seconds=0.05,
    prefill_seconds_per_token=0.0003,
    step_base_seconds=0.007,
    step_seconds_per_request=0.002,
    num_slots=SLOTS,
)
BENCH_STRETCH = 1.2  # a site learns its own
SAMPLE_SECONDS = 2  # between two looks at what is shown for all that wait
DEADLINES = (2.0, 10.0, 30.0, 60.0, 120.0)


@dataclass(slots=True)
class World:
    """What happens. `speed` changes every `speed_seconds`; answers differ from predictions."""

    requests: list[Request]
    lengths: dict[str, int]
    policy: str
    random: Random
    model: MeasuredModel
    speed_spread: float = 0.12
    speed_seconds: float = 5.0
    samples: list[tuple[float, str, Estimate]] = field(default_factory=list)
    firsts: list[tuple[float, str, Estimate]] = field(default_factory=list)


def load(fixture: str, speed: float, seed: int) -> tuple[list[Request], dict[str, int]]:
    random = Random(seed)
    requests, lengths = [], {}
    for index, call in enumerate(fixture_calls(fixture)):
        work = work_of(call, index, speed)
        at = START + work.arrival_seconds
        requests.append(
            Request(
                id=work.id,
                arrival_seconds=at,
                priority=work.predicted_priority,
                prompt_tokens=work.prompt_tokens,
                predicted_tokens=work.predicted_tokens,
                due_seconds=at + DEADLINES[work.predicted_priority],
            )
        )
        lengths[work.id] = max(5, round(work.predicted_tokens * exp(random.gauss(0, 0.15))))
    return requests, lengths


def traffic_before(fixtures: Sequence[str], speed: float, seed: int) -> list[Request]:
    """Earlier replays, a quarter of an hour apart: four of five calls, at another pace."""
    random, found = Random(1000 + seed), []
    for back, fixture in zip(range(len(fixtures), 0, -1), fixtures, strict=True):
        requests = [r for r in load(fixture, speed, seed)[0] if random.random() < 0.8]
        pace = exp(random.gauss(0, 0.3))
        for request in requests:
            at = START + (request.arrival_seconds - START) * pace - 900 * back
            found.append(replace(request, id=f"before-{back}-{request.id}", arrival_seconds=at))
    return sorted(found, key=lambda r: r.arrival_seconds)


def history(seed: int, model: MeasuredModel) -> list[JobRecord]:
    """Jobs of an earlier hour, one to eight at a time."""
    random = Random(seed)
    found: list[JobRecord] = []
    began = START - 4000
    while len(found) < 50:
        num, slow = 1 + len(found) % SLOTS, random.uniform(0.9, 1.1)
        step, ends = model.one_step_seconds(num) * slow, []
        for _ in range(num):
            tokens, prompt = random.randint(140, 180), random.randint(80, 160)
            first = began + model.prefill_seconds(prompt) * slow
            ends.append(first + step * (tokens - 1))
            found.append(
                JobRecord(
                    prompt_tokens=prompt,
                    output_tokens=tokens,
                    started=began,
                    first_token=first,
                    finished=ends[-1],
                )
            )
        began = max(ends) + 5.0
    return found


def simulate(world: World, forecaster: Any) -> tuple[dict[str, float], dict[str, float]]:
    """Runs the world; `forecaster(present, arrived)` is asked each second."""
    present = Present(
        now=START,
        policy=POLICIES[world.policy],
        preemption=Preemption.LEVEL,
        num_slots=SLOTS,
        running=[],
        waiting=[],
    )
    random = world.random
    course = Course(
        present,
        Outlook(model=world.model),
        random,
        lengths=world.lengths,
        arriving=world.requests,
    )
    left = {request.id for request in world.requests}
    told: set[str] = set()
    tick = 0
    while left:
        until = START + tick
        if tick % world.speed_seconds == 0:
            course._speed = exp(random.gauss(0.0, world.speed_spread))
        while left and course.now < until:
            course.turn(left, until)
        if not left:
            break
        waiting = [r for r in course.waiting() if r.arrival_seconds <= course.now]
        seen = replace(present, now=course.now, running=_progress(course), waiting=waiting)
        arrived = [r for r in world.requests if r.arrival_seconds <= course.now]
        is_new = any(r.id not in told and r.id not in course.started for r in waiting)
        if waiting and (is_new or tick % SAMPLE_SECONDS == 0):
            estimates = forecaster(seen, arrived)
            names = [r.id for r in waiting if r.id not in course.started]
            for name in names:
                if name in estimates and name not in told:
                    told.add(name)
                    world.firsts.append((course.now, name, estimates[name]))
                if name in estimates and tick % SAMPLE_SECONDS == 0:
                    world.samples.append((course.now, name, estimates[name]))
        elif tick % 2 == 0:
            forecaster.note(seen)
        tick += 1
    return course.started, course.ended


def _progress(course: Course) -> list[Request]:
    return [r.with_progress(course._steps - course._base[r.id]) for r in course.running()]


class LiveForecaster:
    """The code of the console process, fed from the world."""

    def __init__(self, seed: int, model: MeasuredModel, earlier: Sequence[Request] = ()) -> None:
        self._earlier = list(earlier)
        self._meter = service_rates.SpeedMeter()
        records, random = history(seed, model), Random(seed)
        ratios = [exp(random.gauss(0, 0.15)) for _ in range(50)]
        self._rates = service_rates.Rates(
            model=fit(records, SLOTS),
            length_ratios=ratios,
            speeds=service_rates.speeds_of(records) or service_rates.DEFAULT_SPEEDS,
            stall_per_request=service_rates.stall_of(records),
        )
        self._step: tuple[float, float] | None = None

    def note(self, present: Present) -> None:
        self._meter.note(present.now, {r.id: r.generated_tokens for r in present.running})
        self._step = self._meter.step() or self._step

    def __call__(self, present: Present, arrived: Sequence[Request]) -> dict[str, Estimate]:
        self.note(present)
        found = service_rates.model_of(self._rates, self._step, SLOTS)
        assert found is not None
        now = datetime.fromtimestamp(present.now, UTC)
        seen = [*self._earlier, *arrived][-forecasting.NUM_RECORDED :]
        newest: Any = [_job(request) for request in seen[-forecasting.NUM_RECENT :]]
        traffic = forecasting.Traffic(newest, [request.arrival_seconds for request in seen])
        outlook = forecasting.outlook_of(found, self._rates, traffic, now)
        num = len(present.running) + len(present.waiting)
        courses = forecasting.num_courses(num)
        made = forecast(present, outlook, num_courses=courses, seed=int(present.now))
        return {name: one.stretched(BENCH_STRETCH) for name, one in made.items()}


def _job(request: Request) -> SimpleNamespace:
    return SimpleNamespace(
        priority=request.priority,
        prompt_tokens=request.prompt_tokens,
        predicted_tokens=request.predicted_tokens,
        arrival_at=datetime.fromtimestamp(request.arrival_seconds, UTC),
    )


def judged(
    told: Sequence[tuple[float, str, Estimate]], happened: dict[str, float], of: str
) -> list[Judged]:
    """`of`: "starts" or "ends"."""
    ranges = [(at, name, getattr(estimate, of)) for at, name, estimate in told]
    return [
        Judged(low=one.low, median=one.median, high=one.high, actual=happened[name] - at)
        for at, name, one in ranges
    ]


def figures(
    fixture: str,
    policy: str,
    speed: float,
    seeds: Sequence[int],
    slow: float,
    num_calls: int,
    before: Sequence[str] = (),
) -> dict[str, Any]:
    model = slower(slow)
    found: dict[str, list[Judged]] = {}
    waits: list[float] = []
    for seed in seeds:
        requests, lengths = load(fixture, speed, seed)
        requests = requests[:num_calls]
        world = World(
            requests=requests, lengths=lengths, policy=policy, random=Random(seed), model=model
        )
        forecaster = LiveForecaster(seed, model, traffic_before(before, speed, seed))
        times = dict(zip(("starts", "ends"), simulate(world, forecaster), strict=True))
        started = times["starts"]
        for kind, told in (("shown", world.samples), ("when_queued", world.firsts)):
            for of, happened in times.items():
                found.setdefault(f"{kind}_{of}", []).extend(judged(told, happened, of))
        waits += [started[r.id] - r.arrival_seconds for r in requests]
    return {
        "mean_wait": round(sum(waits) / len(waits), 1),
        "all_ends": judge(found["shown_ends"] + found["when_queued_ends"]),
        **{name: judge(told) for name, told in found.items()},
    }


def slower(factor: float) -> MeasuredModel:
    return replace(
        TRUE_MODEL,
        prefill_base_seconds=TRUE_MODEL.prefill_base_seconds * factor,
        prefill_seconds_per_token=TRUE_MODEL.prefill_seconds_per_token * factor,
        step_base_seconds=TRUE_MODEL.step_base_seconds * factor,
        step_seconds_per_request=TRUE_MODEL.step_seconds_per_request * factor,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--speed", type=float, default=60.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--policies", nargs="*", default=["semantic", "fcfs"])
    parser.add_argument("--fixtures", nargs="*", default=["mass_casualty", "flu_surge"])
    parser.add_argument("--slow", type=float, default=1.0, help="service times, as a multiple")
    parser.add_argument("--calls", type=int, default=1000, help="at most")
    parser.add_argument("--before", nargs="*", default=[], help="fixtures replayed earlier")
    parser.add_argument("--json", action="store_true")
    got = parser.parse_args()
    for fixture in got.fixtures:
        for policy in got.policies:
            found = figures(
                fixture, policy, got.speed, range(got.seeds), got.slow, got.calls, got.before
            )
            print(json.dumps({"fixture": fixture, "policy": policy, **found}))


if __name__ == "__main__":
    main()
