"""The wall display: who waits, without patient data.

It shows number, bed, level and wait. A label that is not certainly a place could be a name and is
left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from triage_site.cases.board import Board, LevelCount, build_board
from triage_site.cases.departments import EVERYTHING, Sight
from triage_site.cases.levels import Clock, Level

NUM_SHOWN: Final = 22  # two columns of rows that are readable at four metres
_PLACE: Final = re.compile(
    r"(?:(?:bed|bay|room|rm|cubicle|trolley|chair|resus|area|hall|corridor|triage)\s*-?\s*)?"
    r"[a-z]?-?[0-9]{1,3}[a-z]?",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WallRow:
    number: int
    place: str  # a bed or room, or empty
    level: Level | None
    clock: Clock
    is_overdue: bool
    is_longest_overdue: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    now: datetime
    rows: Sequence[WallRow]
    counts: Sequence[LevelCount]
    num_waiting: int
    num_overdue: int
    num_seen: int

    @property
    def num_more(self) -> int:
        return self.num_waiting - len(self.rows)

    @property
    def now_epoch(self) -> float:
        return round(self.now.timestamp(), 1)


def build_wall(now: datetime, sight: Sight = EVERYTHING) -> Wall:
    """Returns the patients who wait to be seen, in the order of the board."""
    board = build_board(now, sight)
    return Wall(
        now=now,
        rows=_rows(board),
        counts=board.counts,
        num_waiting=board.num_waiting,
        num_overdue=board.num_overdue,
        num_seen=len(board.seen_rows),
    )


def _rows(board: Board) -> list[WallRow]:
    return [
        WallRow(
            number=row.number,
            place=place_of(row.label),
            level=row.level,
            clock=row.clock,
            is_overdue=row.is_overdue,
            is_longest_overdue=row.is_longest_overdue,
        )
        for row in board.open_rows[:NUM_SHOWN]
    ]


def place_of(label: str) -> str:
    """Returns a label that names a bed or room; empty for all others."""
    words = " ".join(label.split())
    return words if _PLACE.fullmatch(words) else ""
