"""Django's part of the live streams: it admits or refuses them. streams.py sends the events."""

from __future__ import annotations

import uuid

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from triage_site.cases.access import require
from triage_site.cases.live_pages import PAGES, action_of
from triage_site.cases.models import Case
from triage_site.cases.roles import Action

BOARD = "board"


@require_GET
def page(request: HttpRequest, name: str) -> HttpResponse:
    """The board, or a page that an app has registered."""
    if name != BOARD and name not in PAGES:
        return _refuse(404, "This stream does not exist.")
    return _admit(request, action_of(name))


@require_GET
def case(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    answer = _admit(request, Action.VIEW)
    if answer.status_code == 200 and not Case.objects.filter(id=case_id).exists():
        return _refuse(404, "This case does not exist.")
    return answer


def _admit(request: HttpRequest, action: Action) -> HttpResponse:
    # A stream cannot follow a redirect to the login page.
    if not request.user.is_authenticated:
        return _refuse(401, "Please sign in again.")
    try:
        require(request, action)
    except PermissionDenied:
        return _refuse(403, "This account may not view this page.")
    return HttpResponse(content_type="text/event-stream")


def _refuse(status: int, message: str) -> HttpResponse:
    return HttpResponse(message, status=status, content_type="text/plain; charset=utf-8")
