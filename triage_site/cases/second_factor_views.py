"""The second factor of the person who is signed in: asked for, set up, removed, new codes."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Final

import qrcode
import qrcode.image.svg
from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from django_otp import login as give_factor
from django_otp import match_token

from triage_site.cases import second_factor as factor
from triage_site.cases.access import path_here, signed_in
from triage_site.cases.account_notices import What, note, tell
from triage_site.cases.api_tokens import revoke_tokens
from triage_site.cases.models import AuthenticatorApp

UNPROCESSABLE = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeAsk:
    """What a page says that asks for a code."""

    title: str
    hint: str = "Six digits of your authenticator app, or a recovery code."
    text: str = ""
    button: str = "Continue"


ASKS: Final = {
    "sign in": CodeAsk(title="Enter your code"),
    "set up": CodeAsk(
        title="Set up an authenticator app",
        hint="",
        text="Scan this picture with an authenticator app, or type the key into it. Then enter the "
        "code that it shows. API tokens of this account end.",
    ),
    "codes": CodeAsk(
        title="New recovery codes",
        text="The recovery codes that you have end. Enter a code to get ten new ones.",
        button="Make new codes",
    ),
    "remove": CodeAsk(
        title="Remove the authenticator app",
        text="Do this before you set up another phone. API tokens of this account end.",
        button="Remove the app",
    ),
}


class CodeForm(forms.Form):
    code = forms.CharField(max_length=16, error_messages={"required": "Enter the code"})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@signed_in
def second_factor(request: HttpRequest) -> HttpResponse:
    """Asks for a code; a person without a device sets one up first."""
    user = person_of(request)
    if factor.has_device(user):
        return _ask(request, user)
    return _set_up(request, user)


def _ask(request: HttpRequest, user: User) -> HttpResponse:
    form, device = _match(request, user)
    if device is None:
        return _code_page(request, form, ASKS["sign in"])
    give_factor(request, device)
    return redirect(next_of(request))


def _match(request: HttpRequest, user: User) -> tuple[CodeForm, Any]:
    """Returns the form, and the device whose code was typed; None for no or a wrong code."""
    form = CodeForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return form, None
    device = match_token(user, form.cleaned_data["code"].replace(" ", ""))
    if device is None:
        form.add_error("code", "This code is wrong or was used before")
        note(user, "wrong code", actor=user)
    return form, device


def _set_up(request: HttpRequest, user: User) -> HttpResponse:
    device = factor.new_device(user)
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        if device.verify_token(form.cleaned_data["code"].replace(" ", "")):
            codes = factor.confirm(device)
            give_factor(request, device)
            note(user, "second factor set up", actor=user)
            tell(user, What.FACTOR, request=request)
            return _codes_page(request, codes, next_of(request))
        form.add_error("code", "This code is wrong. Check the clock of the phone")
    return _code_page(request, form, ASKS["set up"], device)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@signed_in
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """New recovery codes, for a code of the app."""
    user = person_of(request)
    if not factor.has_device(user):
        return redirect("second_factor")
    form, device = _match(request, user)
    if device is None:
        return _code_page(request, form, ASKS["codes"])
    codes = factor.new_codes(user)
    note(user, "recovery codes made", actor=user)
    tell(user, What.CODES, request=request)
    return _codes_page(request, codes, reverse("account"))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@signed_in
def remove_factor(request: HttpRequest) -> HttpResponse:
    """Removes the app, for a code: for another phone, or where nobody requires one."""
    user = person_of(request)
    if not factor.has_device(user):
        return redirect("second_factor")
    form, device = _match(request, user)
    if device is None:
        return _code_page(request, form, ASKS["remove"])
    factor.reset(user)
    revoke_tokens(user)
    note(user, "second factor removed", actor=user)
    tell(user, What.NO_FACTOR, request=request)
    messages.success(request, "The authenticator app is removed. Your API tokens have ended.")
    return redirect("account")


def _codes_page(request: HttpRequest, codes: list[str], next_page: str) -> HttpResponse:
    context = {"codes": codes, "next": next_page}
    return render(request, "account/recovery_codes.html", context)


def _code_page(
    request: HttpRequest, form: CodeForm, ask: CodeAsk, device: AuthenticatorApp | None = None
) -> HttpResponse:
    secret = device.key_text if device else ""
    context: dict[str, Any] = {
        "form": form,
        "ask": ask,
        "next": next_of(request),
        "picture": mark_safe(_picture(device.config_url)) if device else "",
        "secret": " ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
    }
    status = UNPROCESSABLE if form.errors else 200
    return render(request, "account/second_factor.html", context, status=status)


def _picture(url: str) -> str:
    out = io.BytesIO()
    qrcode.make(url, image_factory=qrcode.image.svg.SvgPathImage, box_size=16).save(out)
    return out.getvalue().decode().partition("?>")[2]


def next_of(request: HttpRequest) -> str:
    """Returns the address that the person wanted; the board for an address elsewhere."""
    return path_here(request, request.POST.get("next") or request.GET.get("next")) or "/"


def person_of(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
