"""The authentication backend of the site."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.http import HttpRequest

from triage_site.cases.demo import password_of


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
