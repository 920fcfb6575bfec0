"""The board as a value, and its HTML fragment.

A fragment does not depend on the user, so it is rendered once for all open pages. The page
around it and each view check the rights of the user.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from scheduling import selectors as scheduling
from scheduling.core.request import PRIORITIES
from triage_site.cases.levels import Clock, Level, clock_html, clock_of, duration_text, level_of
from triage_site.cases.models import ENDED, OPEN_STATUSES, Case, CaseStatus
from triage_site.cases.patient import patient_summary
from triage_site.cases.queue_view import QueueView, place_text

NUM_DONE_SHOWN: Final = 30
NUM_OPEN_SHOWN: Final = 300
COMPLAINT_CHARACTERS: Final = 140
TAIL_CHARACTERS: Final = 48

_COLUMNS = (
    "number", "id", "status", "label", "facts", "created_by_id", "arrived_at", "ended_at",
    "priority", "suggested_priority", "needs_person", "guidance_withheld",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One case as the board shows it. Equal rows have equal HTML, except for the clock."""

    case: Case = field(compare=False)
    clock: Clock = field(compare=False)
    case_id: uuid.UUID
    number: int
    status: str
    label: str
    owner_id: int
    needs_person: bool
    changed: bool
    level: Level | None
    patient: str  # age and sex
    complaint: str
    state: str  # of the guidance, with the expected start or the time of the end
    reason: str  # of the position in the queue
    percent: int | None = None  # of the expected answer, while it is written

    @property
    def is_ended(self) -> bool:
        return self.status in ENDED

    @property
    def html(self) -> SafeString:
        # Most rows have not changed since the last fragment, except for the clock.
        return mark_safe(_row_html(self).replace(_CLOCK_MARK, clock_html(self.clock)))


_CLOCK_MARK: Final = "<!--clock-->"


@lru_cache(maxsize=2000)
def _row_html(row: Row) -> str:
    return render_to_string("cases/_row.html", {"row": row})


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelCount:
    level: Level
    num: int
    num_late: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    now: datetime
    open_rows: Sequence[Row]
    done_rows: Sequence[Row]
    num_hidden: int  # open cases beyond NUM_OPEN_SHOWN, the last ones in order
    counts: Sequence[LevelCount]
    policy_title: str  # not the Policy: a template would call it
    policy_description: str
    num_slots: int
    num_slots_used: int
    num_workers: int

    @property
    def now_epoch(self) -> float:
        return round(self.now.timestamp(), 1)


def render_board(now: datetime, queue: QueueView | None = None) -> str:
    """Returns the HTML of everything that changes on the board. Rows keep their ids."""
    return render_to_string("cases/_board.html", {"board": build_board(now, queue)})


def build_board(now: datetime, queue: QueueView | None = None) -> Board:
    """Lists running cases first, then cases in classification, then the queue in its order."""
    queue = queue or QueueView.read(now)
    cases = Case.objects.filter(status__in=OPEN_STATUSES).only(*_COLUMNS).order_by("arrived_at")
    ordered = sorted(cases, key=queue.sort_key)
    rows = [_open_row(case, queue, now) for case in ordered[:NUM_OPEN_SHOWN]]
    ended = Case.objects.filter(status__in=ENDED).only(*_COLUMNS).order_by("-ended_at")
    workers = scheduling.workers().values()
    return Board(
        now=now,
        open_rows=rows,
        done_rows=[_ended_row(case) for case in ended[:NUM_DONE_SHOWN]],
        num_hidden=len(ordered) - len(rows),
        counts=_counts(ordered, now),
        policy_title=queue.policy.title,
        policy_description=queue.policy.description,
        num_slots=int(sum(worker.get("slots", 0) for worker in workers)),
        num_slots_used=int(sum(worker.get("slots_used", 0) for worker in workers)),
        num_workers=len(workers),
    )


def _counts(cases: Sequence[Case], now: datetime) -> list[LevelCount]:
    counts = []
    for priority in PRIORITIES:
        of_level = [case for case in cases if case.priority == priority]
        level = level_of(priority)
        assert level is not None
        late = sum(clock_of(case.arrived_at, priority, now).state == "red" for case in of_level)
        counts.append(LevelCount(level=level, num=len(of_level), num_late=late))
    return counts


def _open_row(case: Case, queue: QueueView, now: datetime) -> Row:
    if case.status == CaseStatus.RUNNING:
        percent, tail = queue.progress_for(case)
        reason = f"“{_last_words(tail)}”" if tail else ""
        return _row(case, now, state="Writing", reason=reason, percent=percent or 0)
    if case.status != CaseStatus.QUEUED:
        return _row(case, now, state="Being classified", reason="")
    place = queue.places.get(str(case.id))
    return _row(case, now, state=place_text(place), reason=queue.reason(case, place))


def _last_words(text: str) -> str:
    """Returns the last whole words of a running answer."""
    line = " ".join(text.split())
    if len(line) <= TAIL_CHARACTERS:
        return line
    return "…" + line[-TAIL_CHARACTERS:].partition(" ")[2]


def _ended_row(case: Case) -> Row:
    event = "Guidance ready" if case.status == CaseStatus.DONE else str(case.get_status_display())
    if case.guidance_withheld:
        event = "Guidance withheld"
    end = case.ended_at or case.arrived_at
    duration = duration_text((end - case.arrived_at).total_seconds())
    return _row(case, end, state=f"{event} {timezone.localtime(end):%H:%M} ({duration})", reason="")


def _row(case: Case, now: datetime, *, state: str, reason: str, percent: int | None = None) -> Row:
    facts = case.case_facts
    complaint = " ".join(facts.text.split())
    if len(complaint) > COMPLAINT_CHARACTERS:
        complaint = complaint[:COMPLAINT_CHARACTERS].rstrip() + "…"
    return Row(
        case=case,
        clock=clock_of(case.arrived_at, case.priority, now),
        case_id=case.id,
        number=case.number,
        status=case.status,
        label=case.label,
        owner_id=case.created_by_id,
        needs_person=case.needs_person,
        changed=case.overridden,
        level=level_of(case.priority),
        patient=patient_summary(facts),
        complaint=complaint,
        state=state,
        reason=reason,
        percent=percent,
    )
