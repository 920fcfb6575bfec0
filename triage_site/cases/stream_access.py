"""Whether open streams may go on: a session, its account, its role, its departments and an
opening of a case can end at any time.

All streams of a process are checked together, with three queries per 500 sessions, and four more.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils.crypto import constant_time_compare

from triage_site.cases.departments import Reach, Sight, reaches
from triage_site.cases.models import Case
from triage_site.cases.roles import Action, may

NUM_AT_ONCE: Final = 500


Target = str | uuid.UUID | Sight  # a registered page, a case, the board of a sight


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a stream needs: a session that lives, an account with this right, and its target."""

    session_key: str
    action: Action
    target: Target


def refused(accesses: Collection[Access], now: datetime) -> set[Access]:
    """Returns those that have ended: signed out, expired, deactivated, other password or role,
    other departments, or an opening that ran out."""
    users = _users({access.session_key for access in accesses}, now)
    found = reaches({user.pk: user for user in users.values()}.values(), now)
    wanted = [access.target for access in accesses if isinstance(access.target, uuid.UUID)]
    cases = {case.id: case for case in _cases(wanted)}
    return {
        access
        for access in accesses
        if (user := users.get(access.session_key)) is None
        or not may(user, access.action)
        or not _is_in_reach(access.target, found[user.pk], cases)
    }


def _is_in_reach(target: Target, reach: Reach, cases: Mapping[uuid.UUID, Case]) -> bool:
    if isinstance(target, Sight):
        return target == reach.sight
    if isinstance(target, uuid.UUID):
        return target in cases and reach.opens(cases[target])
    return True


def _cases(ids: Collection[uuid.UUID]) -> Iterable[Case]:
    rows = Case.objects.filter(id__in=ids) if ids else Case.objects.none()
    return rows.only("number", "id", "department_id")


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
