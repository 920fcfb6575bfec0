"""The wall display and its pass.

Somebody who may view cases opens the display once. The browser then gets a signed pass that opens
nothing but the display of that person's departments. So the display stays on when the session
ends, and does not keep the session alive: its updates carry the pass and no cookie. The pass ends
after a week without updates, with the right to view cases, and with a new password.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from triage_site.cases.departments import sight_of
from triage_site.cases.roles import Action, may
from triage_site.cases.wall import build_wall

COOKIE: Final = "wall"
HEADER: Final = "X-Wall"
PATH: Final = "/board/wall/"
PASS_TIME: Final = timedelta(days=7)
_SALT: Final = "triage_site.wall"


@require_GET
@never_cache
def wall(request: HttpRequest) -> HttpResponse:
    viewer = _viewer(request, request.COOKIES.get(COOKIE, ""))
    if viewer is None:
        return redirect_to_login(request.get_full_path())
    key = _pass_of(viewer)
    response = render(request, "cases/wall.html", {**_context(viewer), "pass": key})
    response.set_cookie(
        COOKIE,
        key,
        max_age=PASS_TIME,
        path=PATH,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


@require_GET
@never_cache
def wall_rows(request: HttpRequest) -> HttpResponse:
    """Returns the changing part of the display, and a pass that is valid for another week."""
    viewer = _viewer(request, request.headers.get(HEADER, ""))
    if viewer is None:
        return HttpResponse(
            "This wall display has ended.", status=403, content_type="text/plain; charset=utf-8"
        )
    response = render(request, "cases/_wall.html", _context(viewer))
    response[HEADER] = _pass_of(viewer)
    return response


@require_POST
def end_wall(request: HttpRequest) -> HttpResponse:
    response = redirect("board")
    response.delete_cookie(COOKIE, path=PATH)
    return response


def _context(viewer: User) -> Mapping[str, Any]:
    return {"wall": build_wall(timezone.now(), sight_of(viewer))}


def _viewer(request: HttpRequest, key: str) -> User | None:
    """Returns who signed in, else who opened this display; None without the right."""
    found = request.user if isinstance(request.user, User) else _holder(key)
    return found if found is not None and may(found, Action.VIEW) else None


def _holder(key: str) -> User | None:
    try:
        pk, secret = signing.loads(key, salt=_SALT, max_age=PASS_TIME)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    user = User.objects.filter(pk=pk).first()
    is_valid = user is not None and constant_time_compare(secret, _secret_of(user))
    return user if is_valid else None


def _pass_of(user: User) -> str:
    return signing.dumps([user.pk, _secret_of(user)], salt=_SALT)


def _secret_of(user: User) -> str:
    """Changes with the password of the account."""
    return user.get_session_auth_hash()
