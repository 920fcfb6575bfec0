"""The filter of the board: which rows a page shows.

The fragment of the board is the same for all pages. Without scripts the server hides the other
rows of the first page; with scripts static/js/board.js does so after each change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from django.urls import reverse

from scheduling.core.request import PRIORITIES
from triage_site.cases.board import URGENT, Board, page_of
from triage_site.cases.board_rows import Patient, Row

_ROW: Final = re.compile(r'<tr id="case-(\d+)"')
_BEYOND: Final = re.compile(
    r'(?<=class="muted">)<span class="num">[^<]*</span> later in the order\. <a href="[^"]*"'
)
_LEVEL_LINK: Final = re.compile(r'href="\?level=(\d)" data-filter-level="\d"')


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardFilter:
    """What must hold for a row to be shown. `user_id` is who looks."""

    user_id: int
    level: int | None = None
    person: bool = False
    overdue: bool = False
    mine: bool = False
    done: bool = False

    @classmethod
    def of(cls, query: Mapping[str, str], user_id: int) -> BoardFilter:
        level = query.get("level", "")
        return cls(
            user_id=user_id,
            level=int(level) if level in map(str, PRIORITIES) else None,
            **{name: name in query for name in FLAGS},
        )

    @property
    def is_active(self) -> bool:
        return self != BoardFilter(user_id=self.user_id)

    def shows(self, one: Row | Patient) -> bool:
        case = one.case
        return (
            (self.level is None or case.priority == self.level)
            and (not self.person or (case.needs_person and not case.is_closed))
            and (not self.overdue or one.standing.is_overdue)
            and (not self.mine or self.user_id in (case.created_by_id, case.seen_by_id))
            and (not self.done or case.is_closed)
        )

    def query(self) -> str:
        """Returns the address of this filter."""
        chosen = {name: "1" for name in FLAGS if getattr(self, name)}
        if self.level is not None:
            chosen["level"] = str(self.level)
        return f"?{urlencode(chosen)}"


FLAGS: Final = ("person", "overdue", "mine", "done")
_LABELS: Final = {
    "person": "Needs a person",
    "overdue": "Overdue",
    "mine": "Mine",
    "done": "Closed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterLink:
    name: str
    label: str
    address: str
    is_current: bool


def links(chosen: BoardFilter) -> Sequence[FilterLink]:
    """Returns the links of the page: each turns its part of the filter on or off."""
    everything = BoardFilter(user_id=chosen.user_id)
    toggles = [
        FilterLink(
            name=name,
            label=_LABELS[name],
            address=replace(chosen, **{name: not getattr(chosen, name)}).query(),
            is_current=getattr(chosen, name),
        )
        for name in FLAGS
    ]
    first = FilterLink(
        name="all", label="All", address=everything.query(), is_current=not chosen.is_active
    )
    return [first, *toggles]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How many patients the filter shows of all, and what it hides."""

    num: int
    num_all: int
    num_beyond: int  # patients for whom the filter holds, and who stand beyond the board
    num_urgent_hidden: int  # overdue patients of level 0 or 1


def shown_of(board: Board, chosen: BoardFilter) -> Shown:
    rows = [*board.open_rows, *board.seen_rows, *board.closed_rows]
    shown = [row for row in rows if chosen.shows(row)]
    return Shown(
        num=len(shown),
        num_all=len(rows) + board.num_beyond,
        num_beyond=sum(map(chosen.shows, board.beyond)),
        num_urgent_hidden=board.num_urgent_overdue - sum(map(is_urgent_overdue, shown)),
    )


def is_urgent_overdue(row: Row) -> bool:
    return row.is_overdue and row.level is not None and row.level.priority <= URGENT


def filtered(html: str, board: Board, chosen: BoardFilter) -> str:
    """Returns the fragment with the other rows hidden, and with level links that keep the rest."""
    if not chosen.is_active:
        return html
    rows = [*board.open_rows, *board.seen_rows, *board.closed_rows]
    numbers = {str(row.number) for row in rows if chosen.shows(row)}
    for name, of_part in (("seen-head", board.seen_rows), ("done-head", board.closed_rows)):
        if not any(map(chosen.shows, of_part)):
            html = html.replace(f'<tr id="{name}"', f'<tr id="{name}" hidden')
    html = _BEYOND.sub(lambda _: _beyond(board, chosen), html)
    kept = chosen.query()[1:].replace("&", "&amp;")
    html = html.replace('?from=board"', f'?from=board&amp;{kept}"')
    html = _ROW.sub(lambda row: row[0] if row[1] in numbers else f"{row[0]} hidden", html)
    return _LEVEL_LINK.sub(lambda link: _level_link(chosen, int(link[1])), html)


def _beyond(board: Board, chosen: BoardFilter) -> str:
    """Returns the words for those beyond the board, and the search that finds them."""
    num = shown_of(board, chosen).num_beyond
    before = sum(map(chosen.shows, board.open_rows))
    address = f"?state=waiting&{chosen.query()[1:]}&page={page_of(before)}".replace("&", "&amp;")
    words = f"{num} more patient{'' if num == 1 else 's'} of this filter"
    link = f'<a href="{reverse("find")}{address}"'
    return f'<span class="num">{words}</span> later in the order. {link}'


def _level_link(chosen: BoardFilter, level: int) -> str:
    is_current = chosen.level == level
    address = replace(chosen, level=None if is_current else level).query().replace("&", "&amp;")
    current = ' aria-current="true"' if is_current else ""
    return f'href="{address}" data-filter-level="{level}"{current}'
