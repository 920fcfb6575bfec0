"""Access to views: the user must be signed in and have the right in the table of roles.

An address that names a case also needs the case: of a department of the user, or opened with a
reason. `require` looks for that in the address, so a new view needs no code of its own.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRedirect

from triage_site.cases.departments import reach_of
from triage_site.cases.models import Case
from triage_site.cases.roles import Action, covers, may

P = ParamSpec("P")

WHY: Final = "why"
SIGNED_OUT: Final = "signed-out"
LEFT: Final = "left"  # the person signed out, in another tab

View = Callable[Concatenate[HttpRequest, P], HttpResponse]


class OtherDepartment(PermissionDenied):
    """The case is of another department; it can be opened with a reason."""

    def __init__(self, case: Case) -> None:
        super().__init__("This case is of another department.")
        self.case = case


class BeyondScope(PermissionDenied):
    """The account may do it, and its API token may not."""


def require(request: HttpRequest, action: Action) -> None:
    """Notes what the request needs, for the audit.

    Raises PermissionDenied; of its kind, BeyondScope and OtherDepartment.
    """
    request.action = action  # type: ignore[attr-defined]
    if not may(request.user, action):
        raise PermissionDenied(f"Your role may not {action}.")
    scope = getattr(request, "token_scope", None)
    if scope is not None and not covers(scope, action):
        raise BeyondScope(f"this token's scope is {scope}; it may not {action}")
    case = None if action is Action.BREAK_GLASS else case_of(request)
    if case is None:  # a view answers 404 for a case that does not exist
        return
    reach = reach_of(request.user, timezone.now())
    if not reach.opens(case):
        raise OtherDepartment(case)
    request.opening = reach.opening_for(case)  # type: ignore[attr-defined]


def case_of(request: HttpRequest) -> Case | None:
    """Returns the case that the address names."""
    match = request.resolver_match
    if match is None:
        return None
    try:
        case_id = uuid.UUID(str(match.kwargs["case_id"]))
    except (KeyError, ValueError):
        return None
    return Case.objects.select_related("department").filter(id=case_id).first()


def allowed(action: Action) -> Callable[[View[P]], View[P]]:
    """Anonymous users are redirected to the login page; users without the right get a 403."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if not request.user.is_authenticated:
                return _to_login(request)
            try:
                require(request, action)
            except OtherDepartment as error:
                return ask_for_reason(request, error.case)
            return view(request, *args, **kwargs)

        guarded.action = action  # type: ignore[attr-defined]  # for the matrix of roles
        return guarded

    return decorate


def ask_for_reason(
    request: HttpRequest, case: Case, form: Any = None, status: int = 403
) -> HttpResponse:
    """The page that opens a case of another department. A fragment leads to it."""
    if getattr(request, "htmx", None):
        page = HttpResponse(status=403)
        page["HX-Redirect"] = reverse("case", args=[case.id])
        return page
    context = {"case": case, "form": form, "minutes": settings.TRIAGE_BREAK_GLASS_MINUTES}
    return render(request, "cases/other_department.html", context, status=status)


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


def lists_cases(*, repeats: str = "") -> Callable[[View[P]], View[P]]:
    """The audit records who sees this view, though its right alone would not tell.

    `repeats` is the name of a view that a page shows again and again with this one: its updates
    are no views of their own (audit_middleware.py).
    """

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def marked(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            request.lists_cases = True  # type: ignore[attr-defined]
            request.repeats = repeats  # type: ignore[attr-defined]
            return view(request, *args, **kwargs)

        return marked

    return decorate


def for_people(view: View[P]) -> View[P]:
    """The description of the API: for everybody in demo mode, else for people who signed in."""

    @require_safe
    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if settings.TRIAGE_DEMO or request.user.is_authenticated:
            return view(request, *args, **kwargs)
        return _to_login(request)

    return guarded


def path_here(request: HttpRequest, wanted: str | None) -> str:
    """Returns an address that a form carries; empty for one elsewhere."""
    path = wanted or ""
    is_here = url_has_allowed_host_and_scheme(path, allowed_hosts={request.get_host()})
    return path if is_here and path.startswith("/") else ""


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
