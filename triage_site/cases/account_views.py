"""The account of the person who is signed in: password, second factor, sessions, API tokens."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Final

import qrcode
import qrcode.image.svg
from django import forms
from django.contrib import messages
from django.contrib.auth import authenticate, logout, update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User
from django.core.validators import MaxValueValidator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_otp import login as give_factor
from django_otp import match_token

from triage_site.cases import account_notices, accounts, api_tokens, first_passwords
from triage_site.cases import second_factor as factor
from triage_site.cases.access import signed_in
from triage_site.cases.account_models import SCOPE_CHOICES
from triage_site.cases.account_notices import NUM_SHOWN_AGAIN, What, note, tell
from triage_site.cases.api_tokens import revoke_tokens, why_refused
from triage_site.cases.demo import password_of
from triage_site.cases.first_passwords import must_change
from triage_site.cases.models import AccountNotice, ApiToken, AuthenticatorApp
from triage_site.cases.roles import Scope

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


# A stranger could otherwise take the account along into a real site, with a password of their own.
_DEMO = "This password is public: the account is for demonstrations. An operator can change it"


class NewPasswordForm(PasswordChangeForm):
    """The present password is asked for like at a sign-in, so that wrong ones are counted."""

    def __init__(self, request: HttpRequest, user: User, data: Any = None) -> None:
        super().__init__(user, data)
        self._request = request

    def clean_old_password(self) -> str:
        given = str(self.cleaned_data["old_password"])
        if given == password_of(self.user.get_username()):
            raise forms.ValidationError(_DEMO, code="demo")
        if authenticate(self._request, username=self.user.get_username(), password=given) is None:
            wrong = self.error_messages["password_incorrect"]
            raise forms.ValidationError(wrong, code="password_incorrect")
        return given

    def clean_new_password1(self) -> str:
        given = str(self.cleaned_data["new_password1"])
        if given == self.data.get("old_password"):
            raise forms.ValidationError("Choose a password that you did not have", code="same")
        return given


class TokenForm(forms.Form):
    name = forms.CharField(max_length=60, error_messages={"required": "Say what it is for"})
    scope = forms.ChoiceField(
        choices=SCOPE_CHOICES,
        initial=Scope.READ.value,
        error_messages={"required": "Say what it may do", "invalid_choice": "Say what it may do"},
    )
    days = forms.IntegerField(min_value=1, error_messages={"invalid": "Enter a number of days"})

    def __init__(self, user: User, data: Any = None) -> None:
        super().__init__(data, initial={"days": api_tokens.first_days(user)})
        most = api_tokens.most_days(user)
        self.fields["days"].validators.append(
            MaxValueValidator(most, f"Tokens of your account end after {most} days at most")
        )

    def clean_scope(self) -> Scope:
        return Scope(self.cleaned_data["scope"])


@require_GET
@never_cache
@signed_in
def account(request: HttpRequest) -> HttpResponse:
    return _page(request)


def _page(
    request: HttpRequest, form: TokenForm | None = None, key: str = "", status: int = 200
) -> HttpResponse:
    user = _user(request)
    now = timezone.now()
    context = {
        "here": "account",
        "token_form": form or TokenForm(user),
        "scopes": SCOPE_CHOICES,
        "new_key": key,
        "has_factor": factor.has_device(user),
        "num_codes": factor.num_codes(user),
        "notices": AccountNotice.objects.filter(user=user)[:NUM_SHOWN_AGAIN],
        "must_have_factor": factor.is_required(user),
        "sessions": accounts.sessions_of(user, now, request.session.session_key),
        "tokens": [
            (token, why_refused(token, now))
            for token in ApiToken.objects.select_related("user")
            .filter(user=user)
            .order_by("-created_at")
        ],
    }
    return render(request, "account/account.html", context, status=status)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@signed_in
def password(request: HttpRequest) -> HttpResponse:
    """A new password ends all other sessions and all API tokens."""
    user = _user(request)
    form = NewPasswordForm(request, user, request.POST if request.method == "POST" else None)
    if not form.is_valid():
        context = {"form": form, "is_first": must_change(request), "next": _next(request)}
        status = UNPROCESSABLE if form.is_bound else 200
        return render(request, "account/password.html", context, status=status)
    is_first = must_change(request)
    _change(request, user, form)
    messages.success(request, "Your password is changed. Other sessions and API tokens have ended.")
    return redirect(_next(request) if is_first else "account")


@transaction.atomic
def _change(request: HttpRequest, user: User, form: NewPasswordForm) -> None:
    form.save()
    update_session_auth_hash(request, user)
    revoke_tokens(user)
    first_passwords.end(request, user)
    note(user, "password changed", actor=user)
    tell(user, What.PASSWORD, request=request)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@signed_in
def second_factor(request: HttpRequest) -> HttpResponse:
    """Asks for a code; a person without a device sets one up first."""
    user = _user(request)
    if factor.has_device(user):
        return _ask(request, user)
    return _set_up(request, user)


def _ask(request: HttpRequest, user: User) -> HttpResponse:
    form, device = _match(request, user)
    if device is None:
        return _code_page(request, form, ASKS["sign in"])
    give_factor(request, device)
    return redirect(_next(request))


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
            return _codes_page(request, codes, _next(request))
        form.add_error("code", "This code is wrong. Check the clock of the phone")
    return _code_page(request, form, ASKS["set up"], device)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@signed_in
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """New recovery codes, for a code of the app."""
    user = _user(request)
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
    user = _user(request)
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
        "next": _next(request),
        "picture": mark_safe(_picture(device.config_url)) if device else "",
        "secret": " ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
    }
    status = UNPROCESSABLE if form.errors else 200
    return render(request, "account/second_factor.html", context, status=status)


def _picture(url: str) -> str:
    out = io.BytesIO()
    qrcode.make(url, image_factory=qrcode.image.svg.SvgPathImage, box_size=16).save(out)
    return out.getvalue().decode().partition("?>")[2]


def _next(request: HttpRequest) -> str:
    """Returns the address that the person wanted; the board for an address elsewhere."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_here = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()})
    return wanted if is_here else "/"


@require_POST
@signed_in
def acknowledge(request: HttpRequest) -> HttpResponse:
    """The person says that changes were theirs, or has seen what was told of others."""
    user = _user(request)
    ids = [int(one) for one in request.POST.getlist("notice") if _is_id(one)]
    if num := account_notices.acknowledge(request, user, ids, timezone.now()):
        note(user, "notices acknowledged", actor=user, num=num)
    return redirect(_next(request))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@signed_in
def not_me(request: HttpRequest) -> HttpResponse:
    """The person says that a change was not theirs. It locks the account at once."""
    if request.method != "POST":
        return render(request, "account/not_me.html")
    accounts.lock_as_stolen(_user(request), request)
    logout(request)
    return render(request, "account/locked.html")


@require_POST
@signed_in
def end_session(request: HttpRequest) -> HttpResponse:
    ended = accounts.end_session(
        _user(request), request.POST.get("session", ""), now=timezone.now()
    )
    messages.success(request, "The session has ended." if ended else "It had ended already.")
    return redirect("account")


@require_POST
@never_cache
@signed_in
def make_token(request: HttpRequest) -> HttpResponse:
    user = _user(request)
    form = TokenForm(user, request.POST)
    if not form.is_valid():
        return _page(request, form, status=UNPROCESSABLE)
    key = api_tokens.make_token(
        user,
        **form.cleaned_data,
        now=timezone.now(),
        actor=user,
        has_given_factor=user.is_verified(),  # type: ignore[attr-defined]
    )
    tell(user, What.TOKEN, request=request, detail=form.cleaned_data["name"])
    return _page(request, key=key)


@require_POST
@signed_in
def revoke_token(request: HttpRequest) -> HttpResponse:
    user, given = _user(request), request.POST.get("token", "")
    ended = _is_id(given) and api_tokens.revoke_token(user, int(given), actor=user)
    messages.success(request, "The token has ended." if ended else "It had ended already.")
    return redirect("account")


def _is_id(given: str) -> bool:
    return given.isascii() and given.isdigit() and len(given) < 18


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
