"""The board as a value, and its HTML fragment.

A fragment depends on the sight of the user alone (departments.py), so it is rendered once for all
open pages of people with an equal sight. The page around it and each view check the rights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet
from django.template.loader import render_to_string

from scheduling import selectors as scheduling
from scheduling.core.request import PRIORITIES
from scheduling.models import AdmissionChange
from triage_site.cases.board_rows import COLUMNS, Patient, Row, Rows
from triage_site.cases.clinical import ClinicalStatus, GuidanceStatus
from triage_site.cases.departments import EVERYTHING, Sight, has_several
from triage_site.cases.find import PAGE_SIZE
from triage_site.cases.levels import Level, level_of
from triage_site.cases.models import Case, Opening
from triage_site.cases.openings import alerts
from triage_site.cases.queue_view import QueueView

NUM_CLOSED_SHOWN: Final = 30
# The server renders 1000 rows in 0.3 s, but a browser merges 500 in 0.4 s and 1000 in 2 s or more.
NUM_OPEN_SHOWN: Final = 500
URGENT: Final = 1  # the least urgent level of which a hidden overdue patient is named


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelCount:
    """Patients of a level who wait to be seen."""

    level: Level
    num: int
    num_late: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    now: datetime
    open_rows: Sequence[Row]  # patients who wait to be seen
    seen_rows: Sequence[Row]
    closed_rows: Sequence[Row]
    beyond: Sequence[Patient] = ()  # waiting, beyond NUM_OPEN_SHOWN: the last ones in order
    num_waiting: int
    num_overdue: int
    num_urgent_overdue: int  # of level 0 or 1
    num_reassess_due: int
    longest: Row | None  # the patient who is longest past the target
    counts: Sequence[LevelCount]
    policy_title: str  # not the Policy: a template would call it
    policy_description: str
    num_slots: int
    num_slots_used: int
    num_workers: int
    pause: AdmissionChange | None
    alerts: Sequence[Opening] | None  # None: the page has no place for them

    @property
    def now_epoch(self) -> float:
        return round(self.now.timestamp(), 1)

    @property
    def num_beyond(self) -> int:
        return len(self.beyond)

    @property
    def per_page(self) -> int:
        return PAGE_SIZE

    @property
    def beyond_page(self) -> int:
        """The page of the search on which the patients beyond the board begin."""
        return page_of(len(self.open_rows))

    @property
    def beyond_text(self) -> str:
        """Number, level, marks and owner of each patient beyond the board, for the page's filter.

        By the level the page also knows who was raised, when such a patient enters the board.
        """
        return " ".join(map(_short, self.beyond))

    @property
    def is_guidance_awaited(self) -> bool:
        rows = (*self.open_rows, *self.seen_rows)
        return any(row.guidance in _AWAITED for row in rows)


_AWAITED: Final = frozenset({GuidanceStatus.QUEUED, GuidanceStatus.OFFLINE, GuidanceStatus.STALE})


def page_of(num_before: int) -> int:
    """Returns the page of the search that holds the patient after so many others."""
    return num_before // PAGE_SIZE + 1


def _short(one: Patient) -> str:
    level = "" if one.case.priority is None else one.case.priority
    marks = ("p" if one.case.needs_person else "") + ("o" if one.standing.is_overdue else "")
    return f"{one.case.number}.{level}.{marks}.{one.case.created_by_id}"


def render_board(now: datetime, sight: Sight = EVERYTHING) -> str:
    """Returns the HTML of everything that changes on the board. Rows keep their ids."""
    return board_html(build_board(now, sight))


def board_html(board: Board) -> str:
    return render_to_string("cases/_board.html", {"board": board})


def build_board(now: datetime, sight: Sight = EVERYTHING) -> Board:
    return BoardMaker.read(now).board(sight)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardMaker:
    """All patients at one moment, from which the board of each sight is made.

    The order is one for all departments; a board leaves rows out and moves none.
    """

    rows: Rows
    waiting: Sequence[Patient]  # in order
    workers: Sequence[Mapping[str, Any]]
    pause: AdmissionChange | None

    @classmethod
    def read(cls, now: datetime, queue: QueueView | None = None) -> BoardMaker:
        queue = queue or QueueView.read(now)
        workers = list(scheduling.workers().values())
        rows = Rows(queue, now, is_online=bool(workers), names_departments=has_several())
        cases = queue.order_of_patients(_cases(ClinicalStatus.WAITING).order_by("arrived_at"))
        return cls(
            rows=rows,
            waiting=_overdue_first([rows.patient(case) for case in cases]),
            workers=workers,
            pause=scheduling.pause() if queue.is_paused else None,
        )

    def board(self, sight: Sight) -> Board:
        """Lists the patients who are not closed: those waiting, in order, then those seen."""
        make, policy = self.rows, self.rows.queue.policy
        waiting = [one for one in self.waiting if sight.has(one.case)]
        longest = _longest_overdue(waiting)
        seen = sight.of(_cases(ClinicalStatus.BEING_SEEN)).order_by("seen_at")
        closed = sight.of(_cases(ClinicalStatus.CLOSED)).order_by("-closed_at")
        return Board(
            now=make.now,
            open_rows=[make.row(one, longest) for one in waiting[:NUM_OPEN_SHOWN]],
            seen_rows=[make.row(make.patient(case)) for case in seen[:NUM_OPEN_SHOWN]],
            closed_rows=[make.row(make.patient(case)) for case in closed[:NUM_CLOSED_SHOWN]],
            beyond=waiting[NUM_OPEN_SHOWN:],
            num_waiting=len(waiting),
            num_overdue=sum(one.standing.is_overdue for one in waiting),
            num_urgent_overdue=sum(map(_is_urgent_overdue, waiting)),
            num_reassess_due=sum(one.standing.is_reassess_due for one in waiting),
            longest=None if longest is None else make.row(longest, longest),
            counts=_counts(waiting),
            policy_title=policy.title,
            policy_description=policy.description,
            num_slots=int(sum(worker.get("slots", 0) for worker in self.workers)),
            num_slots_used=int(sum(worker.get("slots_used", 0) for worker in self.workers)),
            num_workers=len(self.workers),
            pause=self.pause,
            alerts=alerts() if sight.has_alerts else None,
        )


def _cases(status: ClinicalStatus) -> QuerySet[Case]:
    cases = Case.objects.filter(clinical_status=status)
    return cases.select_related("seen_by", "department").only(*COLUMNS)


def _overdue_first(waiting: Sequence[Patient]) -> list[Patient]:
    """Sorts patients within the places of their level: those whose words were not understood,
    then overdue ones, the longest first."""
    by_level: dict[int | None, list[Patient]] = {}
    for one in waiting:
        by_level.setdefault(one.case.priority, []).append(one)
    for of_level in by_level.values():
        of_level.sort(
            key=lambda one: (not one.case.is_not_understood, -one.standing.overdue_seconds)
        )
        of_level.reverse()  # `pop` takes the first one
    return [by_level[one.case.priority].pop() for one in waiting]


def _longest_overdue(waiting: Sequence[Patient]) -> Patient | None:
    """Returns the patient who is longest past the target."""
    longest = max(waiting, key=lambda one: one.standing.overdue_seconds, default=None)
    return longest if longest is not None and longest.standing.is_overdue else None


def _is_urgent_overdue(one: Patient) -> bool:
    priority = one.case.priority
    return one.standing.is_overdue and priority is not None and priority <= URGENT


def _counts(waiting: Sequence[Patient]) -> list[LevelCount]:
    counts = []
    for priority in PRIORITIES:
        of_level = [one for one in waiting if one.case.priority == priority]
        level = level_of(priority)
        assert level is not None
        late = sum(one.standing.is_overdue for one in of_level)
        counts.append(LevelCount(level=level, num=len(of_level), num_late=late))
    return counts
