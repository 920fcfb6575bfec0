"""The account of the person who is signed in: password, sessions, API tokens, notices."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import authenticate, logout, update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User
from django.core.validators import MaxValueValidator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from triage_site.cases import account_notices, accounts, api_tokens, first_passwords
from triage_site.cases import second_factor as factor
from triage_site.cases.access import signed_in
from triage_site.cases.account_models import SCOPE_CHOICES
from triage_site.cases.account_notices import NUM_SHOWN_AGAIN, What, note, tell
from triage_site.cases.api_tokens import revoke_tokens, why_refused
from triage_site.cases.demo import password_of
from triage_site.cases.first_passwords import must_change
from triage_site.cases.models import AccountNotice, ApiToken
from triage_site.cases.roles import Scope
from triage_site.cases.second_factor_views import UNPROCESSABLE, next_of, person_of

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
    user = person_of(request)
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
    user = person_of(request)
    form = NewPasswordForm(request, user, request.POST if request.method == "POST" else None)
    if not form.is_valid():
        context = {"form": form, "is_first": must_change(request), "next": next_of(request)}
        status = UNPROCESSABLE if form.is_bound else 200
        return render(request, "account/password.html", context, status=status)
    is_first = must_change(request)
    _change(request, user, form)
    messages.success(request, "Your password is changed. Other sessions and API tokens have ended.")
    return redirect(next_of(request) if is_first else "account")


@transaction.atomic
def _change(request: HttpRequest, user: User, form: NewPasswordForm) -> None:
    form.save()
    update_session_auth_hash(request, user)
    revoke_tokens(user)
    first_passwords.end(request, user)
    note(user, "password changed", actor=user)
    tell(user, What.PASSWORD, request=request)


@require_POST
@signed_in
def acknowledge(request: HttpRequest) -> HttpResponse:
    """The person says that changes were theirs, or has seen what was told of others."""
    user = person_of(request)
    ids = [int(one) for one in request.POST.getlist("notice") if _is_id(one)]
    if num := account_notices.acknowledge(request, user, ids, timezone.now()):
        note(user, "notices acknowledged", actor=user, num=num)
    return redirect(next_of(request))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@signed_in
def not_me(request: HttpRequest) -> HttpResponse:
    """The person says that a change was not theirs. It locks the account at once."""
    if request.method != "POST":
        return render(request, "account/not_me.html")
    accounts.lock_as_stolen(person_of(request), request)
    logout(request)
    return render(request, "account/locked.html")


@require_POST
@signed_in
def end_session(request: HttpRequest) -> HttpResponse:
    ended = accounts.end_session(
        person_of(request), request.POST.get("session", ""), now=timezone.now()
    )
    messages.success(request, "The session has ended." if ended else "It had ended already.")
    return redirect("account")


@require_POST
@never_cache
@signed_in
def make_token(request: HttpRequest) -> HttpResponse:
    user = person_of(request)
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
    user, given = person_of(request), request.POST.get("token", "")
    ended = _is_id(given) and api_tokens.revoke_token(user, int(given), actor=user)
    messages.success(request, "The token has ended." if ended else "It had ended already.")
    return redirect("account")


def _is_id(given: str) -> bool:
    return given.isascii() and given.isdigit() and len(given) < 18
