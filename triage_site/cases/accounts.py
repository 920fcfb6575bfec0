"""User accounts: a name, a role and sessions. Each change is in the audit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from triage_site.audit.sign_ins import address_of
from triage_site.cases import first_passwords, second_factor
from triage_site.cases.account_notices import What, note, tell, tell_of_lock
from triage_site.cases.api_tokens import revoke_tokens
from triage_site.cases.inactivity import SIGNED_IN_AT
from triage_site.cases.models import AccountNotice, Department
from triage_site.cases.roles import CHARGE_NURSE
from triage_site.cases.services.departments import join

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """`id` is a digest of the key of the session, which must not be shown."""

    id: str
    signed_in_at: datetime | None
    ends_at: datetime
    is_this: bool


def find_account(username: str) -> User | None:
    return User.objects.filter(username=username).first()


@transaction.atomic
def set_account(
    username: str,
    *,
    role: str,
    password: str | None,
    email: str | None = None,
    departments: Sequence[Department] | None = None,
) -> User:
    """Creates or changes an account. With `password=None` an account keeps its password; another
    one is a first password, which its person must change.

    With `departments=None` it keeps its departments; a new one joins the only one of the site.
    With `email=None` it keeps its address.
    Sessions and API tokens end with the password. Raises ValidationError for a weak password and
    for a new account without a password.
    """
    user = find_account(username) or User(username=username)
    is_new = user.pk is None
    if password is not None or is_new:
        validate_password(password or "", user)
        user.set_password(password)
    if email is not None:
        user.email = email
    user.is_staff = role == CHARGE_NURSE
    user.full_clean(exclude=["password"])
    user.save()
    user.groups.set([Group.objects.get_or_create(name=role)[0]])
    if password is not None or is_new:
        first_passwords.begin(user, timezone.now())
    if password is not None and not is_new:
        tell(user, What.PASSWORD)
    if is_new or departments is not None:
        join(user, departments)
    note(
        user,
        "created" if is_new else "changed",
        role=role,
        password=password is not None,
        email=email is not None,
        departments=list(user.departments.values_list("code", flat=True)),
    )
    return user


@transaction.atomic
def set_active(user: User, is_active: bool) -> None:
    """Deactivating ends the sessions and tokens of the account."""
    user.is_active = is_active
    user.save(update_fields=["is_active"])
    if not is_active:
        end_sessions(user)
        revoke_tokens(user)
    note(user, "activated" if is_active else "deactivated")


@transaction.atomic
def reset_second_factor(user: User) -> None:
    """Ends the sessions and tokens of the account as well."""
    second_factor.reset(user)
    end_sessions(user)
    revoke_tokens(user)
    note(user, "second factor reset")
    tell(user, What.NO_FACTOR)


@transaction.atomic
def lock_as_stolen(user: User, request: HttpRequest) -> None:
    """The person says that somebody else changed the sign-in: ends all access and tells others."""
    user.is_active = False
    user.save(update_fields=["is_active"])
    end_sessions(user)
    revoke_tokens(user)
    AccountNotice.objects.filter(user=user, acknowledged_at=None).update(
        acknowledged_at=timezone.now()
    )
    note(user, "locked by its person", actor=user, address=address_of(request))
    log.error("account_locked_as_stolen", account=user.get_username(), address=address_of(request))
    tell_of_lock(user, request)


# -- sessions


def sessions_of(user: User, now: datetime, this: str | None = None) -> list[OpenSession]:
    return [
        OpenSession(
            id=_digest(row.session_key),
            signed_in_at=_moment(data.get(SIGNED_IN_AT)),
            ends_at=row.expire_date,
            is_this=row.session_key == this,
        )
        for row, data in _sessions(user, now)
    ]


def end_session(user: User, session_id: str, *, now: datetime) -> bool:
    """Ends one session of this account. False when there is none with this id."""
    for row, _ in _sessions(user, now):
        if _digest(row.session_key) == session_id:
            row.delete()
            note(user, "session ended", actor=user)
            return True
    return False


def end_sessions(user: User) -> int:
    rows = [row for row, _ in _sessions(user, timezone.now())]
    for row in rows:
        row.delete()
    return len(rows)


def _sessions(user: User, now: datetime) -> Iterator[tuple[Session, dict[str, Any]]]:
    for row in Session.objects.filter(expire_date__gt=now).order_by("expire_date"):
        data = row.get_decoded()
        if data.get(SESSION_KEY) == str(user.pk):
            yield row, data


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)
