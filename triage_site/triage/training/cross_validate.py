"""Cross-validated figures of the whole triage pipeline, calibration and choices included.

For each fold, boosters, calibration lines, costs and the threshold of the level sets come from
the other folds alone (an inner cross-validation gives the scores that they are settled on). Of
notes, each author's file is judged by what was settled on the other ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from triage_site.triage.classify import Seen, look
from triage_site.triage.decision import Floats, decide, level_sets
from triage_site.triage.evaluation import figures
from triage_site.triage.facts import Sex
from triage_site.triage.model.scoring import STORY, load
from triage_site.triage.signs.rules import most_urgent
from triage_site.triage.training.classifier_fit import (
    Heads,
    Ints,
    Rows,
    Settings,
    fit_rows,
    out_of_fold,
    settle,
)
from triage_site.triage.training.story_fit import (
    Told,
    never_learned,
    settle_story,
)
from triage_site.triage.types import NUM_PRIORITIES

_OTHER_SEX: Final = {Sex.FEMALE: Sex.MALE, Sex.MALE: Sex.FEMALE}
# One age of each band that the figures by group use.
_AGES: Final = {"under 40": 30.0, "40 to 64": 52.0, "65 and over": 75.0}


@dataclass(frozen=True, slots=True)
class Judged:
    """Every row as the pipeline judged it that had not seen its fold."""

    chances: Floats
    best: Ints
    final: Ints
    sets: list[tuple[int, ...]]
    flips: dict[str, float]


def judge(rows: Rows, notes: Rows) -> Judged:
    number = len(rows.priority)
    chances, final = np.zeros((number, NUM_PRIORITIES)), np.zeros(number, dtype=np.int64)
    sets: list[tuple[int, ...]] = [()] * number
    flips: list[dict[str, NDArray[np.bool_]]] = []
    for fold in np.unique(rows.fold):
        test = rows.fold == fold
        others, asked = rows.keep(~test), rows.keep(test)
        told = notes.keep(notes.fold != fold)
        settings = settle(out_of_fold(others, told), others)
        heads = fit_rows(others, told)
        chances[test] = settings.probabilities(heads.scores(asked.features))
        final[test] = np.minimum(decide(chances[test], settings.costs), asked.floor)
        found = level_sets(chances[test], settings.set_threshold)
        for index, levels in zip(np.flatnonzero(test), found, strict=True):
            sets[index] = levels
        flips.append(_flips(asked.seen, final[test], heads, settings))
    rates = {name: float(np.mean(np.concatenate([f[name] for f in flips]))) for name in flips[0]}
    return Judged(chances, chances.argmax(axis=1), final, sets, rates)


def _flips(
    seen: list[Seen], final: Ints, heads: Heads, settings: Settings
) -> dict[str, NDArray[np.bool_]]:
    """Which decisions change when nothing but sex, or nothing but the age band, does."""
    variants = {
        "sex": [replace(c.facts, sex=_OTHER_SEX.get(c.facts.sex, c.facts.sex)) for c in seen],
        **{
            f"age to {band}": [replace(c.facts, age_years=age) for c in seen]
            for band, age in _AGES.items()
        },
    }
    changed = {}
    for name, cases in variants.items():
        looked = [look(facts) for facts in cases]
        scores = heads.scores(np.array([case.view.row() for case in looked]))
        floor = np.array([most_urgent(case.fired) for case in looked])
        decided = decide(settings.probabilities(scores), settings.costs)
        changed[name] = np.minimum(decided, floor) != final
    return changed


def cross_validated(rows: Rows, notes: Rows) -> dict[str, Any]:
    """The figures as plain JSON."""
    rng = np.random.default_rng(0)
    judged = judge(rows, notes)
    return {
        **_agreement(rows.priority, judged.chances, judged.final, judged.sets, rng),
        "rules_alone": figures.agreement(rows.priority, rows.floor, rng),
        "by_fold": {
            f"fold {fold}": _short(judged, rows.priority, rows.fold == fold)
            for fold in np.unique(rows.fold)
        },
        "by_group": {
            name: _short(judged, rows.priority, chosen) for name, chosen in _groups(rows).items()
        },
        "flips": {name: round(rate, 4) for name, rate in judged.flips.items()},
    }


def stories() -> dict[str, Any]:
    """The shipped weights on notes that they never learned, settled on those of other authors."""
    told = never_learned(load().parts[STORY].scores)
    return {
        name: _source(told.keep(chosen), settle_story(told.keep(~chosen)))
        for name, chosen in told.of_sources()
    }


def _source(asked: Told, settings: Settings) -> dict[str, Any]:
    chances, rows = settings.probabilities(asked.scores), asked.rows
    sets = level_sets(chances, settings.set_threshold)
    final = np.minimum(decide(chances, caution=settings.caution), rows.floor)
    return _agreement(rows.priority, chances, final, sets, np.random.default_rng(0))


def _agreement(
    labels: Ints,
    chances: Floats,
    final: Ints,
    sets: list[tuple[int, ...]],
    rng: np.random.Generator,
) -> dict[str, Any]:
    return {
        "rows": len(labels),
        "best_guess": figures.agreement(labels, chances.argmax(axis=1), rng),
        "operating_point": figures.agreement(labels, final, rng),
        "ece": round(figures.calibration_error(labels, chances), 4),
        "conformal": figures.set_figures(labels, sets),
    }


def _groups(rows: Rows) -> dict[str, NDArray[np.bool_]]:
    ages = np.array([case.facts.age_years or 0.0 for case in rows.seen])
    sexes = np.array([str(case.facts.sex) for case in rows.seen])
    return {
        "female": sexes == str(Sex.FEMALE),
        "male": sexes == str(Sex.MALE),
        "under 40": ages < 40,
        "40 to 64": (ages >= 40) & (ages < 65),
        "65 and over": ages >= 65,
    }


def _short(judged: Judged, labels: Ints, chosen: NDArray[np.bool_]) -> dict[str, Any]:
    best, final, labels = judged.best[chosen], judged.final[chosen], labels[chosen]
    sets = [levels for levels, kept in zip(judged.sets, chosen, strict=True) if kept]
    return {
        "rows": int(chosen.sum()),
        "exact": round(figures.exact(labels, best), 3),
        "qwk": round(figures.kappa(labels, best), 3),
        "under": round(figures.under(labels, final), 3),
        "over": round(figures.over(labels, final), 3),
        "level12_recall": round(figures.level12_recall(labels, final), 3),
        "coverage": round(figures.set_figures(labels, sets)["coverage"], 3),
    }


def as_text(found: dict[str, Any]) -> str:
    """The figures for people."""
    lines = [f"{found['rows']} rows, no row judged by anything that was fitted or chosen on it"]
    lines += _as_lines(found)
    for name, values in {**found["by_fold"], **found["by_group"]}.items():
        lines.append(f"{name:12} " + "  ".join(f"{key} {value}" for key, value in values.items()))
    lines.append(
        "decision changes: " + ", ".join(f"{k} {v:.1%}" for k, v in found["flips"].items())
    )
    return "\n".join(lines)


def _as_lines(found: dict[str, Any]) -> list[str]:
    lines = []
    for head in ("best_guess", "operating_point", "rules_alone"):
        if head in found:
            shown = "  ".join(f"{name} {_figure(found[head][name])}" for name in figures.METRICS)
            lines.append(f"{head:16} {shown}")
    return [*lines, f"ece {found['ece']:.3f}  90 % sets {found['conformal']}"]


def _figure(value: float | None) -> str:
    """A share of no rows is none."""
    return "-" if value is None else f"{value:.3f}"


def stories_as_text(found: dict[str, Any]) -> str:
    lines = []
    for source, values in found.items():
        lines += [f"{source}: {values['rows']} notes, in no weights, settled on the other files"]
        lines += _as_lines(values)
    return "\n".join(lines)
