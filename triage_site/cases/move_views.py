"""The place of a case in the queue: why it is there, and the form that moves it."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from triage_site.cases import services
from triage_site.cases.access import allowed
from triage_site.cases.action_forms import MoveForm
from triage_site.cases.care_views import answered
from triage_site.cases.departments import sight_of
from triage_site.cases.models import Case
from triage_site.cases.order_shown import neighbours, order_context
from triage_site.cases.roles import Action


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(Action.OPERATE)
def move(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    case = get_object_or_404(Case, id=case_id)
    form = MoveForm(request.POST if request.method == "POST" else None)

    def act(direction: str, places: int, **got: Any) -> object:
        return services.move_case(**got, steps=MoveForm.steps(direction, places))

    context = neighbours(case, timezone.now())
    return answered(request, case, form, act, "cases/_move_form.html", context)


@require_GET
@never_cache
@allowed(Action.VIEW)
def order(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """The factors and moves: a fragment for the case page, or a page of its own."""
    case = get_object_or_404(Case, id=case_id)
    context = order_context(case, sight_of(request.user))
    name = "cases/_order.html" if getattr(request, "htmx", None) else "cases/order.html"
    return render(request, name, context)
