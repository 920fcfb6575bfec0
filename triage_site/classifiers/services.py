"""All writes about classifiers: promotion, its taking back, answers of the shadow."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from triage_site.classifiers import selectors
from triage_site.classifiers.models import ClassifierChange, ShadowAnswer
from triage_site.classifiers.selectors import CONFIGURED, Choice
from triage_site.triage import Classification


def promote(version: str, *, actor: User, reason: str, now: datetime) -> ClassifierChange:
    """Makes the shadow live. `version` is the one that was judged. Raises ValueError."""
    shadow = selectors.shadow_choice()
    if shadow is None:
        raise ValueError("version: no classifier runs in shadow")
    if not ShadowAnswer.objects.filter(version=version, failure="").exists():
        raise ValueError("version: it has answered no case yet; wait until it has")
    return _change(Choice(shadow.folder, version), actor=actor, reason=reason, now=now)


def take_back(change_id: int, *, actor: User, reason: str, now: datetime) -> ClassifierChange:
    """Undoes the newest change, which must be the given one. Raises ValueError."""
    newest = ClassifierChange.objects.first()
    if newest is None or newest.id != change_id:
        raise ValueError("change: another change was made since; look again")
    # What the site is set up with may have been renewed since: it comes back as it is now.
    version = newest.old_version if newest.old_folder != CONFIGURED else ""
    return _change(Choice(newest.old_folder, version), actor=actor, reason=reason, now=now)


def _change(new: Choice, *, actor: User, reason: str, now: datetime) -> ClassifierChange:
    if not reason.strip():
        raise ValueError("reason: say why; it goes into the audit log")
    version, why = selectors.version_or_why(new)
    if why:
        raise ValueError(f"version: {why}")
    if new.version and new.version != version:
        raise ValueError(f"version: {new.path} holds {version} now, not {new.version}; look again")
    with transaction.atomic():
        live = selectors.live_choice()
        if live == Choice(new.folder, version if new.folder != CONFIGURED else ""):
            raise ValueError("version: this classifier is live already")
        return ClassifierChange.objects.create(
            changed_at=now,
            actor=actor,
            old_folder=live.folder,
            old_version=live.version or selectors.version_or_why(live)[0],
            new_folder=new.folder,
            new_version=version,
            reason=reason.strip(),
        )


def record_shadow_answer(
    case_id: uuid.UUID,
    *,
    version: str,
    said: Classification | None,
    failure: str,
    seconds: float,
    live_version: str,
    live_priority: int,
    now: datetime,
) -> None:
    """Only the first answer of a version counts; a second one changes nothing."""
    answer = ShadowAnswer(
        case_id=case_id,
        version=version,
        answered_at=now,
        seconds=round(seconds, 4),
        failure=failure,
        live_version=live_version,
        live_priority=live_priority,
    )
    if said is not None:
        answer.priority, answer.model_priority = said.priority, said.model_priority
        answer.level_set, answer.needs_person = list(said.level_set), said.needs_person
    ShadowAnswer.objects.bulk_create([answer], ignore_conflicts=True)
