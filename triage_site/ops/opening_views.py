"""The page of openings: who opened which case of another department, why, and what others found."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from triage_site.cases import services
from triage_site.cases.access import allowed, lists_cases, path_here
from triage_site.cases.form_fields import LimitedText
from triage_site.cases.forms import call_service
from triage_site.cases.models import Opening, OpeningNote
from triage_site.cases.openings import alerts, openings
from triage_site.cases.roles import Action, may

UNPROCESSABLE: Final = 422
PAGE_SIZE: Final = 30


class ReviewForm(forms.Form):
    note = LimitedText(limit=500, label="Note", error_messages={"required": "Enter what you found"})


@require_GET
@never_cache
@allowed(Action.REVIEW)
def opening_list(request: HttpRequest) -> HttpResponse:
    return _page(request)


@require_GET
@never_cache
@allowed(Action.ACKNOWLEDGE)
@lists_cases(repeats="opening_alerts")
def opening_alerts(request: HttpRequest) -> HttpResponse:
    """The alerts, for pages without the live board."""
    return render(request, "cases/_alerts.html", {"alerts": alerts()})


@require_POST
@never_cache
@allowed(Action.ACKNOWLEDGE)
def acknowledge(request: HttpRequest, opening_id: int) -> HttpResponse:
    opening = get_object_or_404(Opening, id=opening_id)
    try:
        services.acknowledge_opening(
            opening.pk,
            actor=request.user,  # type: ignore[arg-type]
            now=timezone.now(),
        )
    except ValueError as error:
        messages.error(request, str(error).partition(": ")[2] + ".")
    if getattr(request, "htmx", None):
        return HttpResponse(status=204, headers={"HX-Trigger": "board-changed"})
    return redirect(path_here(request, request.POST.get("back")) or "ops_openings")


@require_POST
@never_cache
@allowed(Action.REVIEW)
def review(request: HttpRequest, opening_id: int) -> HttpResponse:
    opening = get_object_or_404(Opening, id=opening_id)
    form = ReviewForm(request.POST)

    def act(got: dict[str, Any]) -> None:
        services.review_opening(
            opening.pk,
            note=got["note"],
            actor=request.user,  # type: ignore[arg-type]
            now=timezone.now(),
        )

    if call_service(form, act):
        messages.success(request, f"Your review of case {opening.case_id} was recorded.")
        return redirect("ops_openings")
    return _page(request, (opening.pk, form), status=UNPROCESSABLE)


def _page(
    request: HttpRequest, bad: tuple[int, ReviewForm] | None = None, status: int = 200
) -> HttpResponse:
    now, is_unreviewed = timezone.now(), "unreviewed" in request.GET
    rows = openings(without=OpeningNote.Kind.REVIEWED if is_unreviewed else None)
    rows = rows.prefetch_related("notes__actor", "actor__departments")
    page: Page[Any] = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "here": "openings",
        "page": page,
        "lines": [_line(row, now, request.user.pk, bad) for row in page],
        "is_unreviewed": is_unreviewed,
        "may_acknowledge": may(request.user, Action.ACKNOWLEDGE),
    }
    return render(request, "ops/openings.html", context, status=status)


def _line(
    row: Any, now: datetime, user_id: int | None, bad: tuple[int, ReviewForm] | None
) -> dict[str, Any]:
    return {
        "opening": row,
        "is_open": row.is_open(now),
        "is_own": row.actor_id == user_id,
        "seen": [one for one in row.notes.all() if one.kind == OpeningNote.Kind.SEEN],
        "reviews": [one for one in row.notes.all() if one.kind == OpeningNote.Kind.REVIEWED],
        "form": bad[1] if bad is not None and bad[0] == row.pk else None,
    }
