"""Two small tools of the live pages: the wire format, and short visits to the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.db import close_old_connections


def sse(event: str, data: str, event_id: str | None = None) -> bytes:
    """One server-sent event; line breaks in `data` become several data lines."""
    lines = [f"event: {event}"]
    if event_id is not None:
        lines.append(f"id: {event_id}")
    plain = data.replace("\r\n", "\n").replace("\r", "\n")
    lines += [f"data: {line}" for line in plain.split("\n")]
    return ("\n".join(lines) + "\n\n").encode()


async def on_database(function: Callable[..., Any], *args: Any) -> Any:
    """Runs in the thread that Django's synchronous code shares, and keeps no connection."""

    def call() -> Any:
        close_old_connections()
        try:
            return function(*args)
        finally:
            close_old_connections()

    return await sync_to_async(call, thread_sensitive=True)()
