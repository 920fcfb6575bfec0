"""A session lives as long as its person acts: 15 minutes after the last act it ends.

Acts are opened pages and sent forms. What a page fetches by itself (fragments, figures, live
streams) is no act. static/js/idle.js reports keys and clicks between them to `/stay/`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse

SIGNED_IN_AT: Final = "signed_in_at"
_SAFE: Final = ("GET", "HEAD", "OPTIONS", "TRACE")


class InactivityMiddleware:
    """Renews the session at each act, and ends it when it is old. It runs after the accounts."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            _keep(request, time.time())
        return self.get_response(request)


def _keep(request: HttpRequest, now: float) -> None:
    signed_in_at = request.session.get(SIGNED_IN_AT)
    if signed_in_at is not None and now - signed_in_at > 3600 * settings.SESSION_HOURS:
        logout(request)
    elif is_act(request):
        request.session.setdefault(SIGNED_IN_AT, now)
        request.session.modified = True  # saving it moves its end


def is_act(request: HttpRequest) -> bool:
    """Returns whether a person made this request, as far as the browser tells."""
    if request.method not in _SAFE:
        return True
    is_background = "HX-Request" in request.headers or "text/event-stream" in request.headers.get(
        "Accept", ""
    )
    return not is_background and request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
