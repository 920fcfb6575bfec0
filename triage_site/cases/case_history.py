"""The history of a case in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from scheduling.core.guidance import WITHHELD_WORDS
from triage_site.cases import audit_words, services
from triage_site.cases.levels import LEVELS, clock_text
from triage_site.cases.models import DISPOSITION_CHOICES, Case, CaseEvent, OverrideReason
from triage_site.cases.place_words import steps_words


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    at: datetime
    after: str  # time since arrival
    event: str
    detail: str
    actor: str


def history(case: Case) -> tuple[list[HistoryLine], list[HistoryLine]]:
    """Returns the changes of the case and its views, each oldest first."""
    changes: list[HistoryLine] = []
    views: list[HistoryLine] = []
    withheld_at = None
    for event in case.events.select_related("actor"):
        if event.data.get("via") == "fragment":  # of a page; the audit log has it
            continue
        if event.kind == CaseEvent.Kind.WITHHELD:
            withheld_at = event.at
        if event.kind == CaseEvent.Kind.DONE and event.at == withheld_at:
            continue  # older rows have both
        lines = views if event.kind == CaseEvent.Kind.VIEWED else changes
        lines.append(_history_line(case, event))
    return changes, views


def meanwhile(case: Case, version: int) -> list[HistoryLine]:
    """Returns the changes since a form was opened on `version`."""
    return [_history_line(case, event) for event in services.changes_since(case, version)]


def _history_line(case: Case, event: CaseEvent) -> HistoryLine:
    return HistoryLine(
        at=event.at,
        after=clock_text(max(0.0, (event.at - case.arrived_at).total_seconds())),
        event=str(event.get_kind_display()).capitalize(),
        detail=_detail(event),
        actor=event.actor.get_username() if event.actor else "",
    )


def _detail(event: CaseEvent) -> str:
    data = event.data
    words = _DETAILS.get(CaseEvent.Kind(event.kind))
    return str(data.get("why", "")) if words is None else words(data)


def _override_words(data: dict[str, Any]) -> str:
    reasons = dict(OverrideReason.choices)
    why = reasons.get(str(data.get("reason")), data.get("reason", ""))
    note = f": {data['note']}" if data.get("note") else ""
    return f"{_move_words(data)}. {why}{note}"


def _move_words(data: dict[str, Any]) -> str:
    return f"{_level_text(data.get('from'))} → {_level_text(data.get('to'))}"


def _transfer_words(data: dict[str, Any]) -> str:
    moved = f"{data.get('from', '')} → {data.get('to', '')}"
    return f"{moved}. {data['reason']}" if data.get("reason") else moved


def _place_words(data: dict[str, Any]) -> str:
    return f"{steps_words(int(data.get('steps', 0))).capitalize()}. {data.get('reason', '')}"


def _news2_words(data: dict[str, Any]) -> str:
    if "news2" not in data:
        return ""
    return f"NEWS2 {data['news2']}" + ("" if data.get("complete") else " (incomplete)")


def _close_words(data: dict[str, Any]) -> str:
    words = dict(DISPOSITION_CHOICES).get(str(data.get("disposition")), "")
    return f"{words}: {data['reason']}" if data.get("reason") else str(words)


def _failed_words(data: dict[str, Any]) -> str:
    return f"{data.get('why', '')}; safe level {_level_text(data.get('priority'))}"


def _view_words(data: dict[str, Any]) -> str:
    what = str(data.get("what", ""))
    return audit_words.viewed(what) if what else audit_words.through(data)


def _level_text(priority: int | None) -> str:
    return "no level" if priority is None else f"{priority} {LEVELS[priority].word}"


_K = CaseEvent.Kind
_DETAILS: Final[dict[CaseEvent.Kind, Callable[[dict[str, Any]], str]]] = {
    _K.OVERRIDDEN: _override_words,
    _K.RAISED: _move_words,
    _K.PROPOSED: _move_words,
    _K.ACCEPTED: _move_words,
    _K.DISMISSED: _move_words,
    _K.RECLASSIFIED: lambda data: "",
    _K.CLASSIFIED: lambda data: _level_text(data.get("priority")),
    _K.CLASSIFIER_FAILED: _failed_words,
    _K.CANCELLED: lambda data: str(data.get("reason", "")),
    _K.CLOSED: _close_words,
    _K.SEEN: lambda data: f"waited {clock_text(data.get('waited_seconds', 0))}",
    _K.REOPENED: lambda data: "",
    _K.VITALS: _news2_words,
    _K.MOVED: _place_words,
    _K.TRANSFERRED: _transfer_words,
    _K.NOTE: lambda data: "",
    _K.VIEWED: _view_words,
    _K.WITHHELD: lambda data: WITHHELD_WORDS.get(data.get("why", ""), ""),
}
