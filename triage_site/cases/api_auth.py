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

JSON, FILES, UPLOADS = "application/json", "multipart/form-data", "/uploads"
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
        check_content_type(request)
        return row.user


def check_content_type(request: HttpRequest) -> None:
    """Raises ApiError (415) for a body that is not said to be what the address takes."""
    if request.method in ("GET", "HEAD", "DELETE") or not _has_body(request):
        return
    wanted = FILES if request.path_info.endswith(UPLOADS) else JSON
    if request.content_type != wanted:
        raise ApiError(415, "Content-Type", f"must be {wanted}")


def _has_body(request: HttpRequest) -> bool:
    length = request.headers.get("Content-Length", "")
    return length not in ("", "0") or "Transfer-Encoding" in request.headers
