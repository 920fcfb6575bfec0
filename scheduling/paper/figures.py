"""The figures that the published program reports, for comparison."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from scheduling.simulator.workload import Work, WorkloadSpec, generate

# Seconds per decision of the published program: CPU time of one fetch, by queue length.
PUBLISHED_DECISION_SECONDS: Final = {1024: 1145e-6, 2048: 2700e-6, 4096: 8299e-6}
PUBLISHED_RUN_SECONDS: Final = 27.0  # minimum real time of a run of 1,002 requests

# Mean response by level (seconds) of strict order by level, then shortest first, on 16 slots,
# if a prefill never stops decoding (A100_4B, gap 0.01, max 50).
REFERENCE_MEANS: Final = (7.58, 25.99, 42.50, 60.53, 79.28)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFigures:
    """One configuration and the figures that the published program reports for it.

    `means` by level and `mean` over all are seconds of response.
    """

    key: str
    policy: str
    setting: str
    gap_seconds: float
    max_concurrent: int
    num_slots: int
    num_requests: int
    means: tuple[float, ...]
    mean: float
    evictions: int

    def workload(self) -> list[Work]:
        return generate(
            WorkloadSpec(gap_seconds=self.gap_seconds, max_concurrent=self.max_concurrent)
        )


def published_figures() -> list[PublishedFigures]:
    text = files("scheduling.paper").joinpath("data/published_means.json").read_text()
    found = []
    for key, figures in json.loads(text)["configurations"].items():
        policy, setting, gap, concurrent, slots = key.split("/")
        found.append(
            PublishedFigures(
                key=key,
                policy=policy,
                setting=setting,
                gap_seconds=float(gap.removeprefix("gap")),
                max_concurrent=int(concurrent.removeprefix("max")),
                num_slots=int(slots.removeprefix("batch")),
                num_requests=figures["num_requests"],
                means=tuple(figures["mean_by_priority_seconds"].values()),
                mean=figures["mean_seconds"],
                evictions=figures["evictions"],
            )
        )
    return found
