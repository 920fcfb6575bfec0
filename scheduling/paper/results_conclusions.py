"""Conclusions from the recorded experiments. All numbers are read from the records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]
Records = Mapping[str, Sequence[Record]]

_LOAD = {"setting": "A100_4B", "gap_seconds": 0.01, "max_concurrent": 50}
_QUEUE = {"max_concurrent": 20, "errors": "corrected"}
_STEADY = {
    "mode": "immediate",
    "latency_seconds": 0.001,
    "max_concurrent": 16,
    "predictor_batch": 16,
}


def conclusions(points: Records) -> str:
    """Returns the section; empty if a needed experiment is not recorded."""
    try:
        parts = [
            _slots_and_order(points["gap"]),
            _cost_of_deadlines(points["gap"]),
            _worse_cases(points),
            _errors(points["length-error"], points["priority-error"]),
        ]
    except LookupError:
        return ""
    return "\n".join(["## Conclusions", "", *(f"* {part}" for part in parts), ""])


def _slots_and_order(gap: Sequence[Record]) -> str:
    def overall(policy: str, batching: str) -> float:
        return _mean(_one(gap, _LOAD, policy, batching))

    def level_0(policy: str, batching: str) -> float:
        return _mean(_one(gap, _LOAD, policy, batching), "0")

    published = 1 - overall("semantic", "published") / overall("fcfs", "published")
    ours = 1 - overall("semantic", "ours") / overall("fcfs", "ours")
    times_published = level_0("fcfs", "published") / level_0("semantic", "published")
    times_ours = level_0("fcfs", "ours") / level_0("semantic", "ours")
    return (
        "**A large part of the published gain over first come, first served (FCFS) comes from "
        "slots that the published rule leaves empty.** With the paper's load, filling all slots "
        f"reduces the mean of FCFS from {overall('fcfs', 'published'):.1f} s to "
        f"{overall('fcfs', 'ours'):.1f} s. Semantic order then saves {100 * ours:.0f} % of the "
        f"mean, not {100 * published:.0f} %. Its purpose is still met: level 0 is "
        f"{times_ours:.1f} times as fast as with FCFS ({times_published:.1f} times with the "
        "published rule)."
    )


def _cost_of_deadlines(gap: Sequence[Record]) -> str:
    due, plain = (_one(gap, _LOAD, policy, "ours") for policy in ("semantic_due", "semantic"))
    shortest = _one(gap, _LOAD, "sjf", "ours")
    more = 100 * (_mean(due) / _mean(plain) - 1)
    return (
        f"**Deadlines cost {more:.0f} % of the mean** under an overload in which most requests "
        f"miss their deadline. Level 0 loses nothing ({_mean(due, '0'):.2f} s in both cases). "
        f"Shortest first has the smallest mean, {_mean(shortest):.1f} s, but its mean for level "
        f"0 is {_mean(shortest, '0'):.1f} s."
    )


def _worse_cases(points: Records) -> str:
    semantic = _one(points["latency"], _STEADY, "semantic", "ours")
    fcfs = _one(points["latency"], _STEADY, "fcfs", "ours")
    worse, pairs = 0, 0
    found = {(p["configuration"], p["batching"]): p for p in points["published"]}
    for (configuration, batching), published in found.items():
        if batching == "published":
            ours = found[configuration, "ours"]
            levels = [level for level in "01234" if ours["by_priority"][level]["count"]]
            pairs += len(levels)
            worse += sum(_mean(ours, level) > _mean(published, level) for level in levels)
    return (
        "**Some figures are worse.** With a steady load close to the capacity (groups of at most "
        f"16, one each second) the mean is {_mean(semantic):.2f} s with semantic order and "
        f"{_mean(fcfs):.2f} s with FCFS. Level 0 takes {_mean(semantic, '0'):.1f} s instead of "
        f"{_mean(fcfs, '0'):.1f} s, and the other levels take longer. In {worse} of the {pairs} "
        "level means of the configurations above, all with groups of at most 5, our rule is "
        "slower than the published rule: it starts new requests at once, and each of their "
        "prefill passes stops decoding."
    )


def _errors(length: Sequence[Record], priority: Sequence[Record]) -> str:
    def level_0(points: Sequence[Record], rate: float, policy: str = "semantic") -> float:
        return _mean(_one(points, {**_QUEUE, "rate": rate}, policy, "ours"), "0")

    rates = sorted({p["rate"] for p in priority})
    lost = next((r for r in rates if level_0(priority, r) > level_0(priority, r, "fcfs")), None)
    return (
        "**A wrong level costs more than a wrong length.** The mean of level 0 is "
        f"{level_0(length, 0.0):.2f} s without errors. It is {level_0(length, 0.5):.2f} s if half "
        "of all lengths are wrong by half the range, and "
        f"{level_0(priority, 0.5):.2f} s if half of all levels are (corrected error models). "
        + (f"With {100 * lost:.0f} % or more, FCFS is better for level 0. " if lost else "")
        + "So a better classifier is worth more than a better length predictor."
    )


def _one(points: Sequence[Record], labels: Record, policy: str, batching: str) -> Record:
    """Returns the point with these labels. Raises LookupError if it is not recorded."""
    wanted = {**labels, "policy": policy, "batching": batching}
    for point in points:
        if all(point.get(name) == value for name, value in wanted.items()):
            return point
    raise LookupError(f"not recorded: {wanted}")


def _mean(point: Record, level: str | None = None) -> float:
    figures = point["overall"] if level is None else point["by_priority"][level]
    mean: float = figures["mean"]
    return mean
