"""Each account of the API has a token."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja.security import HttpBearer

from triage_site.cases.api_errors import ApiError
from triage_site.cases.models import ApiToken


class TokenAuth(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        tokens = ApiToken.objects.select_related("user").filter(digest=ApiToken.digest_of(token))
        row = tokens.first()
        if row is None or not row.user.is_active:
            return None
        if row.demo and not settings.TRIAGE_DEMO:
            raise ApiError(401, "authorization", "demo tokens are valid in demo mode only")
        request.user = row.user
        return row.user
