"""The queue page of the console: the waiting cases in order, and the pause of admission."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from scheduling import queue_control, selectors
from scheduling.selectors import QueuePlace
from triage_site.cases.access import allowed, lists_cases
from triage_site.cases.departments import Sight, sight_of
from triage_site.cases.forms import call_service
from triage_site.cases.models import Case, CaseStatus
from triage_site.cases.place_words import moved_words, place_sentence
from triage_site.cases.queue_view import QueueView, place_text
from triage_site.cases.roles import Action, may
from triage_site.ops.forms import PauseForm

UNPROCESSABLE: Final = 422
NUM_SHOWN: Final = 200


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(Action.CONSOLE)
@lists_cases()
def queue(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, PauseForm())
    return _change(request)


@allowed(Action.OPERATE)
def _change(request: HttpRequest) -> HttpResponse:
    """Pauses or resumes."""
    form = PauseForm(request.POST)

    def act(got: dict[str, Any]) -> None:
        is_pause = got["action"] == "pause"
        change = queue_control.pause_admission if is_pause else queue_control.resume_admission
        change(actor=request.user, reason=got["reason"], now=timezone.now())  # type: ignore[arg-type]
        messages.success(request, "Guidance is paused." if is_pause else "Guidance continues.")

    if call_service(form, act):
        return redirect("ops_queue")
    return _page(request, form, status=UNPROCESSABLE)


@require_GET
@never_cache
@allowed(Action.CONSOLE)
@lists_cases(repeats="ops_queue")
def queue_state(request: HttpRequest) -> HttpResponse:
    return render(request, "ops/_queue.html", _state(sight_of(request.user)))


def _page(request: HttpRequest, form: PauseForm, status: int = 200) -> HttpResponse:
    context = {
        **_state(sight_of(request.user)),
        "form": form,
        "here": "ops",
        "may_operate": may(request.user, Action.OPERATE),
    }
    return render(request, "ops/queue.html", context, status=status)


def _state(sight: Sight) -> dict[str, Any]:
    """The numbers are those of the one queue; cases are listed of the departments in sight."""
    view = QueueView.read(timezone.now())
    of_request = {request.id: case_id for case_id, request in view.requests.items()}
    waiting = [of_request[one.id] for one in view.order]
    seen = _in_sight(waiting, sight)
    cases = Case.objects.in_bulk(seen[:NUM_SHOWN], field_name="id")
    by_id = {str(case_id): case for case_id, case in cases.items()}
    return {
        "pause": selectors.pause(),
        "policy_title": view.policy.title,
        "num_waiting": len(view.order),
        "num_running": len(view.running),
        "num_hidden": max(0, len(seen) - NUM_SHOWN),
        "num_elsewhere": len(waiting) - len(seen),
        "lines": [
            _line(by_id[case_id], view.places[case_id], is_paused=view.is_paused)
            for case_id in seen[:NUM_SHOWN]
            if case_id in by_id and case_id in view.places
        ],
    }


def _in_sight(waiting: list[str], sight: Sight) -> list[str]:
    if sight.departments is None:
        return waiting
    queued = sight.of(Case.objects.filter(status=CaseStatus.QUEUED))
    seen = set(map(str, queued.values_list("id", flat=True)))
    return [case_id for case_id in waiting if case_id in seen]


def _line(case: Case, place: QueuePlace, *, is_paused: bool) -> dict[str, Any]:
    return {
        "number": place.position + 1,
        "case": case,
        "sentence": place_sentence(place.position, place.ahead),
        "starts": place_text(place, is_paused=is_paused).partition(", ")[2],
        "moved": moved_words(place),
    }
