"""A large body ends before it is written anywhere."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.conf import settings

from triage_site import body_limit
from triage_site.body_limit import MAX_BYTES, MAX_UPLOAD_BYTES, Message, limited
from triage_site.ops.services import MAX_UPLOAD_BYTES as MAX_FILE_BYTES

CHUNK = b"x" * 1_000_000


def test_the_limits_are_those_of_the_site() -> None:
    assert MAX_BYTES == settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    assert MAX_UPLOAD_BYTES > MAX_FILE_BYTES


def send_body(path: str, num_chunks: int, declared: int | None = None) -> tuple[int, int]:
    """Returns the status of the answer, and how many bytes the application was given."""
    headers = [] if declared is None else [(b"content-length", str(declared).encode())]
    sent: list[Message] = []
    given: list[int] = []
    left = [CHUNK] * num_chunks

    async def receive() -> Message:
        body = left.pop()
        return {"type": "http.request", "body": body, "more_body": bool(left)}

    async def send(message: Message) -> None:
        sent.append(message)

    async def application(scope: Message, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            given.append(len(message["body"]))
            if not message["more_body"]:
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})

    asyncio.run(limited(application, {"path": path, "headers": headers}, receive, send))
    return sent[0]["status"], sum(given)


@pytest.mark.parametrize("path", ["/login/", "/api/v1/cases", "/live/board/", "/ops/comparisons"])
def test_a_body_without_an_end_is_cut(path: str) -> None:
    status, num_bytes = send_body(path, 500)
    assert status == 413
    assert num_bytes <= MAX_BYTES


def test_a_length_that_is_too_large_is_refused_at_once() -> None:
    assert send_body("/login/", 1, declared=MAX_BYTES + 1) == (413, 0)


def test_usual_bodies_and_uploads_pass() -> None:
    assert send_body("/login/", 2, declared=2_000_000) == (200, 2_000_000)
    for path in body_limit.UPLOADS:
        assert send_body(path, 32) == (200, 32_000_000)
        assert send_body(path, 200)[0] == 413
