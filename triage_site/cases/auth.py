"""The authentication backend of the site, and the form of the sign-in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone

from triage_site.cases.demo import password_of
from triage_site.cases.first_passwords import has_run_out


class AccountBackend(ModelBackend):
    """Django's accounts. Outside demo mode, the public demo passwords are refused."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        if not settings.TRIAGE_DEMO and username and password == password_of(username):
            return None
        return super().authenticate(request, username, password, **kwargs)


class SignInForm(AuthenticationForm):
    def confirm_login_allowed(self, user: User) -> None:
        super().confirm_login_allowed(user)
        if has_run_out(user, timezone.now()):
            raise forms.ValidationError(
                "This first password was not used in time. Ask who runs this site for another one",
                code="first_password",
            )
