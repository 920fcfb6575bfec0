"""Break-glass: a person opens a case of another department; others see that and review it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from triage_site.cases.announcements import announce
from triage_site.cases.models import Case, Opening, OpeningNote
from triage_site.cases.openings import MANY_OPENINGS, num_of_last_hour
from triage_site.cases.roles import Action, may
from triage_site.cases.typed import written

log = structlog.get_logger(__name__)

MAX_CHARACTERS = 500


def open_with_reason(case_id: uuid.UUID, *, reason: str, actor: User, now: datetime) -> Opening:
    """Opens the case for a limited time, with an alert. Raises ValueError without a reason.

    It is never refused for a number of openings: unusually many alert more strongly.
    """
    until = now + timedelta(minutes=settings.TRIAGE_BREAK_GLASS_MINUTES)
    with transaction.atomic():
        opening = Opening.objects.create(
            case=Case.objects.get(id=case_id),
            at=now,
            until=until,
            actor=actor,
            reason=_text(reason, "reason: Enter why you open this case"),
        )
        transaction.on_commit(lambda: announce({"kind": "opened"}))
    number = num_of_last_hour(actor, now)
    if number > MANY_OPENINGS:
        log.warning("many_openings", account=actor.pk, within_an_hour=number)
    return opening


def acknowledge_opening(opening_id: int, *, actor: User, now: datetime) -> None:
    """A charge nurse has seen the alert; it leaves all boards. A second time changes nothing."""
    with transaction.atomic():
        opening = Opening.objects.get(id=opening_id)
        _refuse_own(opening, actor)
        _acknowledge(opening, actor, now)
        transaction.on_commit(lambda: announce({"kind": "acknowledged"}))


def review_opening(opening_id: int, *, note: str, actor: User, now: datetime) -> OpeningNote:
    """Adds a review. That of a charge nurse also acknowledges. Raises ValueError."""
    words = _text(note, "note: Enter what you found")
    with transaction.atomic():
        opening = Opening.objects.get(id=opening_id)
        _refuse_own(opening, actor)
        if may(actor, Action.ACKNOWLEDGE):
            _acknowledge(opening, actor, now)
        made = OpeningNote.objects.create(
            opening=opening, kind=OpeningNote.Kind.REVIEWED, at=now, actor=actor, text=words
        )
        transaction.on_commit(lambda: announce({"kind": "reviewed"}))
    return made


def _acknowledge(opening: Opening, actor: User, now: datetime) -> None:
    kind = OpeningNote.Kind.SEEN
    if not opening.notes.filter(kind=kind).exists():
        OpeningNote.objects.create(opening=opening, kind=kind, at=now, actor=actor)


def _refuse_own(opening: Opening, actor: User) -> None:
    if opening.actor_id == actor.pk:
        raise ValueError("note: Somebody else must look at what you opened")


def _text(words: str, reason: str) -> str:
    found = written(words)
    if not found:
        raise ValueError(f"{reason} (kept in the audit log)")
    if len(found) > MAX_CHARACTERS:
        field = reason.partition(":")[0]
        raise ValueError(f"{field}: Enter at most {MAX_CHARACTERS} characters")
    return found
