"""The paper's flags, and ours, for every command that simulates."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from scheduling.core.policies import POLICIES, Preemption
from scheduling.simulator.error_models import ErrorModel
from scheduling.simulator.hardware import ServiceModel
from scheduling.simulator.predictors import PredictorMode, PredictorModel
from scheduling.simulator.runner import DEFAULT_PROMISES_SECONDS
from scheduling.simulator.settings_file import load_setting
from scheduling.simulator.simulate import DEFAULT_SETTING, Batching, Simulation
from scheduling.simulator.workload import DEFAULT_NUM_GROUPS, Work, WorkloadSpec, generate
from scheduling.simulator.workload_files import load_workload

Options = Mapping[str, Any]
_ERRORS = ("none", "length", "priority", "both")


def add_workload_options(parser: ArgumentParser) -> None:
    add = _adder(parser)
    add("--setting", default=DEFAULT_SETTING, help="A100_4B, A100_7B, A5000_4B or a file.json")
    add("--user-request-gap", type=_seconds, default=1.0, help="seconds between two groups")
    add(
        "--max-concurrent-user-requests",
        type=_count,
        default=5,
        help="largest size of a group of requests",
    )
    add("--gap-num", type=_count, default=DEFAULT_NUM_GROUPS, help="number of groups")
    add("--batch-size", type=_count, default=None, help="seats; by default the setting's own")
    add("--seed", type=int, default=0)
    add("--workload", type=Path, default=None, help="requests from a .csv, .jsonl or .json file")
    add("--workload-name", default=None, help="which one, in a .json file of several")
    add("--preemption", choices=[mode.value for mode in Preemption], default="key")
    add(
        "--promises",
        type=_promises,
        default=DEFAULT_PROMISES_SECONDS,
        help="seconds to the promised start of levels 0 to 4, parted by commas",
    )
    _add_predictor_options(add)


def _add_predictor_options(add: Callable[..., None]) -> None:
    add("--error", choices=_ERRORS, default="none", help="which predictions are wrong")
    add("--error-rate", type=_share, default=0.0, help="share of the predictions that is wrong")
    add("--error-distance", type=_share, default=None, help="how far off; by default the rate")
    add("--predictor-batch-size", type=_count, default=5)
    add("--predictor-mode", choices=[m.value for m in PredictorMode], default="immediate")
    add("--predictor-latency", type=_seconds, default=None, help="seconds a batch takes")
    add(
        "--corrected",
        action="store_true",
        help="predictors and errors as they should be, not as published",
    )


def add_policy_option(parser: ArgumentParser) -> None:
    parser.add_argument("--policy", choices=list(POLICIES), default="semantic")


def add_batching_option(parser: ArgumentParser) -> None:
    parser.add_argument("--batching", choices=[b.value for b in Batching], default="ours")


def workload_of(options: Options) -> list[Work]:
    """From the file, or from the random stream. Raises BadWorkload or ValueError."""
    if options["workload"] is not None:
        group = options["workload_name"] or f"max{options['max_concurrent_user_requests']}"
        return load_workload(options["workload"], options["user_request_gap"], group)
    return generate(spec_of(options))


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
        num_seats=options["batch_size"],
        preemption=Preemption(options["preemption"]),
        promises_seconds=tuple(options["promises"]),
    )


def model_of(options: Options) -> ServiceModel:
    return load_setting(options["setting"])


def _error_of(options: Options) -> ErrorModel:
    rate, distance = options["error_rate"], options["error_distance"]
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
    number = int(text)
    if number < 1:
        raise ArgumentTypeError(f"must be at least 1, not {number}")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise ArgumentTypeError(f"must be finite and not negative, not {text}")
    return number


def _share(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1:
        raise ArgumentTypeError(f"must lie between 0 and 1, not {text}")
    return number


def _promises(text: str) -> tuple[float, ...]:
    return tuple(_seconds(part) for part in text.split(","))
