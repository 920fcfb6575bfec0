"""How far people and the classifier agree: override rates and the table of both. Pure."""

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
Pair = tuple[int, int]  # (given by one, given by the other), priorities


def percent(part: int, whole: int) -> float | None:
    """None where there is nothing to be a part of."""
    return 100 * part / whole if whole else None


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideLine:
    """Cases that the classifier gave one level, and what people did to them."""

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

    @property
    def up_percent(self) -> float:
        return percent(self.num_up, self.num_cases) or 0.0

    @property
    def down_percent(self) -> float:
        return percent(self.num_down, self.num_cases) or 0.0


def override_lines(records: Records) -> list[OverrideLine]:
    """One line per level, then one for all."""
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
    words: str
    num_up: int
    num_down: int
    num_same: int

    @property
    def num(self) -> int:
        return self.num_up + self.num_down + self.num_same


def reason_lines(records: Records) -> list[ReasonLine]:
    """Why people changed levels; every change counts, also a second one of the same case."""
    given = {case.number: case.given for case in records.cases}
    moves: Counter[tuple[str, int]] = Counter()
    for one in records.overrides:
        before, given[one.number] = given[one.number], one.to
        moves[one.reason, int(np.sign(one.to - before))] += 1
    lines = [
        ReasonLine(
            words=str(label),
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
    shade: int  # 0 empty to NUM_SHADES, by its share of the fullest cell
    same: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Two judges of the same cases. `rows` are the first one's levels, columns the other's."""

    num: int
    exact_percent: float
    within_one_percent: float
    kappa: float  # quadratic weights (Cohen 1968)
    rows: Sequence[tuple[Level, Sequence[Cell]]]


def agreement(pairs: Iterable[Pair]) -> Agreement | None:
    """None where there is no pair."""
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
    fullest = max(counts.values())
    return [
        (
            LEVELS[row],
            [
                Cell(
                    num=counts[row, column],
                    shade=-(-NUM_SHADES * counts[row, column] // fullest),
                    same=row == column,
                )
                for column in PRIORITIES
            ],
        )
        for row in PRIORITIES
    ]


def judged_pairs(records: Records) -> list[Pair]:
    """(given, what a person said instead) of the cases that a person judged otherwise or alike."""
    judged = records.judged_levels()
    return [(case.given, judged[case.number]) for case in records.cases if case.number in judged]


def all_pairs(records: Records) -> list[Pair]:
    """As `judged_pairs`, and of all other cases as if leaving the level alone were agreeing."""
    judged = records.judged_levels()
    return [(case.given, judged.get(case.number, case.given)) for case in records.cases]
