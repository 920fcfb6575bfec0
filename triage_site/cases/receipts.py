"""Receipts of submitted forms in a cookie: a page shows no draft again that was sent."""

from __future__ import annotations

import re
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

RECEIPT_COOKIE: Final = "received"
MAX_RECEIPTS: Final = 8  # number of forms in which a user can type at the same time
_KEY: Final = re.compile(r"[\w-]{1,80}", re.ASCII)


def with_receipt(request: HttpRequest, response: HttpResponse, key: str) -> HttpResponse:
    """Adds the key of a submission to the cookie; static/js/draft.js then deletes its draft.

    A key that no form of this site has is not stored.
    """
    if not _KEY.fullmatch(key):
        return response
    earlier = request.COOKIES.get(RECEIPT_COOKIE, "").split(".")
    keys = [key, *(one for one in earlier if one and one != key)]
    response.set_cookie(
        RECEIPT_COOKIE,
        ".".join(keys[:MAX_RECEIPTS]),
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response
