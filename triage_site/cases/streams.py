"""Live streams: server-sent events for the board and the case pages.

This is an ASGI application beside Django. The access of a client is checked in a thread that
closes its database connection afterwards. From then on a client needs one bounded queue. The
board is rendered once per change for all clients, the panel of a case once for its watchers.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from http.cookies import SimpleCookie
from importlib import import_module
from typing import Any, Final

import structlog
from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from triage_site.cases.hub import BOARD, Hub
from triage_site.cases.live_pages import PAGES
from triage_site.cases.models import Case
from triage_site.cases.roles import Action, may
from triage_site.cases.sse import on_database, sse
from triage_site.cases.watchers import Watcher

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

log = structlog.get_logger(__name__)

PREFIX: Final = "/live/"
PING_SECONDS: Final = 15.0
RECHECK_SECONDS: Final = 30.0

_HEADERS: Final = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]


async def serve_stream(scope: Scope, receive: Receive, send: Send, hub: Hub) -> None:
    """Serves `/live/board/`, `/live/cases/<uuid>/` and registered pages; else 401, 403 or 404."""
    target = _target(scope["path"])
    if target is None:
        await _refuse(send, 404, "This stream does not exist.")
        return
    status = await on_database(_check, scope, target)
    if status != 200:
        await _refuse(send, status, _REFUSALS[status])
        return
    watcher = await hub.watch(target, last_event_id=_header(scope, b"last-event-id"))
    try:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await _send_events(scope, receive, send, watcher, target)
    finally:
        hub.unwatch(watcher)


_REFUSALS: Final = {
    401: "Please sign in again.",
    403: "This account may not view this page.",
    404: "This case does not exist.",
}


async def _send_events(
    scope: Scope, receive: Receive, send: Send, watcher: Watcher, target: str | uuid.UUID
) -> None:
    disconnected = asyncio.ensure_future(_wait_for_disconnect(receive))
    try:
        async for chunk in _chunks(scope, watcher, target, disconnected):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    except OSError:
        pass  # the browser disconnected during the send
    finally:
        disconnected.cancel()


async def _chunks(
    scope: Scope, watcher: Watcher, target: str | uuid.UUID, disconnected: asyncio.Future[None]
) -> AsyncIterator[bytes]:
    """Yields events, or a comment line after `PING_SECONDS` without one. Ends with the access."""
    yield b"retry: 2000\n\n"
    loop = asyncio.get_running_loop()
    recheck_at = loop.time() + RECHECK_SECONDS
    while not disconnected.done() and not watcher.closed:
        chunk = await watcher.next(PING_SECONDS, disconnected)
        if loop.time() >= recheck_at:
            recheck_at = loop.time() + RECHECK_SECONDS
            if await on_database(_check, scope, target) != 200:
                yield sse("signed-out", "")
                return
        yield chunk or b": ping\n\n"


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse(send: Send, status: int, message: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": message.encode()})


def _target(path: str) -> str | uuid.UUID | None:
    parts = path.removeprefix(PREFIX).strip("/").split("/")
    if len(parts) == 1 and (parts[0] == BOARD or parts[0] in PAGES):
        return parts[0]
    if len(parts) == 2 and parts[0] == "cases":
        try:
            return uuid.UUID(parts[1])
        except ValueError:
            return None
    return None


def _check(scope: Scope, target: str | uuid.UUID) -> int:
    """Returns the HTTP status of the request by session, role and existence of the case."""
    cookies = SimpleCookie(_header(scope, b"cookie") or "")
    morsel = cookies.get(settings.SESSION_COOKIE_NAME)
    if morsel is None:
        return 401
    request = HttpRequest()
    store = import_module(settings.SESSION_ENGINE).SessionStore
    request.session = store(morsel.value)
    user = get_user(request)
    if not user.is_authenticated:
        return 401
    page = PAGES.get(target) if isinstance(target, str) else None
    if not may(user, Action.VIEW if page is None else page.action):
        return 403
    if isinstance(target, uuid.UUID) and not Case.objects.filter(id=target).exists():
        return 404
    return 200


def _header(scope: Scope, name: bytes) -> str | None:
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None
