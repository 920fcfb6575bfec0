"""What django-axes asks of this site when sign-ins fail too often."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from axes.models import AccessAttempt, AccessBase
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.crypto import salted_hmac

from triage_site.audit.models import AuditRecord
from triage_site.audit.sign_ins import address_of
from triage_site.cases import spraying
from triage_site.cases.account_notices import note

FAILURES: Final = 5
UNLOCKED_FOR: Final = timedelta(hours=1)  # an account that who runs the site unlocked
_UNLOCKED: Final = "unlocked"
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


def failure_limit(request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
    """Returns how many failures lock the name for this address; 0 locks it without any."""
    if not spraying.is_spraying(request):
        return FAILURES
    name = _name(request, credentials)
    return 1 if _is_known(request, name) or _is_unlocked(name) else 0


def connect() -> None:
    user_login_failed.connect(_on_failure)
    user_logged_in.connect(_on_sign_in)


def _on_failure(
    sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    # Nobody looked at the password of a name that was locked before.
    if request is not None and not getattr(request, "axes_locked_out", False):
        spraying.note_failure(request, key_of(request, credentials))


def _on_sign_in(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    spraying.forget(request, _key(user.get_username()))


def _is_unlocked(name: str) -> bool:
    return AuditRecord.objects.filter(
        kind=AuditRecord.Kind.ACCOUNT,
        what=_UNLOCKED,
        at__gt=timezone.now() - UNLOCKED_FOR,
        data__account=name,
    ).exists()


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
    """Forgets the failed sign-ins of an account. It may also sign in from an address that tried
    many names, for an hour."""
    AccessAttempt.objects.filter(username=_key(user.get_username())).delete()
    note(user, _UNLOCKED)


def _name(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    return str((credentials or {}).get("username") or request.POST.get("username", ""))


def _key(name: str) -> str:
    return salted_hmac("failed sign-ins", name, algorithm="sha256").hexdigest()
