"""How large a request may be, before Django sees it.

Django writes a body to disk before it looks at who sent it. So a stranger could fill the disk.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

MAX_BYTES: Final = 2_621_440  # Django's own limit for forms and JSON
MAX_UPLOAD_BYTES: Final = 33_000_000  # a file of 32 MB (ops/services.py), and the form around it
UPLOADS: Final = frozenset({"/ops/comparisons/", "/api/v1/uploads"})


def limit_of(path: str) -> int:
    return MAX_UPLOAD_BYTES if path in UPLOADS else MAX_BYTES


async def limited(application: Application, scope: Message, receive: Receive, send: Send) -> None:
    """Calls the application. A larger body is answered with 413 and is not read to its end."""
    limit = limit_of(scope["path"])
    if _declared(scope) > limit:
        await _refuse(scope["path"], send)
        return
    num_bytes, is_answered = 0, False

    async def counted() -> Message:
        nonlocal num_bytes
        message = await receive()
        num_bytes += len(message.get("body", b""))
        return message if num_bytes <= limit else {"type": "http.disconnect"}

    async def noted(message: Message) -> None:
        nonlocal is_answered
        is_answered = True
        await send(message)

    await application(scope, counted, noted)
    if num_bytes > limit and not is_answered:
        await _refuse(scope["path"], send)


def _declared(scope: Message) -> int:
    """Returns the length that the request names; 0 where it comes in chunks."""
    given = dict(scope["headers"]).get(b"content-length", b"")
    return int(given) if given.isdigit() else 0


async def _refuse(path: str, send: Send) -> None:
    words, kind = "This request is too large.", b"text/plain; charset=utf-8"
    if path.startswith("/api/"):
        kind = b"application/json"
        words = json.dumps({"errors": [{"field": "body", "reason": "is too large"}]})
    headers = [
        (b"content-type", kind),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": words.encode()})
