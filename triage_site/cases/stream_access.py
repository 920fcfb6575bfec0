"""Whether open streams may go on: a session, its account and its role can end at any time.

All streams of a process are checked together, with three queries per 500 sessions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils.crypto import constant_time_compare

from triage_site.cases.roles import Action, may

NUM_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a stream needs: a session that lives, and an account with this right."""

    session_key: str
    action: Action


def refused(accesses: Collection[Access], now: datetime) -> set[Access]:
    """Returns those that have ended: signed out, expired, deactivated, other password or role."""
    users = _users({access.session_key for access in accesses}, now)
    return {
        access
        for access in accesses
        if (user := users.get(access.session_key)) is None or not may(user, access.action)
    }


def _users(session_keys: Iterable[str], now: datetime) -> dict[str, User]:
    """Returns the account of each session that lives."""
    keys = sorted(session_keys)
    found: dict[str, User] = {}
    for first in range(0, len(keys), NUM_AT_ONCE):
        wanted = Session.objects.filter(
            session_key__in=keys[first : first + NUM_AT_ONCE], expire_date__gt=now
        )
        found |= _signed_in({row.session_key: row.get_decoded() for row in wanted})
    return found


def _signed_in(sessions: dict[str, dict[str, Any]]) -> dict[str, User]:
    ids = {int(data[SESSION_KEY]) for data in sessions.values() if SESSION_KEY in data}
    active = User.objects.filter(id__in=ids, is_active=True).prefetch_related("groups")
    users = {user.id: user for user in active}
    hashes = {user.id: user.get_session_auth_hash() for user in users.values()}
    return {
        key: users[user_id]
        for key, data in sessions.items()
        if (user_id := int(data.get(SESSION_KEY, 0))) in users
        and constant_time_compare(data.get(HASH_SESSION_KEY, ""), hashes[user_id])
    }
