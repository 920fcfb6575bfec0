"""The page of the audit log, and its export."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from triage_site.cases.access import allowed
from triage_site.cases.form_fields import DAYS
from triage_site.cases.roles import Action
from triage_site.ops.audit_log import KINDS, NUM_LINES, Wanted, export, lines, num_lines

UNPROCESSABLE = 422
DAYS_SHOWN = 7


class AuditForm(forms.Form):
    since = forms.DateField(required=False, label="From", validators=DAYS)
    until = forms.DateField(required=False, label="To", validators=DAYS)
    person = forms.CharField(required=False, max_length=150)
    case = forms.IntegerField(required=False, label="Case number", min_value=1, max_value=10**15)
    kind = forms.ChoiceField(required=False, label="What", choices=list(KINDS.items()))

    def wanted(self) -> Wanted:
        """What is left out means the last seven days, everybody and everything."""
        got = self.cleaned_data
        today = timezone.localdate()
        last = got["until"] or today
        return Wanted(
            since=_midnight(got["since"] or last - timedelta(days=DAYS_SHOWN - 1)),
            until=_midnight(last + timedelta(days=1)),
            person=got["person"].strip(),
            case=got["case"],
            kind=got["kind"],
        )


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


@require_GET
@never_cache
@allowed(Action.AUDIT)
def audit(request: HttpRequest) -> HttpResponse:
    form = AuditForm(request.GET)
    context: dict[str, Any] = {"here": "audit", "form": form, "kinds": KINDS.items()}
    if not form.is_valid():
        return render(request, "ops/audit.html", context, status=UNPROCESSABLE)
    wanted = form.wanted()
    total = num_lines(wanted)
    last_page = max(1, -(-total // NUM_LINES))
    page = min(_page_number(request), last_page)
    query = {name: value for name, value in request.GET.items() if name != "page" and value}
    context |= {
        "wanted": wanted,
        "last_day": wanted.until - timedelta(days=1),
        "lines": lines(wanted, NUM_LINES * (page - 1)),
        "total": total,
        "page": page,
        "last_page": last_page,
        "query": urlencode(query),
    }
    return render(request, "ops/audit.html", context)


@require_GET
@never_cache
@allowed(Action.AUDIT)
def download(request: HttpRequest) -> HttpResponse:
    form = AuditForm(request.GET)
    if not form.is_valid():
        return HttpResponse("A limit of the audit log is not valid.", status=UNPROCESSABLE)
    response = StreamingHttpResponse(export(form.wanted()), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="audit.csv"'
    return cast(HttpResponse, response)  # it streams


def _page_number(request: HttpRequest) -> int:
    text = request.GET.get("page", "1")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 10 else 1
