"""The operations page: active policy, its changes, queue and workers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from scheduling import services, switch_outcome
from scheduling.core.policies import POLICIES
from scheduling.models import PolicyChange
from scheduling.selectors import active_policy_name
from scheduling.switch_preview import preview_switch
from triage_site.cases.access import allowed
from triage_site.cases.forms import call_service
from triage_site.cases.roles import Action, may
from triage_site.ops import selectors
from triage_site.ops.comparisons.charts import seconds_text
from triage_site.ops.forms import PolicyForm
from triage_site.ops.live import live_context, render_live
from triage_site.ops.seen_preview import preview_to_record, sealed
from triage_site.ops.shown_series import ShownSeries, shown_series
from triage_site.ops.time_series import SPANS, zone_name

UNPROCESSABLE = 422


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(Action.CONSOLE)
def ops(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, PolicyForm())
    return _switch(request)


@allowed(Action.OPERATE)
def _switch(request: HttpRequest) -> HttpResponse:
    form = PolicyForm(request.POST)

    def act(got: dict[str, Any]) -> None:
        if got["policy"] == active_policy_name():
            raise ValueError(f"policy: {POLICIES[got['policy']].title} is active already")
        change = _change(request, got["policy"], got["reason"], got["seen"])
        messages.success(request, f"{POLICIES[change.new].title} is active now.")

    if call_service(form, act):
        return redirect("ops")
    return _page(request, form, status=UNPROCESSABLE)


@require_GET
@never_cache
@allowed(Action.OPERATE)
def preview(request: HttpRequest) -> HttpResponse:
    """What the policy in `?policy=` would do to the present queue."""
    name = request.GET.get("policy", "")
    if name not in POLICIES:
        return HttpResponseBadRequest("policy: no such policy")
    return render(request, "ops/_switch_preview.html", _preview(request, name))


@require_POST
@allowed(Action.OPERATE)
def undo(request: HttpRequest, change_id: int) -> HttpResponse:
    """Back to the policy before the newest change; nothing if another change came after it."""
    change = selectors.newest_switch()
    if change is None or change.id != change_id:
        messages.error(request, "The policy has changed since. Nothing was undone.")
        return redirect("ops")
    _change(request, change.old, f"Undo: {change.reason}"[:500])
    messages.success(request, f"Undone. {POLICIES[change.old].title} is active again.")
    return redirect("ops")


def _change(request: HttpRequest, policy: str, reason: str, seen: str = "") -> PolicyChange:
    assert isinstance(request.user, User)
    now = timezone.now()
    preview = preview_to_record(seen, policy, user_id=request.user.pk, now=now)
    return services.switch_policy(
        policy, actor=request.user, reason=reason, now=now, preview=preview
    )


def _preview(request: HttpRequest, name: str) -> dict[str, Any]:
    assert isinstance(request.user, User)
    now = timezone.now()
    found = preview_switch(name, now)
    return {
        "preview": found,
        "seen": sealed(found, user_id=request.user.pk, now=now),
        "preview_title": POLICIES[name].title,
        "preview_lines": [
            {
                "priority": line.priority,
                "waiting": line.waiting,
                "up": line.up,
                "down": line.down,
                "before": seconds_text(line.starts_before),
                "after": seconds_text(line.starts_after),
                "worse": (line.starts_after or 0) > (line.starts_before or 0),
            }
            for line in found.levels
        ],
        "asks": found.old != found.new and POLICIES[name].ignores_urgency,
    }


@require_GET
@never_cache
@allowed(Action.CONSOLE)
def state(request: HttpRequest) -> HttpResponse:
    return HttpResponse(render_live(timezone.now()))


@require_GET
@never_cache
@allowed(Action.CONSOLE)
def series(request: HttpRequest) -> HttpResponse:
    """The charts as numbers, for `?span=` and `?of=`."""
    now = timezone.now()
    found = _series(request, now)
    return JsonResponse(
        {
            "at": now.timestamp(),
            "words": found.words,
            "series": [one.to_dict() for one in found.series],
            "marks": [one.to_dict() for one in found.marks],
        }
    )


def _series(request: HttpRequest, now: datetime) -> ShownSeries:
    return shown_series(request.GET.get("span", ""), request.GET.get("of", ""), now)


def _page(request: HttpRequest, form: PolicyForm, status: int = 200) -> HttpResponse:
    policies = selectors.policies()
    chosen = str(form["policy"].value() or "")
    now = timezone.now()
    context = {
        **live_context(now),
        **(_preview(request, chosen) if form.is_bound and chosen in POLICIES else {}),
        "here": "ops",
        "form": form,
        "policies": policies,
        "active": next(line for line in policies if line.is_active),
        "switches": selectors.recent_switches(),
        "quality": switch_outcome.quality(),
        "eta": selectors.eta_record(now),
        "shown": _series(request, now),
        "spans": SPANS.values(),
        "zone": zone_name(),
        "may_operate": may(request.user, Action.OPERATE),
    }
    return render(request, "ops/ops.html", context, status=status)
