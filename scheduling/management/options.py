"""Command-line options of the simulation commands: those of the paper's program, and ours."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from scheduling.core.policies import POLICIES, Preemption
from scheduling.core.request import PRIORITIES
from scheduling.management.option_types import (
    MAX_COUNT,
    count,
    path,
    seconds,
    share,
    shown,
    text,
    whole,
)
from scheduling.paper.simulate import DEFAULT_SETTING, Batching, Simulation
from scheduling.simulator.error_models import ErrorModel
from scheduling.simulator.hardware import SETTINGS, ServiceModel
from scheduling.simulator.predictors import PredictorMode, PredictorModel
from scheduling.simulator.runner import DEFAULT_DEADLINES_SECONDS
from scheduling.simulator.settings_file import load_setting
from scheduling.simulator.trace_formats import PriorityRule
from scheduling.simulator.workload import (
    DEFAULT_NUM_GROUPS,
    Work,
    WorkloadSpec,
    generate,
    with_errors,
)
from scheduling.simulator.workload_files import LoadedWorkload, Reading, read_workload

Options = Mapping[str, Any]
_ERRORS = ("none", "length", "priority", "both")
_DEFAULT_ERROR_RATE = 0.1


def add_workload_options(parser: ArgumentParser) -> None:
    """Adds the options of a workload. Each one also exists with underscores, as in the paper's
    program."""
    add = _adder(parser)
    add(
        "--setting",
        type=text,
        default=DEFAULT_SETTING,
        help=f"{', '.join(SETTINGS)}, or a .json file: step times, or the JSON of a "
        "comparison whose speeds were measured",
    )
    add(
        "--user-request-gap",
        type=seconds,
        default=1.0,
        metavar="SECONDS",
        help="time between two groups of requests",
    )
    add(
        "--max-concurrent-user-requests",
        type=count,
        default=5,
        metavar="N",
        help="largest size of a group of requests",
    )
    add("--gap-num", type=count, default=DEFAULT_NUM_GROUPS, metavar="N", help="number of groups")
    add("--batch-size", type=count, metavar="N", help="number of slots; default from the setting")
    add("--seed", type=whole(), default=0, help="seed of the random requests")
    add(
        "--workload",
        type=path,
        metavar="FILE",
        help="requests from a .csv, .jsonl or .json file instead of random ones; also "
        "traces of Azure, BurstGPT, Vidur and Mooncake as they are published",
    )
    add(
        "--priorities",
        choices=[rule.value for rule in PriorityRule],
        help="the level of each request of a file without priorities: all levels alike, the "
        "shares of an ambulance service, or longer prompts less urgent; public traces: uniform",
    )
    add("--workload-name", type=text, metavar="NAME", help="which workload of a .json file")
    add(
        "--preemption",
        choices=[mode.value for mode in Preemption],
        default=Preemption.KEY.value,
        help="requests that can preempt a running one: better ranked (key), of a more urgent "
        "level (level), none (never); with '--batching ours' only",
    )
    add(
        "--deadlines",
        type=_deadlines,
        default=DEFAULT_DEADLINES_SECONDS,
        metavar="S,S,S,S,S",
        help="seconds to the deadline of levels 0 to 4, for semantic_due",
    )
    _add_predictor_options(add)


def _add_predictor_options(add: Callable[..., None]) -> None:
    add("--error", choices=_ERRORS, default="none", help="predictions with errors")
    add(
        "--error-rate",
        type=share,
        metavar="SHARE",
        help=f"share of wrong predictions; default {_DEFAULT_ERROR_RATE}",
    )
    add(
        "--error-distance",
        type=share,
        metavar="SHARE",
        help="size of an error, as a share of the range; default: the error rate",
    )
    add("--predictor-batch-size", type=count, default=5, metavar="N")
    add(
        "--predictor-mode",
        choices=[mode.value for mode in PredictorMode],
        default=PredictorMode.IMMEDIATE.value,
        help="immediate: serve present requests at once; delayed: serve full batches only",
    )
    add(
        "--predictor-latency",
        type=seconds,
        metavar="SECONDS",
        help="time of one predictor batch; default 0.0003 x its size",
    )
    add(
        "--corrected",
        action="store_true",
        help="corrected predictors and error models instead of the published ones",
    )


def add_policy_option(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--policy", choices=list(POLICIES), default="semantic", help="order of service"
    )


def add_batching_option(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--batching",
        choices=[batching.value for batching in Batching],
        default=Batching.OURS.value,
        help="ours: fill free slots at once; published: the rule of the paper",
    )


def workload_of(options: Options) -> list[Work]:
    """Returns the requests of the file or of the random stream. Raises BadWorkload or
    ValueError."""
    return loaded_workload(options).works


def loaded_workload(options: Options) -> LoadedWorkload:
    """As `workload_of`, with notes on how a file was read."""
    spec = spec_of(options)
    if options["workload"] is None:
        return LoadedWorkload(works=generate(spec))
    rule = options["priorities"]
    reading = Reading(
        gap_seconds=spec.gap_seconds,
        group=options["workload_name"] or f"max{spec.max_concurrent}",
        priorities=None if rule is None else PriorityRule(rule),
        seed=spec.seed,
    )
    loaded = read_workload(options["workload"], reading)
    return replace(loaded, works=with_errors(loaded.works, spec))


def spec_of(options: Options) -> WorkloadSpec:
    error = _error_of(options)
    if options["gap_num"] * options["max_concurrent_user_requests"] > MAX_COUNT:
        raise ValueError(
            "--gap-num: with --max-concurrent-user-requests, there may be at most "
            f"{MAX_COUNT:,} requests"
        )
    predictions = options["error"]
    return WorkloadSpec(
        gap_seconds=options["user_request_gap"],
        max_concurrent=options["max_concurrent_user_requests"],
        num_groups=options["gap_num"],
        seed=options["seed"],
        predictor=PredictorModel(
            batch_size=options["predictor_batch_size"],
            mode=PredictorMode(options["predictor_mode"]),
            batch_seconds=options["predictor_latency"],
            corrected=options["corrected"],
        ),
        length_error=error if predictions in ("length", "both") else None,
        priority_error=error if predictions in ("priority", "both") else None,
    )


def simulation_of(options: Options, policy: str, batching: str) -> Simulation:
    """Raises UnknownSetting."""
    return Simulation(
        policy=policy,
        model=model_of(options),
        batching=Batching(batching),
        num_slots=options["batch_size"],
        preemption=Preemption(options["preemption"]),
        deadlines_seconds=tuple(options["deadlines"]),
    )


def model_of(options: Options) -> ServiceModel:
    return load_setting(options["setting"])


def _error_of(options: Options) -> ErrorModel:
    rate, distance = options["error_rate"], options["error_distance"]
    if options["error"] == "none" and (rate is not None or distance is not None):
        raise ValueError(
            "--error: must be length, priority or both with --error-rate or --error-distance"
        )
    rate = _DEFAULT_ERROR_RATE if rate is None else rate
    return ErrorModel(
        rate=rate,
        distance=rate if distance is None else distance,
        corrected=options["corrected"],
    )


def _adder(parser: ArgumentParser) -> Callable[..., None]:
    """Returns a function that adds an option in both spellings: `--gap-num` and `--gap_num`."""

    def add(name: str, **settings: Any) -> None:
        spellings = dict.fromkeys([name, "--" + name[2:].replace("-", "_")])
        parser.add_argument(*spellings, **settings)

    return add


def _deadlines(value: str) -> tuple[float, ...]:
    parts = value.split(",")
    if len(parts) != len(PRIORITIES):
        raise ArgumentTypeError(
            f"must be {len(PRIORITIES)} numbers separated by commas, not {shown(value)}"
        )
    return tuple(seconds(part) for part in parts)
