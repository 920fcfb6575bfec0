"""Each account of the API has a token."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer

from triage_site.cases.api_errors import ApiError
from triage_site.cases.models import ApiToken

USE_NOTED_EVERY = timedelta(minutes=1)  # so that a request seldom writes


class TokenAuth(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        tokens = ApiToken.objects.select_related("user").filter(digest=ApiToken.digest_of(token))
        row = tokens.first()
        now = timezone.now()
        if row is None or not row.user.is_active or not row.is_valid(now):
            return None
        if row.demo and not settings.TRIAGE_DEMO:
            raise ApiError(401, "authorization", "demo tokens are valid in demo mode only")
        if row.last_used_at is None or now - row.last_used_at > USE_NOTED_EVERY:
            ApiToken.objects.filter(id=row.id).update(last_used_at=now)
        request.user = row.user
        return row.user
