"""What follows from the recorded experiments, in words; each number is read from the records."""

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
    """Empty where an experiment that it rests on is not recorded."""
    try:
        parts = [
            _slots_or_order(points["gap"]),
            _price_of_the_promise(points["gap"]),
            _not_always(points),
            _errors(points["length-error"], points["priority-error"]),
        ]
    except LookupError:
        return ""
    return "\n".join(["## What follows", "", *(f"* {part}" for part in parts), ""])


def _slots_or_order(gap: Sequence[Record]) -> str:
    def overall(policy: str, batching: str) -> float:
        return _mean(_one(gap, _LOAD, policy, batching))

    def level_0(policy: str, batching: str) -> float:
        return _mean(_one(gap, _LOAD, policy, batching), "0")

    published = 1 - overall("semantic", "published") / overall("fcfs", "published")
    ours = 1 - overall("semantic", "ours") / overall("fcfs", "ours")
    times_published = level_0("fcfs", "published") / level_0("semantic", "published")
    times_ours = level_0("fcfs", "ours") / level_0("semantic", "ours")
    return (
        "**Much of the published gain over first come, first served is that its slots stay "
        f"empty.** On the paper's load FCFS falls from {overall('fcfs', 'published'):.1f} s to "
        f"{overall('fcfs', 'ours'):.1f} s by filling slots alone. Semantic order then saves "
        f"{100 * ours:.0f} % of the mean, not {100 * published:.0f} %. What it is for stays: "
        f"level 0 is answered {times_ours:.1f} times as fast as under FCFS "
        f"({times_published:.1f} times by the published rule)."
    )


def _price_of_the_promise(gap: Sequence[Record]) -> str:
    due, plain = (_one(gap, _LOAD, policy, "ours") for policy in ("semantic_due", "semantic"))
    shortest = _one(gap, _LOAD, "sjf", "ours")
    more = 100 * (_mean(due) / _mean(plain) - 1)
    return (
        f"**Bounding the wait costs {more:.0f} % of the mean** under an overload in which most "
        f"promises are broken, and level 0 nothing ({_mean(due, '0'):.2f} s either way). "
        f"Shortest first has the least mean, {_mean(shortest):.1f} s, but lets level 0 wait "
        f"{_mean(shortest, '0'):.1f} s."
    )


def _not_always(points: Records) -> str:
    semantic = _one(points["latency"], _STEADY, "semantic", "ours")
    fcfs = _one(points["latency"], _STEADY, "fcfs", "ours")
    worse, pairs = 0, 0
    found = {(p["configuration"], p["batching"]): p for p in points["published"]}
    for (configuration, batching), theirs in found.items():
        if batching == "published":
            ours = found[configuration, "ours"]
            levels = [level for level in "01234" if ours["by_priority"][level]["count"]]
            pairs += len(levels)
            worse += sum(_mean(ours, level) > _mean(theirs, level) for level in levels)
    return (
        "**Not everything is better.** Under a steady load that the slots just bear (groups of "
        f"at most 16, 1 s apart) semantic order's mean is {_mean(semantic):.2f} s against "
        f"{_mean(fcfs):.2f} s of FCFS: level 0 is served in {_mean(semantic, '0'):.1f} instead "
        f"of {_mean(fcfs, '0'):.1f} s, and the others pay for it. And in {worse} of the {pairs} "
        "level means of the configurations above ours is behind the published rule, on groups of "
        "at most 5: it starts newcomers at once, and every pass of theirs holds up those that "
        "decode."
    )


def _errors(length: Sequence[Record], priority: Sequence[Record]) -> str:
    def level_0(points: Sequence[Record], rate: float, policy: str = "semantic") -> float:
        return _mean(_one(points, {**_QUEUE, "rate": rate}, policy, "ours"), "0")

    rates = sorted({p["rate"] for p in priority})
    lost = next((r for r in rates if level_0(priority, r) > level_0(priority, r, "fcfs")), None)
    return (
        "**A wrong level costs more than a wrong length.** With half of all lengths mistaken by "
        f"half the range level 0 goes from {level_0(length, 0.0):.2f} to "
        f"{level_0(length, 0.5):.2f} s, with half of all levels so mistaken to "
        f"{level_0(priority, 0.5):.2f} s (corrected error models). "
        + (f"From {100 * lost:.0f} % on it would be better off under FCFS. " if lost else "")
        + "So effort belongs into the classifier before the length predictor."
    )


def _one(points: Sequence[Record], labels: Record, policy: str, batching: str) -> Record:
    """Raises LookupError where it is not recorded."""
    wanted = {**labels, "policy": policy, "batching": batching}
    for point in points:
        if all(point.get(name) == value for name, value in wanted.items()):
            return point
    raise LookupError(f"not recorded: {wanted}")


def _mean(point: Record, level: str | None = None) -> float:
    figures = point["overall"] if level is None else point["by_priority"][level]
    mean: float = figures["mean"]
    return mean
