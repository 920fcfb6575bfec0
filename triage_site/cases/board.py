"""The board as a value, and the fragments that the live pages send.

Nothing in a fragment depends on who looks, so one picture serves every open page. What a
person may do is decided by the page around it, and again by each view.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from scheduling import selectors as scheduling
from scheduling.core.request import PRIORITIES
from triage_site.cases.levels import Clock, Level, clock_html, clock_of, clock_text, level_of
from triage_site.cases.models import ENDED, OPEN_STATUSES, Case, CaseStatus
from triage_site.cases.panel import render_case_panel, render_guidance, render_token
from triage_site.cases.people import who
from triage_site.cases.queue_view import QueueView, place_words

__all__ = [
    "Board",
    "Row",
    "build_board",
    "render_board",
    "render_case_panel",
    "render_guidance",
    "render_token",
]

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
    """One case as the board shows it. Equal rows look alike, but for their clocks."""

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
    who: str
    complaint: str
    state: str  # in words, with what is expected
    why: str
    percent: int | None = None  # of the expected answer, while it is written
    ended_words: str = ""  # when it came and how long it took, once it has ended

    @property
    def is_ended(self) -> bool:
        return self.status in ENDED

    @property
    def html(self) -> SafeString:
        # Most rows look as they did a moment ago; only their clocks have gone on.
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
    policy_title: str  # a Policy is callable: a template would call it
    policy_words: str
    num_slots: int
    num_slots_used: int
    num_workers: int

    @property
    def now_epoch(self) -> float:
        return round(self.now.timestamp(), 1)


def render_board(now: datetime) -> str:
    """HTML of everything that changes on the board; its rows keep their ids."""
    return render_to_string("cases/_board.html", {"board": build_board(now)})


def build_board(now: datetime) -> Board:
    """Running cases first, then those still being classified, then the queue in its order."""
    queue = QueueView.read(now)
    cases = Case.objects.filter(status__in=OPEN_STATUSES).only(*_COLUMNS).order_by("arrived_at")
    rows = [_open_row(case, queue, now) for case in sorted(cases, key=queue.standing)]
    ended = Case.objects.filter(status__in=ENDED).only(*_COLUMNS).order_by("-ended_at")
    workers = scheduling.workers().values()
    return Board(
        now=now,
        open_rows=rows[:NUM_OPEN_SHOWN],
        done_rows=[_ended_row(case) for case in ended[:NUM_DONE_SHOWN]],
        num_hidden=max(0, len(rows) - NUM_OPEN_SHOWN),
        counts=_counts(rows),
        policy_title=queue.policy.title,
        policy_words=queue.policy.description,
        num_slots=int(sum(worker.get("slots", 0) for worker in workers)),
        num_slots_used=int(sum(worker.get("slots_used", 0) for worker in workers)),
        num_workers=len(workers),
    )


def _counts(rows: Sequence[Row]) -> list[LevelCount]:
    counts = []
    for priority in PRIORITIES:
        of_level = [row for row in rows if row.case.priority == priority]
        level = level_of(priority)
        assert level is not None
        late = sum(row.clock.state == "red" for row in of_level)
        counts.append(LevelCount(level=level, num=len(of_level), num_late=late))
    return counts


def _open_row(case: Case, queue: QueueView, now: datetime) -> Row:
    if case.status == CaseStatus.RUNNING:
        percent, tail = queue.progress_for(case)
        why = f"“{_last_words(tail)}”" if tail else ""
        return _row(case, now, state="writing", why=why, percent=percent or 0)
    if case.status != CaseStatus.QUEUED:
        return _row(case, now, state="being classified", why="")
    place = queue.places.get(str(case.id))
    return _row(case, now, state=place_words(place), why=queue.why(case, place))


def _last_words(text: str) -> str:
    """The end of a text that is being written, from a whole word on."""
    line = " ".join(text.split())
    if len(line) <= TAIL_CHARACTERS:
        return line
    return "…" + line[-TAIL_CHARACTERS:].partition(" ")[2]


def _ended_row(case: Case) -> Row:
    state = str(case.get_status_display()).lower()
    if case.guidance_withheld:
        state = "guidance withheld"
    end = case.ended_at or case.arrived_at
    after = clock_text((end - case.arrived_at).total_seconds())
    came = timezone.localtime(case.arrived_at)
    return _row(case, end, state=state, why="", ended_words=f"{came:%H:%M} after {after}")


def _row(case: Case, now: datetime, *, state: str, why: str, **more: Any) -> Row:
    facts = case.case_facts
    words = " ".join(facts.text.split())
    if len(words) > COMPLAINT_CHARACTERS:
        words = words[:COMPLAINT_CHARACTERS].rstrip() + "…"
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
        who=who(facts),
        complaint=words,
        state=state,
        why=why,
        **more,
    )
