"""The web process: Django and the live streams."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from threading import Event as Flag
from threading import Thread
from typing import Any, cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "triage_site.settings")

from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured

try:
    django_application = get_asgi_application()
except ImproperlyConfigured as error:
    sys.exit(f"Wrong setting: {error}")

import structlog
from django.conf import settings
from django.db import connection
from django.urls import get_resolver

from scheduling.beats import Beat
from triage_site.answer_headers import completed
from triage_site.body_limit import limited
from triage_site.cases.hub import Hub
from triage_site.cases.streams import PREFIX, Receive, Scope, Send, serve_stream
from triage_site.cases.upkeep import run_upkeep
from triage_site.classifiers import active
from triage_site.health import ALIVE, alive

log = structlog.get_logger(__name__)

# Django loads views and API with the first page, which would wait a second for them.
get_resolver().url_patterns  # noqa: B018
# What is loaded stays for good. The garbage collector would go through it again and again, which
# took a quarter of the time of a preview of 10,000 cases.
gc.collect()
gc.freeze()


class Application:
    """Streams `/live/` where Django admits it, all else is Django's; starts and stops upkeep."""

    def __init__(self) -> None:
        self._hub: Hub | None = None
        self._stop = Flag()
        self._upkeep_beats = Flag()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await answered(self._answer_within_limit, scope, receive, completed(scope, send))
        else:
            await cast(Any, django_application)(scope, receive, send)

    async def _answer_within_limit(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == ALIVE:
            await _answer_alive(send)
        else:
            await limited(self._answer, scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        django = cast(Any, django_application)
        if scope["path"].startswith(PREFIX):
            await serve_stream(scope, receive, send, self._running_hub(), django)
        else:
            await django(scope, receive, send)

    def _running_hub(self) -> Hub:
        if self._hub is None:
            self._hub = Hub(settings.REDIS_URL)
            self._hub.start()
        return self._hub

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self._stop.clear()
        Thread(target=self._keep_up, name="upkeep", daemon=True).start()
        Thread(target=_warm_up, name="warm up classifier", daemon=True).start()
        beats = asyncio.create_task(self._beat())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._stop.set()
        beats.cancel()
        if self._hub is not None:
            await self._hub.stop()
            self._hub = None
        await send({"type": "lifespan.shutdown.complete"})

    def _keep_up(self) -> None:
        while not self._stop.is_set():
            try:
                run_upkeep(self._stop, self._upkeep_beats.set)
            except Exception as error:
                log.error("upkeep_ended", error=type(error).__name__)
            self._stop.wait(1.0)

    async def _beat(self) -> None:
        """Shows life as long as both the event loop and the upkeep make progress."""
        beat = Beat(settings.BEATS_DIR, "web")
        while True:
            if self._upkeep_beats.is_set():
                self._upkeep_beats.clear()
                beat.touch()
            await asyncio.sleep(1.0)


async def answered(application: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Calls the application. An error before the answer has begun is answered with 500."""
    has_begun = False

    async def noted(message: Any) -> None:
        nonlocal has_begun
        has_begun = True
        await send(message)

    try:
        await application(scope, receive, noted)
    except Exception as error:
        log.error("request_failed", error=type(error).__name__)
        if has_begun:
            raise
        headers = [(b"content-type", b"text/plain; charset=utf-8")]
        await send({"type": "http.response.start", "status": 500, "headers": headers})
        await send({"type": "http.response.body", "body": b"Something went wrong here."})


def _warm_up() -> None:
    """So that the first preview of a case does not wait for it."""
    active.warm_up()
    connection.close()


async def _answer_alive(send: Send) -> None:
    """Answers in the event loop, without a thread or a store."""
    value = alive(time.monotonic())
    headers = [(b"content-type", b"application/json")]
    status = 200 if value["ok"] else 503
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(value).encode()})


application = Application()
