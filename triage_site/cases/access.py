"""Access to views: the user must be signed in and have the right in the table of roles."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, Final, ParamSpec
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRedirect

from triage_site.cases.roles import Action, may

P = ParamSpec("P")

WHY: Final = "why"
SIGNED_OUT: Final = "signed-out"

View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def require(request: HttpRequest, action: Action) -> None:
    """Notes the right that the request needs, for the audit. Raises PermissionDenied."""
    request.action = action  # type: ignore[attr-defined]
    if not may(request.user, action):
        raise PermissionDenied(f"Your role may not {action}.")


def allowed(action: Action) -> Callable[[View[P]], View[P]]:
    """Anonymous users are redirected to the login page; users without the right get a 403."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if not request.user.is_authenticated:
                return _to_login(request)
            require(request, action)
            return view(request, *args, **kwargs)

        guarded.action = action  # type: ignore[attr-defined]  # for the matrix of roles
        return guarded

    return decorate


def signed_in(view: View[P]) -> View[P]:
    """Everybody with an account may do this to the account."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        return (
            view(request, *args, **kwargs) if request.user.is_authenticated else _to_login(request)
        )

    return guarded


def no_act(view: View[P]) -> View[P]:
    """A form is sent to this view, but nobody acts with it: the audit leaves it out."""

    @wraps(view)
    def marked(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        request.is_no_act = True  # type: ignore[attr-defined]
        return view(request, *args, **kwargs)

    return marked


def for_people(view: View[P]) -> View[P]:
    """The description of the API: for everybody in demo mode, else for people who signed in."""

    @require_safe
    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if settings.TRIAGE_DEMO or request.user.is_authenticated:
            return view(request, *args, **kwargs)
        return _to_login(request)

    return guarded


def _to_login(request: HttpRequest) -> HttpResponse:
    """Sends the whole page to the login page, which returns to it.

    Who was at work, with a form or a fragment, is told why the login page comes.
    """
    htmx = getattr(request, "htmx", None)
    page = request.get_full_path() if not htmx else htmx.current_url_abs_path or ""
    query = {"next": page} if page else {}
    if htmx or request.method == "POST":
        query[WHY] = SIGNED_OUT
    address = f"{resolve_url('login')}?{urlencode(query, safe='/')}"
    # A fragment must not be replaced by the login page.
    return HttpResponseClientRedirect(address) if htmx else redirect(address)
