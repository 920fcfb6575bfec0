"""Comparisons: the list with its form, and one page each that stays."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRefresh

from triage_site.cases.access import allowed
from triage_site.cases.forms import call_service
from triage_site.cases.roles import Action, may
from triage_site.cases.submission_limit import TooMany
from triage_site.ops import services
from triage_site.ops.comparisons import export, selectors
from triage_site.ops.comparisons.forms import ComparisonForm
from triage_site.ops.comparisons.page import result_context
from triage_site.ops.models import UNFINISHED, UNUSED_UPLOAD, Comparison, ComparisonStatus, Upload

UNPROCESSABLE = 422
TOO_MANY = 429
DOWNLOADS = ("results.csv", "results.json", "load.csv")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(Action.CONSOLE)
def comparisons(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _list(request, ComparisonForm(initial=ComparisonForm.first_values()))
    return _create(request)


@allowed(Action.COMPARE)
def _create(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, User)
    user, now = request.user, timezone.now()
    form = ComparisonForm(request.POST, request.FILES)
    made: list[Comparison] = []

    def act(got: dict[str, Any]) -> None:
        made.append(services.create_comparison(got["data"], actor=user, now=now))

    try:
        _keep_file(form, user, now)
        if call_service(form, act):
            return redirect("comparison", comparison_id=made[0].id)
    except TooMany as error:
        form.add_error(error.field if error.field in form.fields else None, _sentence(error))
        page = _list(request, form, status=TOO_MANY)
        if error.wait_seconds is not None:
            page["Retry-After"] = str(error.wait_seconds)
        return page
    return _list(request, form, status=UNPROCESSABLE)


def _keep_file(form: ComparisonForm, user: User, now: datetime) -> None:
    """Stores the file that came, before anything else can fail. Raises TooMany."""
    form.full_clean()
    file = form.file_to_keep
    if file is None:
        return
    kind = file.content_type or ""
    try:
        stored = services.store_upload(file.name or "", file.read(), actor=user, now=now, kind=kind)
    except ValueError as error:
        form.add_error("new_file", str(error).partition(": ")[2])
        return
    except TooMany as error:
        raise TooMany("new_file", error.reason, error.wait_seconds) from None
    form.keep(stored)


def _sentence(error: TooMany) -> str:
    return error.reason[:1].upper() + error.reason[1:]


@require_GET
@never_cache
@allowed(Action.CONSOLE)
def comparison(request: HttpRequest, comparison_id: uuid.UUID) -> HttpResponse:
    found = _found(comparison_id)
    context: dict[str, Any] = {**_about(request, found), "here": "comparisons"}
    if found.status == ComparisonStatus.DONE:
        context |= result_context(found)
    return render(request, "ops/comparisons/comparison.html", context)


@require_GET
@never_cache
@allowed(Action.CONSOLE)
def progress(request: HttpRequest, comparison_id: uuid.UUID) -> HttpResponse:
    """The state of a comparison that runs; once it has ended, the page loads again."""
    found = _found(comparison_id)
    if found.status not in UNFINISHED:
        return HttpResponseClientRefresh()
    return render(request, "ops/comparisons/_progress.html", _about(request, found))


@require_POST
@allowed(Action.COMPARE)
def cancel(request: HttpRequest, comparison_id: uuid.UUID) -> HttpResponse:
    if services.cancel_comparison(comparison_id, now=timezone.now()):
        messages.success(request, "The comparison was cancelled.")
    return redirect("comparison", comparison_id=comparison_id)


@require_GET
@never_cache
@allowed(Action.CONSOLE)
def download(request: HttpRequest, comparison_id: uuid.UUID, what: str) -> HttpResponse:
    found = _found(comparison_id)
    if found.status != ComparisonStatus.DONE:
        raise Http404("This comparison has no results.")
    content_type, text = {
        "results.csv": ("text/csv", lambda: export.to_csv_text(found)),
        "results.json": ("application/json", lambda: export.to_json_text(found)),
        "load.csv": ("text/csv", lambda: selectors.load_csv(found.id)),
    }[what]
    name = f"comparison-{str(found.id)[:8]}-{what}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text(), content_type=f"{content_type}; charset=utf-8", headers=headers)


@require_POST
@allowed(Action.COMPARE)
def remove_upload(request: HttpRequest, upload_id: uuid.UUID) -> HttpResponse:
    assert isinstance(request.user, User)
    try:
        services.remove_upload(upload_id, actor=request.user)
    except Upload.DoesNotExist:
        raise Http404("There is no such file of this person.") from None
    except ValueError as error:
        messages.error(request, f"{str(error).partition(': ')[2]}. Nothing was removed.")
    else:
        messages.success(request, "The file was removed. Comparisons with it keep their figures.")
    return redirect("comparisons")


def _found(comparison_id: uuid.UUID) -> Comparison:
    found = selectors.comparison(comparison_id)
    if found is None:
        raise Http404("There is no such comparison.")
    return found


def _about(request: HttpRequest, found: Comparison) -> dict[str, Any]:
    return {
        "comparison": found,
        "load_words": selectors.load_words(found),
        "setting_words": selectors.setting_words(found),
        "unfinished": found.status in UNFINISHED,
        "percent": round(100 * found.progress),
        "may_compare": may(request.user, Action.COMPARE),
    }


def _list(request: HttpRequest, form: ComparisonForm, status: int = 200) -> HttpResponse:
    lines = [
        {
            "comparison": one,
            "load_words": selectors.load_words(one),
            "setting_words": selectors.setting_words(one),
            "percent": round(100 * one.progress),
        }
        for one in selectors.recent_comparisons()
    ]
    context = {
        "here": "comparisons",
        "form": form,
        "lines": lines,
        "uploads": form.uploads,
        "unused_days": UNUSED_UPLOAD.days,
        "may_compare": may(request.user, Action.COMPARE),
    }
    return render(request, "ops/comparisons/comparisons.html", context, status=status)
