"""The operations page: active policy, its changes, queue and workers."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from scheduling import services
from scheduling.core.policies import POLICIES
from triage_site.cases.access import allowed
from triage_site.cases.forms import call_service
from triage_site.cases.roles import Action
from triage_site.cases.standing import wait_lines
from triage_site.ops import selectors
from triage_site.ops.forms import PolicyForm

UNPROCESSABLE = 422


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(Action.OPERATE)
def ops(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, PolicyForm())
    form = PolicyForm(request.POST)

    def act(got: dict[str, Any]) -> None:
        change = services.switch_policy(
            got["policy"],
            actor=request.user,  # type: ignore[arg-type]
            reason=got["reason"],
            now=timezone.now(),
        )
        messages.success(request, f"{POLICIES[change.new].title} is active now.")

    if call_service(form, act):
        return redirect("ops")
    return _page(request, form, status=UNPROCESSABLE)


@require_GET
@never_cache
@allowed(Action.OPERATE)
def state(request: HttpRequest) -> HttpResponse:
    return render(request, "ops/_state.html", _state())


def _state() -> dict[str, Any]:
    lines = selectors.levels()
    return {
        "waits": wait_lines(timezone.now()),
        "workers": selectors.workers(timezone.now()),
        "worker_problems": selectors.problems_of_workers(),
        "levels": lines,
        "num_waiting": sum(line.waiting for line in lines),
        "num_running": sum(line.running for line in lines),
    }


def _page(request: HttpRequest, form: PolicyForm, status: int = 200) -> HttpResponse:
    policies = selectors.policies()
    context = {
        **_state(),
        "here": "ops",
        "form": form,
        "policies": policies,
        "active": next(line for line in policies if line.is_active),
        "switches": selectors.recent_switches(),
    }
    return render(request, "ops/ops.html", context, status=status)
