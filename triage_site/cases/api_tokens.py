"""API tokens: who may make one, what it may do, and when it ends.

A token acts without a code of the second factor, so it is worth no more than the session that
made it: an account that needs a second factor makes tokens only after giving it, and a token ends
when the password or the authenticator app of its account changes.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from triage_site.cases import second_factor
from triage_site.cases.account_models import password_hashes
from triage_site.cases.account_notices import note
from triage_site.cases.first_passwords import has_first_password
from triage_site.cases.models import ApiToken
from triage_site.cases.roles import Scope

DAYS: Final = 90  # of a new token, unless somebody says otherwise


class Refusal(StrEnum):
    """Why a token opens nothing."""

    UNKNOWN = "unknown or revoked"
    ENDED = "ended"
    DEACTIVATED = "account deactivated"
    PASSWORD = "password changed"
    FACTOR = "second factor changed"
    FIRST_PASSWORD = "first password not changed"
    NO_FACTOR = "made without the second factor"
    DEMO = "demo token outside demo mode"


def most_days(user: User) -> int:
    """Returns the longest life of a token of this account in days."""
    if second_factor.is_privileged(user):
        return settings.API_TOKEN_DAYS_PRIVILEGED
    return settings.API_TOKEN_DAYS


def first_days(user: User) -> int:
    """Returns the life of a new token where nobody says otherwise."""
    return min(DAYS, most_days(user))


def make_token(
    user: User,
    *,
    name: str,
    days: int,
    scope: Scope,
    now: datetime,
    actor: User | None = None,
    has_given_factor: bool = False,
) -> str:
    """Returns the key of a new token.

    Raises ValueError that names the field, and PermissionError that says what its person must do
    first.
    """
    if not 1 <= days <= most_days(user):
        raise ValueError(f"days: must be from 1 to {most_days(user)}")
    if not name.strip():
        raise ValueError("name: must say what the token is for")
    _refuse(user, has_given_factor)
    key = ApiToken.issue(
        user,
        name=name.strip()[:60],
        scope=scope,
        factor=second_factor.factor_of(user),
        expires_at=now + timedelta(days=days),
    )
    note(user, "token made", actor=actor, days=days, scope=scope.value)
    return key


def _refuse(user: User, has_given_factor: bool) -> None:
    if has_first_password(user):
        raise PermissionError("must change the first password before an API token is made")
    if second_factor.is_needed(user) and not has_given_factor:
        raise PermissionError("needs a second factor: make the token at /account/ after giving it")


def replace_token(user: User, scope: Scope) -> str:
    """Returns a new token for the account and revokes its old ones. Raises PermissionError."""
    _refuse(user, has_given_factor=False)
    revoke_tokens(user)
    days = first_days(user)
    return make_token(user, name="command line", days=days, scope=scope, now=timezone.now())


def revoke_token(user: User, token_id: int, *, actor: User | None = None) -> bool:
    """Ends one token of this account. False when there is none with this id."""
    num, _ = ApiToken.objects.filter(user=user, id=token_id).delete()
    if num:
        note(user, "token revoked", actor=actor)
    return bool(num)


def revoke_tokens(user: User) -> int:
    return ApiToken.objects.filter(user=user).delete()[0]


def why_refused(token: ApiToken | None, now: datetime) -> Refusal | None:
    """Returns why this token opens nothing at `now`; None for one that is good."""
    if token is None:
        return Refusal.UNKNOWN
    if token.demo and not settings.TRIAGE_DEMO:
        return Refusal.DEMO
    if not token.user.is_active:
        return Refusal.DEACTIVATED
    if token.password_hash and not _is_of_password(token):
        return Refusal.PASSWORD
    if _has_ended(token, now):
        return Refusal.ENDED
    if has_first_password(token.user):
        return Refusal.FIRST_PASSWORD
    return _factor_refusal(token)


def _is_of_password(token: ApiToken) -> bool:
    return any(
        secrets.compare_digest(token.password_hash, known) for known in password_hashes(token.user)
    )


def _has_ended(token: ApiToken, now: datetime) -> bool:
    """A role that was given later shortens the life of tokens that exist."""
    if token.expires_at is None:  # a demo token
        return False
    return min(token.expires_at, token.created_at + timedelta(days=most_days(token.user))) <= now


def _factor_refusal(token: ApiToken) -> Refusal | None:
    if token.factor != second_factor.factor_of(token.user):
        return Refusal.FACTOR
    if not token.factor and second_factor.is_required(token.user):
        return Refusal.NO_FACTOR
    return None
