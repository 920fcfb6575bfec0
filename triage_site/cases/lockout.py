"""What django-axes asks of this site when sign-ins fail too often."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any, Final

from axes.models import AccessAttempt, AccessBase
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from triage_site.audit.models import AuditRecord
from triage_site.audit.sign_ins import address_of

KNOWN_FOR: Final = timedelta(days=90)  # an address, after a sign-in from there


def key_of(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """Returns a digest of the typed name: what was typed can be a password in the wrong field."""
    return _key(_name(request, credentials))


def parameters(
    request: HttpRequest | AccessBase, credentials: dict[str, Any] | None = None
) -> list[str | list[str]]:
    """Returns by what failures are counted: by name and address, and for an address where the
    person has not signed in before, by name alone."""
    pair: list[str | list[str]] = [["username", "ip_address"]]
    if isinstance(request, HttpRequest) and not _is_known(request, _name(request, credentials)):
        pair.append(["username"])
    return pair


def _is_known(request: HttpRequest, name: str) -> bool:
    return AuditRecord.objects.filter(
        actor__username=name,
        kind=AuditRecord.Kind.SIGNED_IN,
        at__gt=timezone.now() - KNOWN_FOR,
        data__address=address_of(request),
    ).exists()


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


def _name(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    return str((credentials or {}).get("username") or request.POST.get("username", ""))


def _key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
