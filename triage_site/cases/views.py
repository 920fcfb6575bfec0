"""Pages of the clinical app. Views check rights and render pages; services write."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import LoginView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from scheduling.core.guidance import HEADINGS
from triage_site.cases import demo, selectors, services
from triage_site.cases.access import LEFT, SIGNED_OUT, WHY, allowed, no_act
from triage_site.cases.action_forms import CloseForm, NoteForm, OverrideForm
from triage_site.cases.auth import SignInForm
from triage_site.cases.board import board_html, build_board, render_board
from triage_site.cases.board_filter import BoardFilter, filtered, links, shown_of
from triage_site.cases.departments import sight_of, submits_to
from triage_site.cases.entry_form import EntryForm
from triage_site.cases.guidance_text import sections
from triage_site.cases.models import Case
from triage_site.cases.panel import (
    facts_context,
    guidance_context,
    model_label,
    panel_context,
    render_case_panel,
    render_guidance,
)
from triage_site.cases.preview import preview_context
from triage_site.cases.preview_limit import previews
from triage_site.cases.receipts import with_receipt
from triage_site.cases.roles import Action
from triage_site.cases.submission_limit import TooMany, comes_later, submissions

UNPROCESSABLE = 422
TOO_MANY = 429


class Login(LoginView):
    """The login page. In demo mode it lists the demo accounts."""

    redirect_authenticated_user = True
    authentication_form = SignInForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        accounts = demo.demo_logins() if settings.TRIAGE_DEMO else ()
        why = self.request.GET.get(WHY)
        return super().get_context_data(
            demo_accounts=accounts, is_signed_out=why == SIGNED_OUT, has_left=why == LEFT, **kwargs
        )


# -- board


@require_GET
@never_cache
@allowed(Action.VIEW)
def board(request: HttpRequest) -> HttpResponse:
    chosen = BoardFilter.of(request.GET, request.user.pk or 0)
    made = build_board(timezone.now(), sight_of(request.user))
    context = {
        "here": "board",
        "fragment": mark_safe(filtered(board_html(made), made, chosen)),
        "filter": chosen,
        "links": links(chosen),
        "shown": shown_of(made, chosen),
    }
    return render(request, "cases/board.html", context)


@require_GET
@never_cache
@allowed(Action.VIEW)
def board_fragment(request: HttpRequest) -> HttpResponse:
    """Returns the board for pages without a live stream."""
    return HttpResponse(render_board(timezone.now(), sight_of(request.user)))


# -- a new case


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(Action.SUBMIT)
def new_case(request: HttpRequest) -> HttpResponse:
    departments = submits_to(request.user)  # type: ignore[arg-type]
    if not departments:
        raise PermissionDenied("Your account belongs to no department.")
    if request.method != "POST":
        return _entry_page(request, EntryForm(departments=departments))
    form = EntryForm(request.POST, departments=departments)
    if "convert_temp" in request.POST:
        converted = form.with_celsius()
        converted.is_valid()
        return _entry_page(request, converted, key=request.POST.get("submission_key", ""))
    if not form.is_valid():
        key = form.cleaned_data.get("submission_key", "")
        return _entry_page(request, form, key=key, status=UNPROCESSABLE)
    return _submit(request, form)


def _submit(request: HttpRequest, form: EntryForm) -> HttpResponse:
    got, user_id = form.cleaned_data, request.user.pk or 0
    try:
        is_flood = comes_later(user_id, got["facts"])
    except TooMany as error:
        form.add_error("text", _held_back(error))
        page = _entry_page(request, form, key=got["submission_key"], status=TOO_MANY)
        page["Retry-After"] = str(error.wait_seconds)
        return page
    case, created = services.submit_case(
        facts=got["facts"],
        actor=request.user,  # type: ignore[arg-type]
        submission_key=got["submission_key"],
        label=got["label"],
        department=form.chosen_department,
        now=timezone.now(),
        is_flood=is_flood,
    )
    submissions.count(user_id)
    sent = (got["facts"].to_dict(), got["label"])
    if not created and (case.facts, case.label) != sent:
        page = _entry_page(request, form, status=409, submitted_case=case)
        return with_receipt(request, page, got["submission_key"])
    if "another" in request.POST:
        messages.success(request, f"Case {case.number} was received.")
    response = redirect("new_case") if "another" in request.POST else redirect("case", case.id)
    return with_receipt(request, response, got["submission_key"])


def _held_back(error: TooMany) -> str:
    return (
        "Not sent yet: you have sent very many cases in a short time. Submit this complaint again "
        f"in {error.wait_seconds} seconds; what you typed stays here. A case that looks urgent is "
        "never held back"
    )


def _entry_page(
    request: HttpRequest,
    form: EntryForm,
    *,
    key: str = "",
    status: int = 200,
    submitted_case: Case | None = None,
) -> HttpResponse:
    context = {
        "here": "new",
        "form": form,
        "submission_key": key or uuid.uuid4().hex,
        "celsius_offer": form.celsius_offer(),
        "submitted_case": submitted_case,
    }
    return render(request, "cases/new_case.html", context, status=status)


@require_POST
@no_act
@allowed(Action.SUBMIT)
def preview(request: HttpRequest) -> HttpResponse:
    if not previews.allows(request.user.pk or 0):
        return HttpResponse(status=429, headers={"Retry-After": "1"})
    return render(request, "cases/_preview.html", preview_context(request.POST))


@require_POST
@no_act
@allowed(Action.VIEW)
def stay(request: HttpRequest) -> HttpResponse:
    """Does nothing: the request is an act of the person, which renews the session.

    The page learns whose it is.
    """
    return HttpResponse(status=204, headers={"X-User": str(request.user.pk)})


# -- one case


@require_GET
@never_cache
@allowed(Action.VIEW)
def case_page(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    case = get_object_or_404(Case, id=case_id)
    context = {
        **facts_context(case),
        **panel_context(case.id, timezone.now()),
        **guidance_context(case.id),
        "override_form": OverrideForm(),
        "close_form": CloseForm(),
        "note_form": NoteForm(),
        "opening": getattr(request, "opening", None),
    }
    return render(request, "cases/case.html", context)


@require_GET
@never_cache
@allowed(Action.VIEW)
def print_page(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    case = get_object_or_404(Case, id=case_id)
    now = timezone.now()
    context = {
        **facts_context(case),
        **panel_context(case.id, now),
        "sections": sections(case.guidance),
        "headings": HEADINGS,
        "model_name": model_label(case.guidance_model),
        "level_setting": selectors.level_setting(case),
        "now": now,
    }
    return render(request, "cases/print.html", context)


@require_GET
@never_cache
@allowed(Action.VIEW)
def panel(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    case = get_object_or_404(Case, id=case_id)
    return HttpResponse(render_case_panel(case.id, timezone.now()))


@require_GET
@never_cache
@allowed(Action.VIEW)
def facts(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    case = get_object_or_404(Case, id=case_id)
    return render(request, "cases/_facts.html", facts_context(case))


@require_GET
@never_cache
@allowed(Action.VIEW)
def guidance(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    case = get_object_or_404(Case, id=case_id)
    return HttpResponse(render_guidance(case.id))
