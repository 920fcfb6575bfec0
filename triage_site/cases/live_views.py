"""Django's part of the live streams: it admits or refuses them. streams.py sends the events.

What is admitted stands in the scope of the request, as an `Access`.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from triage_site.cases.access import OtherDepartment, require
from triage_site.cases.departments import sight_of
from triage_site.cases.live_pages import PAGES
from triage_site.cases.models import Case
from triage_site.cases.roles import Action
from triage_site.cases.stream_access import Access, Target

BOARD: Final = "board"
ADMITTED: Final = "triage.access"


@require_GET
def page(request: HttpRequest, name: str) -> HttpResponse:
    """The board, or a page that an app has registered."""
    if name == BOARD:
        return _admit(request, Action.VIEW, sight_of(request.user))
    if name not in PAGES:
        return _refuse(404, "This stream does not exist.")
    return _admit(request, PAGES[name].action, name)


@require_GET
def case(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    answer = _admit(request, Action.VIEW, case_id)
    if answer.status_code == 200 and not Case.objects.filter(id=case_id).exists():
        return _refuse(404, "This case does not exist.")
    return answer


def _admit(request: HttpRequest, action: Action, target: Target) -> HttpResponse:
    # A stream cannot follow a redirect to the login page.
    if not request.user.is_authenticated:
        return _refuse(401, "Please sign in again.")
    try:
        require(request, action)
    except OtherDepartment as error:
        return _refuse(403, str(error))
    except PermissionDenied:
        return _refuse(403, "This account may not view this page.")
    scope: dict[str, Any] = getattr(request, "scope", {})
    key = request.session.session_key or ""
    scope[ADMITTED] = Access(session_key=key, action=action, target=target)
    return HttpResponse(content_type="text/event-stream")


def _refuse(status: int, message: str) -> HttpResponse:
    return HttpResponse(message, status=status, content_type="text/plain; charset=utf-8")
