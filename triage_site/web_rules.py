"""Rules for every answer, and the address for people who found a hole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

VALID_FOR: Final = timedelta(days=180)


class NoStoreMiddleware:
    """Nothing but static files is kept by browsers or proxies."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not request.path_info.startswith(str(settings.STATIC_URL)):
            patch_cache_control(response, no_store=True, private=True)
        return response


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
