"""The web process: Django and the live streams."""

from __future__ import annotations

import os
from threading import Event as Flag
from threading import Thread
from typing import Any, cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "triage_site.settings")

from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from django.conf import settings

from triage_site.cases.hub import Hub
from triage_site.cases.streams import PREFIX, Receive, Scope, Send, serve_stream
from triage_site.cases.upkeep import run_upkeep


class Application:
    """Routes `/live/` to the live streams and all else to Django; starts and stops upkeep."""

    def __init__(self) -> None:
        self._hub: Hub | None = None
        self._stop = Flag()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await serve_stream(scope, receive, send, self._running_hub())
        else:
            await cast(Any, django_application)(scope, receive, send)

    def _running_hub(self) -> Hub:
        if self._hub is None:
            self._hub = Hub(settings.REDIS_URL)
            self._hub.start()
        return self._hub

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self._stop.clear()
        upkeep = Thread(target=run_upkeep, args=(self._stop,), name="upkeep", daemon=True)
        upkeep.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._stop.set()
        if self._hub is not None:
            await self._hub.stop()
            self._hub = None
        await send({"type": "lifespan.shutdown.complete"})


application = Application()
