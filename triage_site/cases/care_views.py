"""What people do to a case: see, close, reopen, vital signs, notes, level. Services write.

Each form carries the version of the case that it was opened on. Who was slower is told what
others did meanwhile, and keeps what was typed.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

from triage_site.cases import services
from triage_site.cases.access import allowed, path_here
from triage_site.cases.action_forms import (
    CloseForm,
    NoteForm,
    OverrideForm,
    ProposalForm,
    TransferForm,
    VersionedForm,
    VitalsForm,
)
from triage_site.cases.board_filter import BoardFilter
from triage_site.cases.case_history import meanwhile
from triage_site.cases.forms import call_service
from triage_site.cases.models import Case, CaseEvent, Department
from triage_site.cases.receipts import with_receipt
from triage_site.cases.roles import Action

CONFLICT, UNPROCESSABLE = 409, 422
BOARD = "board"
_ROW = "#case-"  # a row of the board in an address
Act = Callable[[dict[str, Any]], object]


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(Action.OVERRIDE)
def override(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    case = get_object_or_404(Case, id=case_id)
    form = OverrideForm(request.POST or None)
    return answered(request, case, form, services.override_priority, "cases/_override_form.html")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(Action.CARE)
def close(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    case = get_object_or_404(Case, id=case_id)
    form = CloseForm(request.POST if request.method == "POST" else None)
    return answered(request, case, form, services.close_case, "cases/_close_form.html")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(Action.TRANSFER)
def transfer(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Moves a case that was entered in the wrong department."""
    case = get_object_or_404(Case.objects.select_related("department"), id=case_id)
    others = Department.objects.exclude(code=case.department.code)
    form = TransferForm(request.POST if request.method == "POST" else None, departments=others)
    return answered(request, case, form, services.transfer_case, "cases/_transfer_form.html")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(Action.SUBMIT)
def note(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    case = get_object_or_404(Case, id=case_id)
    form = NoteForm(request.POST if request.method == "POST" else None)
    return answered(request, case, form, services.add_note, "cases/_note_form.html")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(Action.SUBMIT)
def vitals(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    case = get_object_or_404(Case, id=case_id)
    form = VitalsForm(case.case_facts, request.POST if request.method == "POST" else None)
    if "convert_temp" in request.POST:
        form = form.with_celsius()
        form.is_valid()
        return render(request, "cases/vitals.html", _vitals_context(case, form))

    def act(**got: Any) -> object:
        words = got.pop("text", "")
        kept = {name: got[name] for name in ("case_id", "actor", "now", "version")}
        return services.record_vitals(**kept, readings=form.readings(), note=words)

    conflict = _carried_out(request, case, form, act)
    if conflict is None:
        return _received(request, _to_case(request, case))
    status = 200 if not form.is_bound else CONFLICT if conflict else UNPROCESSABLE
    context = {**_vitals_context(case, form), "meanwhile": conflict}
    return render(request, "cases/vitals.html", context, status=status)


def _vitals_context(case: Case, form: VitalsForm) -> dict[str, Any]:
    return {"case": case, "form": form, "celsius_offer": form.celsius_offer()}


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(Action.CARE)
def seen(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    template, kind = "cases/_seen_form.html", CaseEvent.Kind.SEEN
    return _at_once(request, case_id, services.see_patient, template, kind)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(Action.CARE)
def reopen(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    template, kind = "cases/_reopen_form.html", CaseEvent.Kind.REOPENED
    return _at_once(request, case_id, services.reopen_case, template, kind)


@require_POST
@allowed(Action.OVERRIDE)
def proposal(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    case = get_object_or_404(Case, id=case_id)
    form = ProposalForm(request.POST)

    def act(decision: str, **got: Any) -> object:
        return services.decide_proposal(**got, accept=decision == "accept")

    if _carried_out(request, case, form, act) is not None:
        _say_errors(request, form)
    return _to_case(request, case)


@require_POST
@allowed(Action.SUBMIT)
def retry(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    case = get_object_or_404(Case, id=case_id)
    try:
        services.retry_case(case.id, actor=request.user, now=timezone.now())  # type: ignore[arg-type]
    except ValueError as error:
        messages.error(request, str(error).partition(": ")[2] + ".")
    return _to_case(request, case)


def _is_own(request: HttpRequest, case: Case, form: VersionedForm, kind: str) -> bool:
    """Whether this is the second of two presses: all that changed is what the first one did."""
    version = form.fields["version"].clean(form.data["version"])
    changes = services.changes_since(case, version)
    return all((one.kind, one.actor_id) == (kind, request.user.pk) for one in changes)


def _at_once(
    request: HttpRequest, case_id: uuid.UUID, act: Any, template: str, kind: CaseEvent.Kind
) -> HttpResponse:
    """A move without a form of its own: one press where scripts run, else a page that asks."""
    case = get_object_or_404(Case, id=case_id)
    form = VersionedForm(request.POST if request.method == "POST" else None)
    conflict = _carried_out(request, case, form, act)
    if conflict is None or (conflict and _is_own(request, case, form, kind)):
        return _done(request, case)
    if not getattr(request, "htmx", None):
        return _ask(request, case, form, template, conflict)
    _say_errors(request, form)
    return _to_case(request, case)


def answered(
    request: HttpRequest,
    case: Case,
    form: VersionedForm,
    act: Any,
    template: str,
    more: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Makes the change of a form, or shows the form with what is wrong. `more` is for it alone."""
    conflict = _carried_out(request, case, form, act)
    if conflict is None:
        return _received(request, _done(request, case))
    return _ask(request, case, form, template, conflict, more)


def _received(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    return with_receipt(request, response, request.POST.get("submission_key", ""))


def _carried_out(request: HttpRequest, case: Case, form: Any, act: Any) -> list[Any] | None:
    """None when the change was made; else what others changed meanwhile, often nothing."""
    if request.method != "POST":
        return []
    is_conflict, version = False, None

    def call(got: dict[str, Any]) -> object:
        nonlocal is_conflict, version
        version = got["version"]
        arguments = {name: value for name, value in got.items() if name not in _OF_THE_FORM}
        try:
            return act(case_id=case.id, actor=request.user, now=timezone.now(), **arguments)
        except services.Conflict:
            is_conflict = True
            raise

    if call_service(form, call):
        return None
    case.refresh_from_db()
    return meanwhile(case, version) if is_conflict and version is not None else []


# What a form of vital signs checks for itself.
_OF_THE_FORM = frozenset({"facts", "confirm_values"})


def _say_errors(request: HttpRequest, form: forms.Form) -> None:
    for reasons in form.errors.values():
        for reason in reasons:
            messages.error(request, f"{str(reason)[:1].upper()}{str(reason)[1:]}.")


def _ask(
    request: HttpRequest,
    case: Case,
    form: forms.Form,
    template: str,
    conflict: list[Any],
    more: Mapping[str, Any] | None = None,
) -> HttpResponse:
    status = 200 if not form.is_bound else CONFLICT if conflict else UNPROCESSABLE
    in_dialog, back = bool(getattr(request, "htmx", None)), _back(request)
    context = {
        **(more or {}),
        "case": case,
        "form": form,
        "dialog": in_dialog,
        "form_template": template,
        "meanwhile": conflict,
        "back": back,
        "back_address": _unchanged(back, case) if back else reverse("case", args=[case.id]),
    }
    name = template if in_dialog else "cases/ask.html"
    return render(request, name, context, status=status)


def _unchanged(back: str, case: Case) -> str:
    """Where the person goes without a change: on the board to the same row."""
    address, mark, _ = back.partition(_ROW)
    return f"{address}{mark}{case.number}" if mark else back


def _done(request: HttpRequest, case: Case) -> HttpResponse:
    """Back to where the change was made: the board follows by itself."""
    if _is_on_board(request):
        return trigger_client_event(HttpResponse(status=204), "board-changed")
    back = _back(request)
    if back and not getattr(request, "htmx", None):
        return redirect(back)
    return _to_case(request, case)


def _back(request: HttpRequest) -> str:
    """Where the person was: the board, or the address that a page without scripts carries."""
    if request.GET.get("from") == BOARD:
        return _board_address(request)
    return path_here(request, request.POST.get("back"))


def _board_address(request: HttpRequest) -> str:
    """The board with the filter of the page that the form was opened from, and the next row."""
    chosen, row = BoardFilter.of(request.GET, 0), request.GET.get("next", "")
    query = chosen.query() if chosen.is_active else ""
    return f"{reverse('board')}{query}{_ROW}{row}" if _is_number(row) else reverse("board") + query


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _is_on_board(request: HttpRequest) -> bool:
    htmx = getattr(request, "htmx", None)
    path = htmx.current_url_abs_path if htmx else None
    return path is not None and path.partition("?")[0] == reverse("board")


def _to_case(request: HttpRequest, case: Case) -> HttpResponse:
    if getattr(request, "htmx", None):
        return HttpResponseClientRedirect(reverse("case", args=[case.id]))
    return redirect("case", case.id)
