"""The paper's flags, and ours, for every command that simulates."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from scheduling.core.policies import POLICIES, Preemption
from scheduling.core.request import PRIORITIES
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
    """Every flag may be spelt with underscores too, as the paper's program has them."""
    add = _adder(parser)
    add(
        "--setting",
        default=DEFAULT_SETTING,
        help=f"{', '.join(SETTINGS)}, or a file.json of step times",
    )
    add(
        "--user-request-gap",
        type=_seconds,
        default=1.0,
        metavar="SECONDS",
        help="between two groups of requests",
    )
    add(
        "--max-concurrent-user-requests",
        type=_count,
        default=5,
        metavar="N",
        help="largest size of a group of requests",
    )
    add("--gap-num", type=_count, default=DEFAULT_NUM_GROUPS, metavar="N", help="number of groups")
    add("--batch-size", type=_count, metavar="N", help="slots; by default the setting's own")
    add("--seed", type=int, default=0, help="of the random stream that draws the requests")
    add(
        "--workload",
        type=Path,
        metavar="FILE",
        help="requests from a .csv, .jsonl or .json file instead of the random stream; also "
        "traces of Azure, BurstGPT, Vidur and Mooncake as they are published",
    )
    add(
        "--priorities",
        choices=[rule.value for rule in PriorityRule],
        help="the level of each request of a file without priorities: all levels alike, the "
        "shares of an ambulance service, or longer prompts less urgent; public traces: uniform",
    )
    add("--workload-name", metavar="NAME", help="which one, in a .json file of several")
    add(
        "--preemption",
        choices=[mode.value for mode in Preemption],
        default=Preemption.KEY.value,
        help="who may take a running request's slot: whoever ranks first, only a more urgent "
        "level, or nobody (ours only)",
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
    add("--error", choices=_ERRORS, default="none", help="which predictions are wrong")
    add(
        "--error-rate",
        type=_share,
        metavar="SHARE",
        help=f"of the predictions that is wrong; {_DEFAULT_ERROR_RATE} by default",
    )
    add("--error-distance", type=_share, metavar="SHARE", help="how far off; by default the rate")
    add("--predictor-batch-size", type=_count, default=5, metavar="N")
    add(
        "--predictor-mode",
        choices=[mode.value for mode in PredictorMode],
        default=PredictorMode.IMMEDIATE.value,
        help="serve at once who is there, or only full batches",
    )
    add(
        "--predictor-latency",
        type=_seconds,
        metavar="SECONDS",
        help="that a batch of the predictors takes; by default 0.0003 for each place in it",
    )
    add(
        "--corrected",
        action="store_true",
        help="predictors and errors as they should be, not as published",
    )


def add_policy_option(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--policy", choices=list(POLICIES), default="semantic", help="the order of service"
    )


def add_batching_option(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--batching",
        choices=[batching.value for batching in Batching],
        default=Batching.OURS.value,
        help="slots filled as soon as they are free, or the paper's own rule",
    )


def workload_of(options: Options) -> list[Work]:
    """From the file, or from the random stream. Raises BadWorkload or ValueError."""
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
    wrong = options["error"]
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
        length_error=error if wrong in ("length", "both") else None,
        priority_error=error if wrong in ("priority", "both") else None,
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
        raise ValueError("--error: must say which predictions are wrong: length, priority or both")
    rate = _DEFAULT_ERROR_RATE if rate is None else rate
    return ErrorModel(
        rate=rate,
        distance=rate if distance is None else distance,
        corrected=options["corrected"],
    )


def _adder(parser: ArgumentParser) -> Callable[..., None]:
    """Options by both spellings: `--gap-num` and the paper's `--gap_num`."""

    def add(name: str, **settings: Any) -> None:
        spellings = dict.fromkeys([name, "--" + name[2:].replace("-", "_")])
        parser.add_argument(*spellings, **settings)

    return add


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise ArgumentTypeError(f"must be a whole number, not {text!r}") from None
    if number < 1:
        raise ArgumentTypeError(f"must be at least 1, not {number}")
    return number


def _seconds(text: str) -> float:
    number = _number(text)
    if not 0 <= number < float("inf"):
        raise ArgumentTypeError(f"must be finite and not negative, not {text}")
    return number


def _share(text: str) -> float:
    number = _number(text)
    if not 0 <= number <= 1:
        raise ArgumentTypeError(f"must lie between 0 and 1, not {text}")
    return number


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ArgumentTypeError(f"must be a number, not {text!r}") from None


def _deadlines(text: str) -> tuple[float, ...]:
    seconds = tuple(_seconds(part) for part in text.split(","))
    if len(seconds) != len(PRIORITIES):
        raise ArgumentTypeError(
            f"must be {len(PRIORITIES)} numbers separated by commas, not {text!r}"
        )
    return seconds
