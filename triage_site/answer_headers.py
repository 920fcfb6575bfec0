"""What every answer carries, whoever makes it: Django, a stream, or the process itself.

The ASGI application passes all its answers through `completed`; `AnswerHeadersMiddleware` does
the same inside Django. What an answer already says stays, but for the rule that nothing except
static files is kept by browsers or proxies.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest, HttpResponse

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

NO_STORE: Final = "no-store, private"


class AnswerHeadersMiddleware:
    """The first middleware: errors of all others pass through it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        given = {name.lower(): value for name, value in response.items()}
        for name, value in lacking(
            given, request.path_info, response.status_code, is_secure=request.is_secure()
        ).items():
            response[name] = value
        return response


def completed(scope: Message, send: Send) -> Send:
    """Returns a `send` that adds what the answer to this request lacks."""

    async def send_all(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            given = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers
            }
            more = lacking(given, scope["path"], message["status"], is_secure=_is_secure(scope))
            names = {name.lower().encode() for name in more}
            kept = [(name, value) for name, value in headers if name.lower() not in names]
            added = [(name.lower().encode(), value.encode()) for name, value in more.items()]
            message = {**message, "headers": [*kept, *added]}
        await send(message)

    return send_all


def lacking(given: Mapping[str, str], path: str, status: int, *, is_secure: bool) -> dict[str, str]:
    """Returns headers to set. `given`: those of the answer, by names in small letters."""
    wanted = {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": settings.X_FRAME_OPTIONS,
        "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
        "Cross-Origin-Opener-Policy": settings.SECURE_CROSS_ORIGIN_OPENER_POLICY,
    }
    if is_secure and settings.SECURE_HSTS_SECONDS:
        subdomains = "; includeSubDomains" if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else ""
        wanted["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}{subdomains}"
    found = {name: value for name, value in wanted.items() if name.lower() not in given}
    if "content-security-policy" not in given:
        found["Content-Security-Policy"] = build_policy()
    is_static = path.startswith(settings.STATIC_URL) and status < 400
    if not is_static and "no-store" not in given.get("cache-control", ""):
        found["Cache-Control"] = NO_STORE
    return found


def _is_secure(scope: Message) -> bool:
    """As Django sees it: the proxy says so where the site is behind one."""
    if scope.get("scheme") == "https":
        return True
    proxy: tuple[str, str] | None = settings.SECURE_PROXY_SSL_HEADER
    if proxy is None:
        return False
    name, secure = proxy
    header = name.removeprefix("HTTP_").replace("_", "-").lower().encode()
    return any(key == header and value == secure.encode() for key, value in scope["headers"])
