"""The board as a value, and its HTML fragment.

A fragment does not depend on the user, so it is rendered once for all open pages. The page
around it and each view check the rights of the user.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from scheduling import selectors as scheduling
from scheduling.core.request import PRIORITIES
from scheduling.models import AdmissionChange
from triage_site.cases.case_words import care_words, complaint_words, patient_words
from triage_site.cases.clinical import GUIDANCE_WORDS, ClinicalStatus, GuidanceStatus
from triage_site.cases.levels import Clock, Level, clock_html, level_of
from triage_site.cases.models import UNCLASSIFIED, Case, CaseStatus
from triage_site.cases.place_words import moved_words
from triage_site.cases.queue_view import QueueView, place_text
from triage_site.cases.standing import Standing, standing_of

NUM_CLOSED_SHOWN: Final = 30
NUM_OPEN_SHOWN: Final = 300
URGENT: Final = 1  # the least urgent level of which a hidden overdue patient is named

COLUMNS = (
    "number", "id", "status", "label", "facts", "changed_facts", "created_by_id", "arrived_at",
    "ended_at", "priority", "suggested_priority", "proposed_priority", "needs_person",
    "person_reasons", "guidance_withheld", "guidance_stale_at", "clinical_status", "seen_at",
    "closed_at", "disposition", "assessed_at", "version", "replay_id", "seen_by__username",
    "anonymised_at", "age_band",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One case as the board shows it. Equal rows have equal HTML, except for the clock."""

    case: Case = field(compare=False)
    standing: Standing = field(compare=False)
    case_id: uuid.UUID
    number: int
    version: int
    clinical: str
    guidance: str  # `GuidanceStatus`
    label: str
    owner_id: int
    seer_id: int | None
    needs_person: bool
    why_person: tuple[str, ...]  # in words
    is_not_understood: bool
    changed: bool
    is_lower_proposed: bool
    is_overdue: bool
    is_reassess_due: bool
    is_longest_overdue: bool = False
    level: Level | None
    patient: str  # age and sex
    complaint: str
    state: str  # of the guidance in words, with what is expected
    reason: str  # of the position in the queue
    percent: int | None = None  # of the expected answer, while it is written
    is_queued: bool = False  # its guidance waits, so a person can move it
    moved: str = ""  # "moved up by 2 (anna)"
    care_words: str = ""  # who sees the patient since when, or how the case ended

    @property
    def clock(self) -> Clock:
        return self.standing.clock

    @property
    def is_waiting(self) -> bool:
        return self.clinical == ClinicalStatus.WAITING

    @property
    def is_closed(self) -> bool:
        return self.clinical == ClinicalStatus.CLOSED

    @property
    def html(self) -> SafeString:
        # Most rows have not changed since the last fragment, except for the clock.
        clock = clock_html(self.clock, ticking=self.is_waiting)
        return mark_safe(_row_html(self).replace(_CLOCK_MARK, clock))


_CLOCK_MARK: Final = "<!--clock-->"


@lru_cache(maxsize=2000)
def _row_html(row: Row) -> str:
    return render_to_string("cases/_row.html", {"row": row})


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
    num_hidden: int  # waiting patients beyond NUM_OPEN_SHOWN, the last ones in order
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

    @property
    def now_epoch(self) -> float:
        return round(self.now.timestamp(), 1)

    @property
    def is_guidance_awaited(self) -> bool:
        rows = (*self.open_rows, *self.seen_rows)
        return any(row.guidance in _AWAITED for row in rows)


_AWAITED: Final = frozenset({GuidanceStatus.QUEUED, GuidanceStatus.OFFLINE, GuidanceStatus.STALE})


def render_board(now: datetime, queue: QueueView | None = None) -> str:
    """Returns the HTML of everything that changes on the board. Rows keep their ids."""
    return board_html(build_board(now, queue))


def board_html(board: Board) -> str:
    return render_to_string("cases/_board.html", {"board": board})


def build_board(now: datetime, queue: QueueView | None = None) -> Board:
    """Lists all patients who are not closed: those waiting, in order, then those being seen."""
    queue = queue or QueueView.read(now)
    workers = scheduling.workers().values()
    make = _Rows(queue, now, is_online=bool(workers))
    cases = queue.order_of_patients(_cases(ClinicalStatus.WAITING).order_by("arrived_at"))
    waiting = _overdue_first([make.patient(case) for case in cases])
    longest = _longest_overdue(waiting)
    seen = _cases(ClinicalStatus.BEING_SEEN).order_by("seen_at")
    closed = _cases(ClinicalStatus.CLOSED).order_by("-closed_at")
    return Board(
        now=now,
        open_rows=[make.row(one, longest) for one in waiting[:NUM_OPEN_SHOWN]],
        seen_rows=[make.row(make.patient(case)) for case in seen[:NUM_OPEN_SHOWN]],
        closed_rows=[make.row(make.patient(case)) for case in closed[:NUM_CLOSED_SHOWN]],
        num_hidden=max(0, len(waiting) - NUM_OPEN_SHOWN),
        num_waiting=len(waiting),
        num_overdue=sum(one.standing.is_overdue for one in waiting),
        num_urgent_overdue=sum(map(_is_urgent_overdue, waiting)),
        num_reassess_due=sum(one.standing.is_reassess_due for one in waiting),
        longest=None if longest is None else make.row(longest, longest),
        counts=_counts(waiting),
        policy_title=queue.policy.title,
        policy_description=queue.policy.description,
        num_slots=int(sum(worker.get("slots", 0) for worker in workers)),
        num_slots_used=int(sum(worker.get("slots_used", 0) for worker in workers)),
        num_workers=len(workers),
        pause=scheduling.pause() if queue.is_paused else None,
    )


def _cases(status: ClinicalStatus) -> QuerySet[Case]:
    cases = Case.objects.filter(clinical_status=status)
    return cases.select_related("seen_by").only(*COLUMNS)


@dataclass(frozen=True, slots=True)
class _Patient:
    """A case and its wait. A row, which costs more, is made for those that are shown."""

    case: Case
    standing: Standing


def _overdue_first(waiting: Sequence[_Patient]) -> list[_Patient]:
    """Sorts patients within the places of their level: those whose words were not understood,
    then overdue ones, the longest first."""
    by_level: dict[int | None, list[_Patient]] = {}
    for one in waiting:
        by_level.setdefault(one.case.priority, []).append(one)
    for of_level in by_level.values():
        of_level.sort(
            key=lambda one: (not one.case.is_not_understood, -one.standing.overdue_seconds)
        )
        of_level.reverse()  # `pop` takes the first one
    return [by_level[one.case.priority].pop() for one in waiting]


def _longest_overdue(waiting: Sequence[_Patient]) -> _Patient | None:
    """Returns the patient who is longest past the target."""
    longest = max(waiting, key=lambda one: one.standing.overdue_seconds, default=None)
    return longest if longest is not None and longest.standing.is_overdue else None


def _is_urgent_overdue(one: _Patient) -> bool:
    priority = one.case.priority
    return one.standing.is_overdue and priority is not None and priority <= URGENT


def _counts(waiting: Sequence[_Patient]) -> list[LevelCount]:
    counts = []
    for priority in PRIORITIES:
        of_level = [one for one in waiting if one.case.priority == priority]
        level = level_of(priority)
        assert level is not None
        late = sum(one.standing.is_overdue for one in of_level)
        counts.append(LevelCount(level=level, num=len(of_level), num_late=late))
    return counts


@dataclass(frozen=True, slots=True)
class _Rows:
    """Makes the rows of one board."""

    queue: QueueView
    now: datetime
    _: KW_ONLY
    is_online: bool

    def patient(self, case: Case) -> _Patient:
        return _Patient(case, standing_of(case, self.now, is_online=self.is_online))

    def row(self, patient: _Patient, longest: _Patient | None = None) -> Row:
        case, standing = patient.case, patient.standing
        state, reason, percent = self._guidance(case, standing.guidance)
        return Row(
            case=case,
            standing=standing,
            case_id=case.id,
            number=case.number,
            version=case.version,
            clinical=case.clinical_status,
            guidance=standing.guidance,
            label=case.label,
            owner_id=case.created_by_id,
            seer_id=case.seen_by_id,
            needs_person=case.needs_person,
            why_person=case.why_person,
            is_not_understood=case.is_not_understood,
            changed=case.overridden,
            is_lower_proposed=case.proposed_priority is not None,
            is_overdue=standing.is_overdue,
            is_reassess_due=standing.is_reassess_due,
            is_longest_overdue=patient is longest,
            level=level_of(case.priority),
            patient=patient_words(case),
            complaint=complaint_words(case),
            state=state,
            reason=reason,
            percent=percent,
            is_queued=case.status == CaseStatus.QUEUED,
            moved=moved_words(self.queue.places.get(str(case.id))),
            care_words=care_words(case, self.now),
        )

    def _guidance(self, case: Case, status: GuidanceStatus) -> tuple[str, str, int | None]:
        """Returns state, reason and percentage of the guidance."""
        if case.status == CaseStatus.RUNNING:
            return "Writing", "", self.queue.percent_written(case) or 0
        if case.status == CaseStatus.QUEUED:
            place = self.queue.places.get(str(case.id))
            stale = "Out of date. " if status == GuidanceStatus.STALE else ""
            return (
                stale + place_text(place, is_paused=self.queue.is_paused),
                self.queue.reason(case, place),
                None,
            )
        if case.status in UNCLASSIFIED:
            return "Being classified", "", None
        return GUIDANCE_WORDS[status], "", None
