"""The address for people who found a hole."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

VALID_FOR: Final = timedelta(days=180)


@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    """Says whom to tell about a hole (RFC 9116); by default the mailbox of RFC 2142."""
    host = request.get_host().partition(":")[0]
    lines = (
        f"Contact: {settings.SECURITY_CONTACT or f'mailto:security@{host}'}",
        f"Expires: {timezone.now() + VALID_FOR:%Y-%m-%dT00:00:00Z}",
        "Preferred-Languages: en",
        f"Canonical: {request.build_absolute_uri(request.path)}",
    )
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
