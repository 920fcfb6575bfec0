"""User accounts: a name, a role, sessions and API tokens. Each change is in the audit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from triage_site.audit.models import AuditRecord
from triage_site.audit.services import record
from triage_site.cases import second_factor
from triage_site.cases.inactivity import SIGNED_IN_AT
from triage_site.cases.models import ApiToken, Department
from triage_site.cases.roles import CHARGE_NURSE
from triage_site.cases.services.departments import join

TOKEN_DAYS: Final = 90  # of a new token, unless somebody says otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """`id` is a digest of the key of the session, which must not be shown."""

    id: str
    signed_in_at: datetime | None
    ends_at: datetime
    is_this: bool


def note(user: User, what: str, *, actor: User | None = None, **data: Any) -> None:
    """Records a change of an account. Commands of the site have no actor."""
    record(
        AuditRecord.Kind.ACCOUNT,
        timezone.now(),
        actor=actor,
        what=what,
        data={"account": user.get_username(), **data},
    )


def find_account(username: str) -> User | None:
    return User.objects.filter(username=username).first()


@transaction.atomic
def set_account(
    username: str,
    *,
    role: str,
    password: str | None,
    departments: Sequence[Department] | None = None,
) -> User:
    """Creates or changes an account. With `password=None` an account keeps its password.

    With `departments=None` it keeps its departments; a new one joins the only one of the site.
    Sessions and API tokens end with the password. Raises ValidationError for a weak password and
    for a new account without a password.
    """
    user = find_account(username) or User(username=username)
    is_new = user.pk is None
    if password is not None or is_new:
        validate_password(password or "", user)
        user.set_password(password)
    user.is_staff = role == CHARGE_NURSE
    user.full_clean(exclude=["password"])
    user.save()
    user.groups.set([Group.objects.get_or_create(name=role)[0]])
    if is_new or departments is not None:
        join(user, departments)
    note(
        user,
        "created" if is_new else "changed",
        role=role,
        password=password is not None,
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


def reset_second_factor(user: User) -> None:
    second_factor.reset(user)
    end_sessions(user)
    note(user, "second factor reset")


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


# -- API tokens


def make_token(
    user: User, *, name: str, days: int, now: datetime, actor: User | None = None
) -> str:
    """Returns the key of a new token. Raises ValueError that names the field."""
    if not 1 <= days <= settings.API_TOKEN_DAYS:
        raise ValueError(f"days: must be from 1 to {settings.API_TOKEN_DAYS}")
    if not name.strip():
        raise ValueError("name: must say what the token is for")
    key = ApiToken.issue(user, name=name.strip()[:60], expires_at=now + timedelta(days=days))
    note(user, "token made", actor=actor, days=days)
    return key


def replace_token(user: User) -> str:
    """Returns a new API token for the account and revokes its old tokens."""
    revoke_tokens(user)
    return make_token(user, name="command line", days=TOKEN_DAYS, now=timezone.now())


def revoke_token(user: User, token_id: int, *, actor: User | None = None) -> bool:
    """Ends one token of this account. False when there is none with this id."""
    num, _ = ApiToken.objects.filter(user=user, id=token_id).delete()
    if num:
        note(user, "token revoked", actor=actor)
    return bool(num)


def revoke_tokens(user: User) -> int:
    return ApiToken.objects.filter(user=user).delete()[0]
