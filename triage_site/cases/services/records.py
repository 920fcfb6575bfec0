"""The history of a case and the check against lost updates."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F

from scheduling import services as scheduling
from scheduling.models import Job
from triage_site.cases.announcements import announce
from triage_site.cases.models import Case, CaseEvent


class Conflict(ValueError):
    """The state of the case does not allow this change, or another change came first."""


def record(
    case: Case,
    kind: CaseEvent.Kind,
    at: datetime,
    *,
    actor: User | None = None,
    data: Mapping[str, Any] | None = None,
) -> CaseEvent:
    """Appends an event to the history and notifies open pages."""
    event = CaseEvent.objects.create(
        case=case, kind=kind, at=at, actor=actor, data=dict(data or {})
    )
    if kind != CaseEvent.Kind.VIEWED:
        case_id = str(case.id)
        transaction.on_commit(lambda: announce({"case": case_id, "kind": str(kind)}))
    return event


def locked(case_id: uuid.UUID, version: int | None = None) -> tuple[Case, Job | None]:
    """Locks and returns the case and its newest job, job first. Needs a transaction.

    Raises Conflict with the changes since `version` when the case has another version.
    """
    job = scheduling.lock_newest_job(case_id)
    case = Case.objects.select_for_update().get(id=case_id)
    if version is not None and version != case.version:
        raise Conflict(f"version: {faster_words(case, version)}")
    return case, job


def change(
    case: Case,
    kind: CaseEvent.Kind,
    now: datetime,
    *,
    actor: User | None,
    data: Mapping[str, Any] | None = None,
    **values: Any,
) -> None:
    """Changes the case by compare-and-set on its version and records it. Raises Conflict."""
    rows = Case.objects.filter(id=case.id, version=case.version)
    if not rows.update(version=F("version") + 1, **values):
        raise Conflict("version: The case has changed; reload the page")
    case.refresh_from_db()
    record(case, kind, now, actor=actor, data={**(data or {}), "version": case.version})


def faster_words(case: Case, version: int) -> str:
    """Returns who changed the case since `version` and how, without clinical text."""
    events = [
        f"{event.get_kind_display()} ({event.actor or 'automatic'}, {event.at:%H:%M:%S} UTC)"
        for event in changes_since(case, version)
    ]
    return f"Somebody was faster: {'; '.join(events) or 'the case has changed'}"


def changes_since(case: Case, version: int) -> list[CaseEvent]:
    """Returns the changes after `version`, oldest first; none after one that never was."""
    if version > case.version:  # it can be larger than any number that a database has
        return []
    events = case.events.select_related("actor").filter(data__version__gt=version)
    return list(events.exclude(kind=CaseEvent.Kind.VIEWED))
