"""Live pages: server-sent events from one Redis subscriber per process.

A raw ASGI application beside Django. A client is authenticated in a short thread, which
gives its database connection back; from then on the client costs one bounded queue. The
board is rendered once per change for everybody, each case's panel once for its watchers.
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

from triage_site.cases.hub import Hub, Watcher
from triage_site.cases.models import Case
from triage_site.cases.roles import Action, may
from triage_site.cases.sse import on_database, sse

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


async def live(scope: Scope, receive: Receive, send: Send, hub: Hub) -> None:
    """`/live/board/` and `/live/cases/<uuid>/`; 401, 403 or 404 in plain words otherwise."""
    target = _target(scope["path"])
    if target is None:
        await _refuse(send, 404, "There is no such stream.")
        return
    status = await on_database(_check, scope, target)
    if status != 200:
        await _refuse(send, status, _REFUSALS[status])
        return
    watcher = await hub.watch(target, last_event_id=_header(scope, b"last-event-id"))
    try:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await _pump(scope, receive, send, watcher, target)
    finally:
        hub.unwatch(watcher)


_REFUSALS: Final = {
    401: "Please sign in again.",
    403: "This account may not see cases.",
    404: "There is no such case.",
}


async def _pump(
    scope: Scope, receive: Receive, send: Send, watcher: Watcher, target: str | uuid.UUID
) -> None:
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        async for chunk in _chunks(scope, watcher, target, gone):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    except OSError:
        pass  # the browser went away in mid-send
    finally:
        gone.cancel()


async def _chunks(
    scope: Scope, watcher: Watcher, target: str | uuid.UUID, gone: asyncio.Future[None]
) -> AsyncIterator[bytes]:
    """Events as they come, a comment line when nothing does, the end when access ends."""
    yield b"retry: 2000\n\n"
    loop = asyncio.get_running_loop()
    recheck_at = loop.time() + RECHECK_SECONDS
    while not gone.done() and not watcher.closed:
        chunk = await watcher.next(PING_SECONDS, gone)
        if loop.time() >= recheck_at:
            recheck_at = loop.time() + RECHECK_SECONDS
            if await on_database(_check, scope, target) != 200:
                yield sse("signed-out", "")
                return
        yield chunk or b": still here\n\n"


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse(send: Send, status: int, words: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": words.encode()})


def _target(path: str) -> str | uuid.UUID | None:
    parts = path.removeprefix(PREFIX).strip("/").split("/")
    if parts == ["board"]:
        return "board"
    if len(parts) == 2 and parts[0] == "cases":
        try:
            return uuid.UUID(parts[1])
        except ValueError:
            return None
    return None


def _check(scope: Scope, target: str | uuid.UUID) -> int:
    """The status that this request deserves: session, role and object, at this moment."""
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
    if not may(user, Action.VIEW):
        return 403
    if target != "board" and not Case.objects.filter(id=target).exists():
        return 404
    return 200


def _header(scope: Scope, name: bytes) -> str | None:
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None
