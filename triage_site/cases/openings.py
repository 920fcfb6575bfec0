"""Reads of openings: cases of other departments that people opened with a reason."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.models import User
from django.db.models import Case as Choice
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery, When

from triage_site.cases.models import Opening, OpeningNote

NUM_ALERTS: Final = 5  # on the board; the others stand on the page of openings
HOUR: Final = timedelta(hours=1)
# More openings of one person within an hour alert more strongly. None is refused: it may save a
# life.
MANY_OPENINGS: Final = 10


def openings(*, without: OpeningNote.Kind | None = None) -> QuerySet[Opening]:
    """Returns openings, newest first; those that have no note of a kind, or all."""
    rows = Opening.objects.select_related("case__department", "actor")
    if without is None:
        return rows
    return rows.filter(~Exists(OpeningNote.objects.filter(opening=OuterRef("pk"), kind=without)))


def alerts() -> list[Opening]:
    """Returns the openings that no charge nurse has acknowledged, one more than shown.

    Those of people who open unusually many stand first, then the newest. `num_recent` of each is
    how many cases its person opened within the hour that ended with it.
    """
    same_hour = Opening.objects.filter(
        actor=OuterRef("actor"), at__lte=OuterRef("at"), at__gt=OuterRef("at") - HOUR
    )
    counted = same_hour.order_by().values("actor").annotate(num=Count("pk")).values("num")
    rows = openings(without=OpeningNote.Kind.SEEN).annotate(
        num_recent=Subquery(counted),
        is_unusual=Choice(When(num_recent__gt=MANY_OPENINGS, then=True), default=False),
    )
    return list(rows.order_by("-is_unusual", "-at", "-id")[: NUM_ALERTS + 1])


def num_of_last_hour(actor: User, now: datetime) -> int:
    """Returns how many cases of other departments the person opened in the last hour."""
    return Opening.objects.filter(actor=actor, at__gt=now - HOUR, at__lte=now).count()


def most_of_last_hour(now: datetime) -> int:
    """Returns the largest number of cases that one person opened in the last hour."""
    rows = Opening.objects.filter(at__gt=now - HOUR, at__lte=now).order_by().values("actor")
    return max(rows.annotate(num=Count("pk")).values_list("num", flat=True), default=0)
