"""What a session must do after the password: give its second factor, change a first password."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from triage_site.cases.first_passwords import must_change
from triage_site.cases.second_factor import is_missing

# The names of the addresses that a person can open before a step was taken.
_OPEN: Final = frozenset({"second_factor", "login", "logout", "security_txt"})
_WORDS: Final = {
    "second_factor": "Please sign in with your code.",
    "password": "Please change your first password.",
}


class SignInStepsMiddleware:
    """Sends a session that lacks a step to the page of the step, before any view runs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        name = request.resolver_match.view_name if request.resolver_match else ""
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or name in _OPEN:
            return None
        step = _missing_step(request)
        if not step or step == name:
            return None
        if request.path_info.startswith("/live/"):
            return HttpResponse(_WORDS[step], status=401)
        where = reverse(step)
        if getattr(request, "htmx", None) or "HX-Request" in request.headers:
            return HttpResponseClientRedirect(where)
        return redirect_to_login(request.get_full_path(), where)


def _missing_step(request: HttpRequest) -> str:
    """Returns the name of the page that comes next; empty for none."""
    if is_missing(request.user):
        return "second_factor"
    return "password" if must_change(request) else ""
