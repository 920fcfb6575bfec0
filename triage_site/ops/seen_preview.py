"""The preview of a policy change that a person has just seen, kept in the form of the change.

The form carries it signed, with its person, its policies and its time. A change that comes with
it takes effect without another simulation, and the record holds what the person decided on.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.core import signing

from scheduling import selectors
from scheduling.switch_preview import SwitchPreview, preview_switch

FRESH: Final = timedelta(minutes=1)  # an older one says too little about the present queue
_signer: Final = signing.Signer(salt="ops.seen_preview")


def sealed(found: SwitchPreview, *, user_id: int, now: datetime) -> str:
    """What the form carries."""
    return _signer.sign_object(
        {
            "user": user_id,
            "at": now.timestamp(),
            "old": found.old,
            "new": found.new,
            "levels": found.to_dict(),
        },
        compress=True,
    )


def preview_to_record(value: str, policy: str, *, user_id: int, now: datetime) -> dict[str, Any]:
    """The preview of the form where it is of this person and change and fresh; else a new one,
    without times where the queue is long. Raises ValueError for a policy that does not exist."""
    seen = _opened(value)
    wanted = {"user": user_id, "old": selectors.active_policy_name(), "new": policy}
    age = now.timestamp() - seen.get("at", 0.0)
    if 0 <= age <= FRESH.total_seconds() and wanted.items() <= seen.items():
        levels: dict[str, Any] = seen["levels"]
        return levels
    return preview_switch(policy, now, is_hurried=True).to_dict()


def _opened(value: str) -> dict[str, Any]:
    """Empty where nothing was sent or the signature does not hold."""
    try:
        found: dict[str, Any] = _signer.unsign_object(value)
    except signing.BadSignature:
        return {}
    return found
