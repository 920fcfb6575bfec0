"""What happens to an account goes on record."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from triage_site.audit.models import AuditRecord
from triage_site.audit.services import record


def note(user: User, what: str, *, actor: User | None = None, **data: Any) -> None:
    """Records a change of an account in the audit. Commands of the site have no actor."""
    record(
        AuditRecord.Kind.ACCOUNT,
        timezone.now(),
        actor=actor,
        what=what,
        data={"account": user.get_username(), **data},
    )
