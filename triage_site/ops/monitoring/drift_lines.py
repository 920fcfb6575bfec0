"""Drift of inputs and levels against a reference, as lines and columns of the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils import timezone

from scheduling.core.request import PRIORITIES
from triage_site.cases.levels import LEVELS, Level
from triage_site.ops.monitoring.records import Records
from triage_site.triage.evaluation import drift
from triage_site.triage.evaluation.drift import Counts, Input, Reference, Verdict

BIN_WIDTH: Final = 3
BAR_HEIGHT: Final = 30  # height of the small charts, in units of their view box
DAY_HEIGHT: Final = 100
_WORST_FIRST: Final = (
    Verdict.SHIFTED,
    Verdict.SOME,
    Verdict.CHANCE,
    Verdict.STABLE,
    Verdict.UNKNOWN,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BinLine:
    """One bin: percentage of the cases in the reference and now, with a bar for each.

    The bar of `largest_percent` has the full height of the chart.
    """

    label: str
    x: int
    then_percent: float
    now_percent: float
    largest_percent: float

    @property
    def now_x(self) -> float:
        return self.x + 1.3

    @property
    def then_height(self) -> float:
        return round(self.then_percent * BAR_HEIGHT / self.largest_percent, 2)

    @property
    def now_height(self) -> float:
        return round(self.now_percent * BAR_HEIGHT / self.largest_percent, 2)

    @property
    def then_y(self) -> float:
        return round(BAR_HEIGHT - self.then_height, 2)

    @property
    def now_y(self) -> float:
        return round(BAR_HEIGHT - self.now_height, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftLine:
    label: str
    num: int  # cases with a value
    index: float | None
    limit: float | None
    verdict: Verdict
    bins: Sequence[BinLine]

    @property
    def width(self) -> int:
        """Width of the chart: three units per bin."""
        return BIN_WIDTH * len(self.bins)

    @property
    def pixels(self) -> int:
        return 6 * self.width


def drift_line(label: str, bins: Sequence[str], then: Counts, now: Counts) -> DriftLine:
    index, limit = drift.stability_index(then, now), drift.chance_limit(then, now)
    shares = [(_percent(a, then), _percent(b, now)) for a, b in zip(then, now, strict=True)]
    largest = max(max(pair) for pair in shares) or 1.0
    return DriftLine(
        label=label,
        num=sum(now),
        index=index,
        limit=limit,
        verdict=drift.verdict(index, limit),
        bins=[
            BinLine(
                label=name,
                x=BIN_WIDTH * at,
                then_percent=shares[at][0],
                now_percent=shares[at][1],
                largest_percent=largest,
            )
            for at, name in enumerate(bins)
        ],
    )


def _percent(count: int, counts: Counts) -> float:
    return 100 * count / max(1, sum(counts))


def input_lines(records: Records, reference: Reference) -> list[DriftLine]:
    """Returns every input, the most shifted first."""
    now = drift.histograms(records.case_facts())

    def line(one: Input) -> DriftLine:
        return drift_line(one.label, one.bins, reference.counts[one.name], now[one.name])

    return sorted(
        map(line, drift.INPUTS),
        key=lambda found: (_WORST_FIRST.index(found.verdict), -(found.index or 0.0)),
    )


def level_line(records: Records, reference: Reference) -> DriftLine:
    bins = [f"{level.priority} {level.short}" for level in LEVELS]
    return drift_line("Levels", bins, reference.levels, level_counts(records))


def level_counts(records: Records) -> list[int]:
    """Counts the levels of the classifier, without its failures."""
    counts = Counter(case.given for case in records.cases if not case.failed)
    return [counts[priority] for priority in PRIORITIES]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One level of a column, from `y` down."""

    level: Level
    percent: float
    y: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DayColumn:
    day: date
    x: int
    num: int
    pieces: Sequence[Piece]


def day_columns(records: Records) -> list[DayColumn]:
    """Returns the share of each level per day, oldest first, without days without cases."""
    counts: Counter[tuple[date, int]] = Counter(
        (timezone.localdate(case.arrived_at), case.given)
        for case in records.cases
        if not case.failed
    )
    days = sorted({day for day, _ in counts})
    return [
        DayColumn(
            day=day,
            x=x,
            num=sum(counts[day, p] for p in PRIORITIES),
            pieces=pieces([counts[day, p] for p in PRIORITIES]),
        )
        for x, day in enumerate(days)
    ]


def pieces(counts: Counts) -> list[Piece]:
    found, y = [], 0.0
    for level, num in zip(LEVELS, counts, strict=True):
        percent = _percent(num, counts)
        height = round(percent * DAY_HEIGHT / 100, 2)
        found.append(Piece(level=level, percent=percent, y=round(y, 2), height=height))
        y += height
    return found
