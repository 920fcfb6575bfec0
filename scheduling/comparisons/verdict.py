"""A comparison in plain words: who gains, who pays, who starves. Pure, from the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scheduling.comparisons.figures import TIME_CRITICAL
from scheduling.core.policies import POLICIES

Figures = Mapping[str, Any]

GAIN: Final = 0.9  # a mean at most this part of the reference is a gain
PAY: Final = 1.1
STARVE: Final = 3.0  # a longest response at least so many times that of the reference
ALIKE: Final = 1.05
REFERENCE: Final = "fcfs"
_NO_DIFFERENCE: Final = "no level's mean differs by more than 5 %"
_SLOTS_ARE_FREE: Final = "Slots are free when requests arrive."


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVerdict:
    """One policy against the reference: levels as numbers, and each in a sentence."""

    policy: str
    title: str
    gains: tuple[str, ...]
    pays: tuple[str, ...]
    starves: tuple[str, ...]
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`sentences` name the trade-off of the best policy; `policies` describe each one."""

    sentences: tuple[str, ...]
    policies: tuple[PolicyVerdict, ...]


def verdict(policies: Mapping[str, Figures], bound_overall: float) -> Verdict:
    """`policies` are figures as `compare` makes them; seconds of response."""
    finished = {name: one for name, one in policies.items() if one["overall"]["count"]}
    if not finished:
        return Verdict(sentences=("The load holds no request.",), policies=())
    reference = REFERENCE if REFERENCE in finished else next(iter(finished))
    each = tuple(_one(name, one, finished[reference], reference) for name, one in finished.items())
    return Verdict(
        sentences=tuple(_sentences(finished, each, reference, bound_overall)), policies=each
    )


def _sentences(
    policies: Mapping[str, Figures],
    each: Sequence[PolicyVerdict],
    reference: str,
    bound_overall: float,
) -> list[str]:
    if len(policies) == 1:
        return [each[0].words]
    best = min(policies, key=lambda name: (critical_mean(policies[name]), name))
    by_name = {one.policy: one for one in each}
    alike = [name for name, one in policies.items() if _are_alike(one, policies[best])]
    if reference in alike and len(alike) > 1:
        return _of_alike(alike, by_name)
    found = [_who_gains(policies, best, reference)]
    found.append(_who_pays(policies, by_name[best], reference))
    found += _who_starves(by_name, best, policies)
    if bound_overall > 0:
        nearest = min(policies, key=lambda name: (policies[name]["overall"]["mean"], name))
        over = 100 * (policies[nearest]["overall"]["mean"] / bound_overall - 1)
        found.append(
            f"{_title(nearest)} has the lowest mean over all levels, {over:.0f} % above what "
            "no order can beat."
        )
    return found


def critical_mean(figures: Figures) -> float:
    """Mean response of the time-critical levels together; of all where there are none."""
    lines = [figures["by_priority"][str(level)] for level in TIME_CRITICAL]
    count: int = sum(line["count"] for line in lines)
    if not count:
        return float(figures["overall"]["mean"])
    total: float = sum(line["count"] * (line["mean"] or 0.0) for line in lines)
    return total / count


def _who_gains(policies: Mapping[str, Figures], best: str, reference: str) -> str:
    mean = critical_mean(policies[best])
    text = f"{_title(best)} serves levels 0 and 1 soonest: {_seconds(mean)} on average"
    if best == reference:
        return f"{text}."
    return (
        f"{text}, against {_seconds(critical_mean(policies[reference]))} under {_title(reference)}."
    )


def _who_pays(policies: Mapping[str, Figures], one: PolicyVerdict, reference: str) -> str:
    if not one.pays:
        return f"No level pays for it by more than 10 % against {_title(reference)}."
    level = max(one.pays, key=lambda name: _mean_ratio(policies, one.policy, reference, name))
    own = policies[one.policy]["by_priority"][level]
    other = policies[reference]["by_priority"][level]
    return (
        f"{_levels(one.pays)} pay{'s' if len(one.pays) == 1 else ''} for it, level {level} most: "
        f"{_seconds(own['mean'])} instead of {_seconds(other['mean'])} on average, "
        f"{_seconds(own['max'])} at the longest."
    )


def _who_starves(
    by_name: Mapping[str, PolicyVerdict], best: str, policies: Mapping[str, Figures]
) -> list[str]:
    one = by_name[best]
    if not one.starves:
        return [f"No level starves under {one.title}."]
    found = [
        f"{_levels(one.starves)} starve{'s' if len(one.starves) == 1 else ''} under {one.title}."
    ]
    fair = [name for name, other in by_name.items() if not other.starves]
    if fair:
        choice = min(fair, key=lambda name: (critical_mean(policies[name]), name))
        found.append(
            f"The best policy under which no level starves is {_title(choice)}: "
            f"{_seconds(critical_mean(policies[choice]))} on average for levels 0 and 1."
        )
    return found


def _one(name: str, figures: Figures, reference: Figures, reference_name: str) -> PolicyVerdict:
    ratios = {
        level: (line["mean"] / other["mean"], line["max"] / other["max"])
        for level, line in figures["by_priority"].items()
        if line["count"] and (other := reference["by_priority"][level])["mean"]
    }
    gains = tuple(level for level, (mean, _) in ratios.items() if mean <= GAIN)
    pays = tuple(level for level, (mean, _) in ratios.items() if mean >= PAY)
    starves = tuple(
        level for level, (mean, longest) in ratios.items() if longest >= STARVE and mean >= PAY
    )
    if len(starves) == len(ratios):  # no order but a lack of service: all are slow alike
        starves = ()
    return PolicyVerdict(
        policy=name,
        title=_title(name),
        gains=gains,
        pays=pays,
        starves=starves,
        words=_words(name, figures, (gains, pays, starves), reference, reference_name),
    )


def _words(
    name: str,
    figures: Figures,
    found: tuple[Sequence[str], Sequence[str], Sequence[str]],
    reference: Figures,
    reference_name: str,
) -> str:
    gains, pays, starves = found
    lost = figures.get("num_requests", 0) - figures["overall"]["count"]
    parts = []
    if name == reference_name:
        parts.append("The policy that the others are compared with.")
    elif not gains and not pays:
        parts.append(f"No level's mean differs by more than 10 % from {_title(reference_name)}.")
    elif len(pays) == sum(line["count"] > 0 for line in figures["by_priority"].values()):
        ratio = figures["overall"]["mean"] / reference["overall"]["mean"]
        parts.append(f"Every level pays: {ratio:.1f} times the mean of {_title(reference_name)}.")
    else:
        parts.append(f"{_levels(gains)} gain{'s' if len(gains) == 1 else ''}." if gains else "")
        parts.append(f"{_levels(pays)} pay{'s' if len(pays) == 1 else ''}." if pays else "")
    if starves:
        parts.append(
            f"{_levels(starves)} starve{'s' if len(starves) == 1 else ''}: a longest response "
            f"at least {STARVE:.0f} times that of {_title(reference_name)}."
        )
    if lost:
        parts.append(f"{lost} requests never finished.")
    return " ".join(part for part in parts if part)


def _are_alike(one: Figures, other: Figures) -> bool:
    """Whether no level's mean differs."""
    for level, line in one["by_priority"].items():
        means = (line["mean"], other["by_priority"][level]["mean"])
        if all(means) and max(means) > ALIKE * min(means):
            return False
    return True


def _of_alike(alike: Sequence[str], by_name: Mapping[str, PolicyVerdict]) -> list[str]:
    """Where the best policy is no better than serving in the order of arrival."""
    others = [one for name, one in by_name.items() if name not in alike]
    if not others:
        hardly = f"The order hardly matters here: {_NO_DIFFERENCE} between the policies."
        return [f"{hardly} {_SLOTS_ARE_FREE}"]
    titles = _listed([by_name[name].title for name in alike])
    first = f"{titles} are alike here: {_NO_DIFFERENCE} between them. {_SLOTS_ARE_FREE}"
    return [first, *(f"{one.title}: {one.words}" for one in others)]


def _mean_ratio(policies: Mapping[str, Figures], name: str, reference: str, level: str) -> float:
    other = float(policies[reference]["by_priority"][level]["mean"])
    return float(policies[name]["by_priority"][level]["mean"]) / other


def _title(name: str) -> str:
    return POLICIES[name].title if name in POLICIES else name


def _levels(levels: Sequence[str]) -> str:
    """ "Level 3", "Levels 3 and 4", "Levels 2, 3 and 4"."""
    return f"Level{'s' if len(levels) > 1 else ''} {_listed(levels)}"


def _listed(names: Sequence[str]) -> str:
    """ "A", "A and B", "A, B and C"."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _seconds(seconds: float) -> str:
    """With the unit that reads best."""
    if seconds >= 90 * 60:
        return f"{seconds / 3600:.1f} h"
    if seconds >= 120:
        return f"{seconds / 60:.1f} min"
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds:.2f} s"
