"""A case in few words, for lists: the complaint, and what happened to the patient."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from triage_site.cases.levels import duration_text, moment_text
from triage_site.cases.models import Case

COMPLAINT_CHARACTERS: Final = 140


def complaint_text(text: str) -> str:
    """Returns the complaint in one line, shortened."""
    words = " ".join(text.split())
    if len(words) <= COMPLAINT_CHARACTERS:
        return words
    return words[:COMPLAINT_CHARACTERS].rstrip() + "…"


def care_words(case: Case, now: datetime) -> str:
    """Returns who sees the patient since when, or how the case ended; empty for who waits."""
    if case.is_waiting:
        return ""
    until = case.waited_until or case.arrived_at
    waited = duration_text(max(0.0, (until - case.arrived_at).total_seconds()))
    if not case.is_closed:
        return f"{case.seen_by} since {moment_text(case.seen_at or until, now)}, waited {waited}"
    ended = moment_text(case.closed_at or case.arrived_at, now)
    return f"{case.get_disposition_display()} {ended}, waited {waited}"
