"""Agreement of people and classifier: override rates and tables of levels. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from scheduling.core.request import PRIORITIES
from triage_site.cases.levels import LEVELS, Level
from triage_site.cases.models import OverrideReason
from triage_site.ops.monitoring.records import CaseLine, Records
from triage_site.triage.evaluation import figures

NUM_SHADES: Final = 4
Pair = tuple[int, int]  # priorities of one case by two raters


def percent(part: int, whole: int) -> float | None:
    """Returns the percentage, or None when `whole` is 0."""
    return 100 * part / whole if whole else None


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideLine:
    """The cases with one level of the classifier, and the changes of that level by people."""

    level: Level | None  # None: all levels together
    num_cases: int
    num_up: int  # to a more urgent level
    num_down: int
    num_needing_person: int

    @property
    def num_changed(self) -> int:
        return self.num_up + self.num_down

    @property
    def changed_percent(self) -> float | None:
        return percent(self.num_changed, self.num_cases)

    @property
    def needing_person_percent(self) -> float | None:
        return percent(self.num_needing_person, self.num_cases)


def override_lines(records: Records) -> list[OverrideLine]:
    """Returns one line per level, then one for all levels."""
    final = records.final_levels()
    by_level = [[case for case in records.cases if case.given == p] for p in PRIORITIES]
    lines = [
        _override_line(level, cases, final) for level, cases in zip(LEVELS, by_level, strict=True)
    ]
    return [*lines, _override_line(None, records.cases, final)]


def _override_line(
    level: Level | None, cases: Sequence[CaseLine], final: Mapping[int, int]
) -> OverrideLine:
    moves = [final.get(case.number, case.given) - case.given for case in cases]
    return OverrideLine(
        level=level,
        num_cases=len(cases),
        num_up=sum(move < 0 for move in moves),
        num_down=sum(move > 0 for move in moves),
        num_needing_person=sum(case.needs_person for case in cases),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonLine:
    label: str
    num_up: int
    num_down: int
    num_same: int

    @property
    def num(self) -> int:
        return self.num_up + self.num_down + self.num_same


def reason_lines(records: Records) -> list[ReasonLine]:
    """Returns the reasons of changes. Every change counts, also a second one of the same case."""
    given = {case.number: case.given for case in records.cases}
    moves: Counter[tuple[str, int]] = Counter()
    for one in records.overrides:
        before, given[one.number] = given[one.number], one.to
        moves[one.reason, int(np.sign(one.to - before))] += 1
    lines = [
        ReasonLine(
            label=str(label),
            num_up=moves[reason, -1],
            num_down=moves[reason, 1],
            num_same=moves[reason, 0],
        )
        for reason, label in OverrideReason.choices
    ]
    return sorted((line for line in lines if line.num), key=lambda line: -line.num)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    num: int
    shade: int  # 0 (empty) to NUM_SHADES, by its share of the largest cell
    same: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Agreement of two raters. `rows` are the levels of the first, columns of the second."""

    num: int
    exact_percent: float
    within_one_percent: float
    kappa: float  # quadratic weights (Cohen 1968)
    rows: Sequence[tuple[Level, Sequence[Cell]]]


def agreement(pairs: Iterable[Pair]) -> Agreement | None:
    """Returns the agreement, or None without pairs."""
    table = np.array(list(pairs), dtype=np.int64)
    if not len(table):
        return None
    one, other = table[:, 0], table[:, 1]
    return Agreement(
        num=len(table),
        exact_percent=100 * figures.exact(one, other),
        within_one_percent=100 * figures.within_one(one, other),
        kappa=figures.kappa(one, other),
        rows=_rows(Counter(zip(one.tolist(), other.tolist(), strict=True))),
    )


def _rows(counts: Counter[Pair]) -> list[tuple[Level, list[Cell]]]:
    largest = max(counts.values())
    return [
        (
            LEVELS[row],
            [
                Cell(
                    num=counts[row, column],
                    shade=-(-NUM_SHADES * counts[row, column] // largest),
                    same=row == column,
                )
                for column in PRIORITIES
            ],
        )
        for row in PRIORITIES
    ]


def judged_pairs(records: Records) -> list[Pair]:
    """Returns (level of the classifier, level of the person) of the cases that a person judged."""
    judged = records.judged_levels()
    return [(case.given, judged[case.number]) for case in records.cases if case.number in judged]


def all_pairs(records: Records) -> list[Pair]:
    """Returns `judged_pairs` and all other cases, counted as agreement."""
    judged = records.judged_levels()
    return [(case.given, judged.get(case.number, case.given)) for case in records.cases]
