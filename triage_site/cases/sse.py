"""Helpers of the live streams: the format of server-sent events, and database access."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.db import close_old_connections


def sse(event: str, data: str, event_id: str | None = None) -> bytes:
    """Encodes one server-sent event. Each line of `data` becomes a data line.

    Source: HTML Living Standard, section "Server-sent events".
    """
    lines = [f"event: {event}"]
    if event_id is not None:
        lines.append(f"id: {event_id}")
    normalized = data.replace("\r\n", "\n").replace("\r", "\n")
    lines += [f"data: {line}" for line in normalized.split("\n")]
    return ("\n".join(lines) + "\n\n").encode()


async def on_database(function: Callable[..., Any], *args: Any) -> Any:
    """Runs a function in a thread of the event loop's pool and closes its connection."""

    def call() -> Any:
        close_old_connections()
        try:
            return function(*args)
        finally:
            close_old_connections()

    return await sync_to_async(call, thread_sensitive=False)()
