"""Access to views: the user must be signed in and have the right in the table of roles."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRedirect

from triage_site.cases.roles import Action, may

P = ParamSpec("P")
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
    # A fragment must not be replaced by the login page: the whole page is redirected.
    if getattr(request, "htmx", None):
        return HttpResponseClientRedirect(resolve_url("login"))
    return redirect_to_login(request.get_full_path())
