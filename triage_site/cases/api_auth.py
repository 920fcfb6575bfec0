"""Each account of the API has a token."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer

from triage_site.audit.sign_ins import address_of
from triage_site.cases.api_errors import ApiError
from triage_site.cases.api_tokens import Refusal, why_refused
from triage_site.cases.models import ApiToken
from triage_site.cases.refused_tokens import note_refusal

JSON, FILES, UPLOADS = "application/json", "multipart/form-data", "/uploads"
USE_NOTED_EVERY = timedelta(minutes=1)  # so that a request seldom writes
# What the owner of a token can do about a refusal. Of all others nothing is told.
_TOLD = {
    Refusal.DEMO: "demo tokens are valid in demo mode only",
    Refusal.FIRST_PASSWORD: "the account's first password must be changed at /account/password/",
    Refusal.NO_FACTOR: "this token was made without the second factor that the account must have; "
    "make another at /account/",
}


class TokenAuth(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """Raises ApiError for a token that was good elsewhere or before."""
        tokens = ApiToken.objects.select_related("user").filter(digest=ApiToken.digest_of(token))
        row = tokens.first()
        now = timezone.now()
        refusal = why_refused(row, now)
        if row is None or refusal is not None:
            refusal = refusal or Refusal.UNKNOWN
            note_refusal(refusal, address_of(request), row.user if row else None, now)
            if refusal in _TOLD:
                raise ApiError(401, "authorization", _TOLD[refusal])
            return None
        if row.last_used_at is None or now - row.last_used_at > USE_NOTED_EVERY:
            ApiToken.objects.filter(id=row.id).update(last_used_at=now)
        request.user = row.user
        request.token_scope = row.scope  # type: ignore[attr-defined]  # access.py asks for it
        check_content_type(request)
        return row.user


def check_content_type(request: HttpRequest) -> None:
    """Raises ApiError (415) for a body that is not said to be what the address takes."""
    if request.method in ("GET", "HEAD", "DELETE") or not _has_body(request):
        return
    wanted = FILES if request.path_info.endswith(UPLOADS) else JSON
    told = request.content_type or JSON  # many programs leave it out
    if told != wanted:
        raise ApiError(415, "Content-Type", f"must be {wanted}")


def _has_body(request: HttpRequest) -> bool:
    length = request.headers.get("Content-Length", "")
    return length not in ("", "0") or "Transfer-Encoding" in request.headers
