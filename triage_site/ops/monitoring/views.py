"""The classifier page, for charge nurses and auditors. Only charge nurses promote and undo."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from triage_site.cases.access import allowed
from triage_site.cases.forms import call_service
from triage_site.cases.roles import Action, may
from triage_site.classifiers import services
from triage_site.ops.monitoring.report import Selection, report

UNPROCESSABLE = 422


class _ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=500,
        error_messages={"required": "Enter a reason (kept in the audit log)"},
    )


class PromoteForm(_ReasonForm):
    version = forms.CharField(max_length=200)


class UndoForm(_ReasonForm):
    change = forms.IntegerField()


@require_GET
@never_cache
@allowed(Action.AUDIT)
def monitoring(request: HttpRequest) -> HttpResponse:
    return _page(request, _ReasonForm())


@require_POST
@allowed(Action.OPERATE)
def promote(request: HttpRequest) -> HttpResponse:
    form = PromoteForm(request.POST)

    def act(got: dict[str, Any]) -> None:
        change = services.promote(
            got["version"],
            actor=request.user,  # type: ignore[arg-type]
            reason=got["reason"],
            now=timezone.now(),
        )
        messages.success(request, f"{change.new_version} is active.")

    if call_service(form, act):
        return redirect("ops_monitoring")
    return _page(request, form, status=UNPROCESSABLE)


@require_POST
@allowed(Action.OPERATE)
def undo(request: HttpRequest) -> HttpResponse:
    form = UndoForm(request.POST)

    def act(got: dict[str, Any]) -> None:
        change = services.undo(
            got["change"],
            actor=request.user,  # type: ignore[arg-type]
            reason=got["reason"],
            now=timezone.now(),
        )
        messages.success(request, f"{change.new_version} is active again.")

    if call_service(form, act):
        return redirect("ops_monitoring")
    return _page(request, form, status=UNPROCESSABLE)


def _page(request: HttpRequest, form: forms.Form, status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {
        **report(Selection.from_query(request.GET), timezone.now()),
        "here": "monitoring",
        "form": form,
        "may_change": may(request.user, Action.OPERATE),
    }
    fragment = bool(getattr(request, "htmx", None)) and request.method == "GET"
    name = "_report.html" if fragment else "monitoring.html"
    return render(request, f"ops/monitoring/{name}", context, status=status)
