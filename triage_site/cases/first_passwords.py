"""A password that somebody else set is changed by its person at the first sign-in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest

from triage_site.cases.models import FirstPassword

# Kept in the session, so that no request asks the database: a session ends when an operator sets
# a password.
_KEY: Final = "first_password"


def connect() -> None:
    user_logged_in.connect(_on_sign_in)


def _on_sign_in(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    if has_first_password(user):
        request.session[_KEY] = True


def has_first_password(user: User) -> bool:
    return FirstPassword.objects.filter(user=user).exists()


def has_run_out(user: User, now: datetime) -> bool:
    """Returns whether nobody used the password in time; who runs the site sets another one."""
    limit = now - timedelta(days=settings.FIRST_PASSWORD_DAYS)
    return FirstPassword.objects.filter(user=user, set_at__lt=limit).exists()


def begin(user: User, now: datetime) -> None:
    FirstPassword.objects.update_or_create(user=user, defaults={"set_at": now})


def must_change(request: HttpRequest) -> bool:
    return bool(request.user.is_authenticated and request.session.get(_KEY))


def end(request: HttpRequest, user: User) -> None:
    """The person has chosen a password."""
    FirstPassword.objects.filter(user=user).delete()
    request.session.pop(_KEY, None)
