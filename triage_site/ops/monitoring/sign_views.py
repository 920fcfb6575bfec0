"""The page of the danger signs, for charge nurses and auditors."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from triage_site.cases.access import allowed
from triage_site.cases.roles import Action
from triage_site.ops.monitoring.records import Span
from triage_site.ops.monitoring.report import SPANS
from triage_site.ops.monitoring.sign_lines import sign_page

DEFAULT_SPAN = "30d"
MAX_WORDS = 60


@require_GET
@never_cache
@allowed(Action.AUDIT)
def sign_tables(request: HttpRequest) -> HttpResponse:
    chosen = request.GET.get("span", "")
    name = chosen if chosen in SPANS else DEFAULT_SPAN
    now = timezone.now()
    words = " ".join(request.GET.get("sign", "").split())[:MAX_WORDS]
    context = {
        **sign_page(Span(since=now - SPANS[name][1], until=now), words),
        "here": "monitoring",
        "spans": [(key, text) for key, (text, _) in SPANS.items()],
        "span_name": name,
    }
    return render(request, "ops/signs/signs.html", context)
