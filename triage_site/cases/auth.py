"""Who may sign in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.http import HttpRequest

from triage_site.cases.demo import password_of


class AccountBackend(ModelBackend):
    """Django's accounts, but for passwords that everybody knows, outside demo mode."""

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
