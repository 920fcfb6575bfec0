"""What a request gets when the database is down or locked: a plain 503, and its text is kept.

Nothing here reads the database, not even the session: the page must work without it.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.views import defaults

API: Final = "/api/"
RETRY_SECONDS: Final = 5
SENTENCE: Final = "The database does not answer. Nothing was stored."
_NOT_KEPT: Final = frozenset({"csrfmiddlewaretoken", "password", "username"})


def server_error(request: HttpRequest, *_: Any) -> HttpResponse:
    """The handler of uncaught errors. An outage of the database is no error of the program."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return unavailable(request)
    return defaults.server_error(request)


def unavailable(request: HttpRequest) -> HttpResponse:
    """Returns JSON to the API; to a browser a page that can send the same form again."""
    response: HttpResponse
    if request.path_info.startswith(API):
        reason = f"{SENTENCE} Send the request again, with the same Idempotency-Key."
        errors = [{"field": "database", "reason": reason}]
        response = JsonResponse({"errors": errors}, status=503)
    else:
        response = HttpResponse(_page(request), status=503)
    response["Retry-After"] = str(RETRY_SECONDS)
    return response


def _page(request: HttpRequest) -> str:
    sent = request.POST.items() if request.method == "POST" else ()
    fields = [(name, value) for name, value in sent if name not in _NOT_KEPT]
    context = {
        "sentence": SENTENCE,
        "address": request.get_full_path(),
        "hidden": [(name, value) for name, value in fields if name != "text"],
        "text": dict(fields).get("text"),
        "is_form": request.method == "POST",
        "csrf_token": get_token(request),
    }
    return render_to_string("503.html", context)
