"""Records sign-ins, sign-outs and failures, and logs failures."""

from __future__ import annotations

from typing import Any

import structlog
from axes.signals import user_locked_out
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest
from django.utils import timezone

from triage_site.audit.models import AuditRecord
from triage_site.audit.services import record

log = structlog.get_logger(__name__)


def connect() -> None:
    user_logged_in.connect(_on_sign_in)
    user_logged_out.connect(_on_sign_out)
    user_login_failed.connect(_on_failure)
    user_locked_out.connect(_on_lock_out)


def address_of(request: HttpRequest | None) -> str:
    """Returns the address of the client. Behind a proxy it is the last that the proxy added."""
    if request is None:
        return ""
    if settings.BEHIND_TLS_PROXY:
        forwarded = request.headers.get("X-Forwarded-For", "")
        if forwarded:
            return forwarded.rpartition(",")[2].strip()[:45]
    return str(request.META.get("REMOTE_ADDR", ""))[:45]


def _on_sign_in(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    _record(AuditRecord.Kind.SIGNED_IN, request, user)


def _on_sign_out(sender: Any, request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    if user is not None:
        _record(AuditRecord.Kind.SIGNED_OUT, request, user)


def _on_failure(
    sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    # A name that belongs to no account can be a password in the wrong field: it is not kept.
    user = User.objects.filter(username=credentials.get("username") or "").first()
    _record(AuditRecord.Kind.SIGN_IN_FAILED, request, user)
    log.warning(
        "sign_in_failed",
        account=user.get_username() if user else "unknown",
        address=address_of(request),
    )


def _on_lock_out(sender: Any, request: HttpRequest, **kwargs: Any) -> None:
    _record(AuditRecord.Kind.LOCKED_OUT, request, None)
    log.warning("sign_in_locked", address=address_of(request))


def _record(kind: AuditRecord.Kind, request: HttpRequest | None, user: User | None) -> None:
    record(kind, timezone.now(), actor=user, data={"address": address_of(request)})
