"""What people have ordered: the newest switch of the policy, and whether admission is paused."""

from __future__ import annotations

from datetime import datetime

from scheduling.core.policies import POLICIES
from scheduling.models import DEFAULT_POLICY, AdmissionChange, PolicyChange


def active_policy_name(at: datetime | None = None) -> str:
    """Returns the name of the policy that is active, or was active at a moment."""
    changes = PolicyChange.objects.all()
    if at is not None:
        changes = changes.filter(changed_at__lte=at)
    newest = changes.values_list("new", flat=True).first()
    return newest if newest is not None and newest in POLICIES else DEFAULT_POLICY


def pause() -> AdmissionChange | None:
    """Returns the row of the pause while admission is paused, else None."""
    newest = AdmissionChange.objects.select_related("actor").first()
    return newest if newest is not None and newest.paused else None


def is_paused() -> bool:
    return bool(AdmissionChange.objects.values_list("paused", flat=True).first())
