"""A person opens a case of another department with a reason."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from triage_site.cases import services
from triage_site.cases.access import allowed, ask_for_reason
from triage_site.cases.departments import sight_of
from triage_site.cases.form_fields import LimitedText
from triage_site.cases.forms import call_service
from triage_site.cases.models import Case
from triage_site.cases.roles import Action

UNPROCESSABLE = 422


class ReasonForm(forms.Form):
    reason = LimitedText(
        limit=500,
        label="Reason",
        error_messages={"required": "Enter why you open this case (kept in the audit log)"},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(Action.BREAK_GLASS)
def break_glass(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Opens the case. Who comes here after a sign-in is led to the page that asks for a reason."""
    case = get_object_or_404(Case.objects.select_related("department"), id=case_id)
    if request.method != "POST" or sight_of(request.user).has(case):
        return redirect("case", case.id)
    form = ReasonForm(request.POST)

    def act(got: dict[str, Any]) -> None:
        services.open_with_reason(
            case.id,
            reason=got["reason"],
            actor=request.user,  # type: ignore[arg-type]
            now=timezone.now(),
        )

    if call_service(form, act):
        return redirect("case", case.id)
    return ask_for_reason(request, case, form, status=UNPROCESSABLE)
