"""Live streams: server-sent events for the board, the case pages and registered pages.

This is an ASGI application beside Django. Django admits each stream (live_views.py), so that
hosts, HTTPS, methods, headers, rights and the audit are those of any page. From then on a client
needs one bounded queue. The board is rendered once per change for all clients with an equal
sight (departments.py), the panel of a case once for its watchers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, Final

from triage_site.cases.hub import Hub
from triage_site.cases.live_views import ADMITTED
from triage_site.cases.sse import sse
from triage_site.cases.stream_access import Access
from triage_site.cases.watchers import Watcher

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

PREFIX: Final = "/live/"
PING_SECONDS: Final = 15.0

_HEADERS: Final = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
]
_REPLACED: Final = frozenset({b"content-length", *(name for name, _ in _HEADERS)})


async def serve_stream(
    scope: Scope, receive: Receive, send: Send, hub: Hub, django: Application
) -> None:
    """Serves `/live/board/`, `/live/cases/<uuid>/` and registered pages, where Django admits."""
    answer = await _answer_of(django, scope)
    access: Access | None = scope.get(ADMITTED)
    if answer[0]["status"] != 200 or access is None:
        for message in answer:
            await send(message)
        return
    watcher = await hub.watch(access, last_event_id=_header(scope, b"last-event-id"))
    kept = [(name, value) for name, value in answer[0]["headers"] if name.lower() not in _REPLACED]
    try:
        await send({**answer[0], "headers": [*kept, *_HEADERS]})
        await _send_events(receive, send, watcher)
    finally:
        hub.unwatch(watcher)


async def _answer_of(django: Application, scope: Scope) -> list[Message]:
    """Returns Django's answer to the request, whose connection stays open meanwhile."""
    answer: list[Message] = []
    is_read = False

    async def receive() -> Message:
        nonlocal is_read
        if is_read:
            await asyncio.Future()  # until Django cancels it
        is_read = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def keep(message: Message) -> None:
        answer.append(message)

    await django(scope, receive, keep)
    return answer


async def _send_events(receive: Receive, send: Send, watcher: Watcher) -> None:
    disconnected = asyncio.ensure_future(_wait_for_disconnect(receive))
    try:
        async for chunk in _chunks(watcher, disconnected):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    except OSError:
        pass  # the browser disconnected during the send
    finally:
        disconnected.cancel()


async def _chunks(watcher: Watcher, disconnected: asyncio.Future[None]) -> AsyncIterator[bytes]:
    """Yields events, or a comment line after `PING_SECONDS` without one. Ends with the access."""
    yield b"retry: 2000\n\n"
    while not disconnected.done() and not watcher.closed:
        chunk = await watcher.next(PING_SECONDS, disconnected)
        if not watcher.is_refused:
            yield chunk or b": ping\n\n"
    if watcher.is_refused:
        yield sse("signed-out", "")


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _header(scope: Scope, name: bytes) -> str | None:
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None
