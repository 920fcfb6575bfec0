"""What django-axes asks of this site when sign-ins fail too often."""

from __future__ import annotations

import hashlib
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def key_of(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """Returns a digest of the typed name: what was typed can be a password in the wrong field."""
    given = credentials or {}
    name = given.get("username") or request.POST.get("username", "")
    return _key(str(name))


def locked_out(
    request: HttpRequest, response: HttpResponse | None, credentials: dict[str, Any] | None
) -> HttpResponse:
    minutes = round(60 * float(settings.AXES_COOLOFF_TIME))
    answer = render(request, "registration/locked.html", {"minutes": minutes}, status=429)
    answer["Retry-After"] = str(60 * minutes)
    return answer


def unlock(user: User) -> None:
    """Forgets the failed sign-ins of an account."""
    AccessAttempt.objects.filter(username=_key(user.get_username())).delete()


def _key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
