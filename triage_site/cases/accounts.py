"""User accounts: a name, a role, and optionally an API token."""

from __future__ import annotations

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from triage_site.cases.models import ApiToken
from triage_site.cases.roles import CHARGE_NURSE


def find_account(username: str) -> User | None:
    return User.objects.filter(username=username).first()


@transaction.atomic
def set_account(username: str, *, role: str, password: str | None) -> User:
    """Creates or changes an account. With `password=None` an account keeps its password.

    Raises ValidationError for a weak password and for a new account without a password.
    """
    user = find_account(username) or User(username=username)
    if password is not None or user.pk is None:
        validate_password(password or "", user)
        user.set_password(password)
    user.is_staff = role == CHARGE_NURSE
    user.full_clean(exclude=["password"])
    user.save()
    user.groups.set([Group.objects.get_or_create(name=role)[0]])
    return user


def replace_token(user: User) -> str:
    """Returns a new API token for the account and deletes its old tokens."""
    ApiToken.objects.filter(user=user).delete()
    return ApiToken.issue(user)
