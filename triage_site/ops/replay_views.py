"""Replays of fixtures against the live system: start, watch, stop, remove their cases."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from scheduling.append_only import NotTheOwner
from triage_site.cases import services
from triage_site.cases.access import allowed
from triage_site.cases.calls import fixture_names
from triage_site.cases.forms import call_service
from triage_site.cases.replay_models import Replay
from triage_site.cases.roles import Action, may
from triage_site.ops.replays import (
    find_replay,
    fixtures,
    real_cases_wait,
    render_replays,
    replays_context,
)

UNPROCESSABLE = 422


class ReplayForm(forms.Form):
    fixture = forms.ChoiceField(error_messages={"required": "Choose a fixture"})
    speed = forms.FloatField(
        initial=60,
        error_messages={"required": "Enter a speed", "invalid": "Enter a number, such as 60"},
    )
    confirmed = forms.BooleanField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["fixture"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(name, name) for name in fixture_names()]

    def clean(self) -> dict[str, Any]:
        if real_cases_wait() and not self.cleaned_data.get("confirmed"):
            self.add_error("confirmed", "Confirm that real cases may wait behind replayed ones")
        return self.cleaned_data


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(Action.CONSOLE)
def replays(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, ReplayForm())
    return _start(request)


@allowed(Action.OPERATE)
def _start(request: HttpRequest) -> HttpResponse:
    form = ReplayForm(request.POST)

    def act(got: dict[str, Any]) -> None:
        assert isinstance(request.user, User)
        services.start_replay(got["fixture"], got["speed"], actor=request.user, now=timezone.now())

    if call_service(form, act):
        return redirect("replays")
    return _page(request, form, status=UNPROCESSABLE)


@require_GET
@never_cache
@allowed(Action.CONSOLE)
def state(request: HttpRequest) -> HttpResponse:
    return HttpResponse(render_replays(timezone.now()))


@require_POST
@allowed(Action.OPERATE)
def stop(request: HttpRequest, replay_id: uuid.UUID) -> HttpResponse:
    assert isinstance(request.user, User)
    if services.stop_replay(replay_id, actor=request.user, now=timezone.now()):
        messages.success(request, "The replay was stopped. Its cases stay until you remove them.")
    else:
        messages.info(request, "The replay had ended already.")
    return redirect("replays")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(Action.OPERATE)
def remove(request: HttpRequest, replay_id: uuid.UUID) -> HttpResponse:
    """Asks first; a POST removes the cases of the replay."""
    found = _found(replay_id)
    if request.method != "POST":
        num = found.cases.count()
        context = {"here": "ops", "replay": found, "num_cases": num}
        return render(request, "ops/replays/remove.html", context)
    assert isinstance(request.user, User)
    try:
        num = services.remove_replay(replay_id, actor=request.user, now=timezone.now())
    except ValueError:
        messages.error(request, "Stop the replay first. Nothing was removed.")
    except NotTheOwner:
        messages.error(
            request,
            "The site itself may not remove records. Ask its operator for "
            f"`manage.py remove_replay {replay_id}`. Nothing was removed.",
        )
    else:
        messages.success(request, f"{num} replayed case{'' if num == 1 else 's'} removed.")
    return redirect("replays")


def _found(replay_id: uuid.UUID) -> Replay:
    found = find_replay(replay_id)
    if found is None:
        raise Http404("There is no such replay.")
    return found


def _page(request: HttpRequest, form: ReplayForm, status: int = 200) -> HttpResponse:
    context = {
        **replays_context(timezone.now()),
        "here": "ops",
        "form": form,
        "fixtures": fixtures(),
        "asks": real_cases_wait(),
        "may_operate": may(request.user, Action.OPERATE),
    }
    return render(request, "ops/replays/replays.html", context, status=status)
