"""All writes about classifiers: promotion, undo, and answers of the shadow."""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from triage_site.classifiers import selectors
from triage_site.classifiers.models import ClassifierChange, ShadowAnswer
from triage_site.classifiers.selectors import CONFIGURED, Choice
from triage_site.triage import Classification


def promote(version: str, *, actor: User, reason: str, now: datetime) -> ClassifierChange:
    """Makes the shadow classifier active. `version` is the compared one. Raises ValueError."""
    shadow = selectors.shadow_choice()
    if shadow is None:
        raise ValueError("version: There is no shadow classifier")
    if not ShadowAnswer.objects.filter(version=version, failure="").exists():
        raise ValueError("version: The shadow has answered no case yet; wait for an answer")
    return _change(Choice(shadow.folder, version), actor=actor, reason=reason, now=now)


def undo(change_id: int, *, actor: User, reason: str, now: datetime) -> ClassifierChange:
    """Undoes the newest change, which must be the given one. Raises ValueError."""
    newest = ClassifierChange.objects.first()
    if newest is None or newest.id != change_id:
        raise ValueError("change: There is another change since; reload the page")
    # The weights of the settings may have a newer version now, so any version is accepted.
    version = newest.old_version if newest.old_folder != CONFIGURED else ""
    return _change(Choice(newest.old_folder, version), actor=actor, reason=reason, now=now)


def _change(new: Choice, *, actor: User, reason: str, now: datetime) -> ClassifierChange:
    if not reason.strip():
        raise ValueError("reason: Enter a reason (kept in the audit log)")
    version, error = selectors.version_or_error(new)
    if error:
        raise ValueError(f"version: {error}")
    if new.version and new.version != version:
        raise ValueError(
            f"version: {new.path} holds {version} now, not {new.version}; reload the page"
        )
    with transaction.atomic():
        active = selectors.active_choice()
        if active == Choice(new.folder, version if new.folder != CONFIGURED else ""):
            raise ValueError("version: This classifier is already active")
        return ClassifierChange.objects.create(
            changed_at=now,
            actor=actor,
            old_folder=active.folder,
            old_version=active.version or selectors.version_or_error(active)[0],
            new_folder=new.folder,
            new_version=version,
            reason=reason.strip(),
        )


def record_shadow_answer(
    case_id: uuid.UUID,
    *,
    version: str,
    classification: Classification | None,
    failure: str,
    seconds: float,
    active_version: str,
    active_priority: int,
    now: datetime,
) -> None:
    """Stores the first answer of a version to a case; a second answer changes nothing."""
    answer = ShadowAnswer(
        case_id=case_id,
        version=version,
        answered_at=now,
        seconds=round(seconds, 4),
        failure=failure,
        active_version=active_version,
        active_priority=active_priority,
    )
    if classification is not None:
        answer.priority = classification.priority
        answer.model_priority = classification.model_priority
        answer.level_set = list(classification.level_set)
        answer.needs_person = classification.needs_person
    if ShadowAnswer.objects.filter(case_id=case_id, version=version).exists():
        return
    # Another process may be first. The table is append-only and refuses what would be ignored.
    with suppress(IntegrityError), transaction.atomic():
        answer.save()
