"""Reads of openings: cases of other departments that people opened with a reason."""

from __future__ import annotations

from typing import Final

from django.db.models import Exists, OuterRef, QuerySet

from triage_site.cases.models import Opening, OpeningNote

NUM_ALERTS: Final = 5  # on the board; the others stand on the page of openings


def openings(*, without: OpeningNote.Kind | None = None) -> QuerySet[Opening]:
    """Returns openings, newest first; those that have no note of a kind, or all."""
    rows = Opening.objects.select_related("case__department", "actor")
    if without is None:
        return rows
    return rows.filter(~Exists(OpeningNote.objects.filter(opening=OuterRef("pk"), kind=without)))


def alerts() -> list[Opening]:
    """Returns the newest openings that no charge nurse has acknowledged, one more than shown."""
    return list(openings(without=OpeningNote.Kind.SEEN)[: NUM_ALERTS + 1])
