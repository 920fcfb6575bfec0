"""`python manage.py run_console`: forecasts of the queue, and replays."""

from __future__ import annotations

import signal
from threading import Event as Flag
from threading import Thread
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from scheduling import connection
from scheduling.beats import Beat
from scheduling.forecasting import run_forecasts
from triage_site.cases.replay_runner import run_replays
from triage_site.readiness import Heartbeat


class Command(BaseCommand):
    help = "Forecasts when each waiting case starts and ends, and sends the calls of replays."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        stop = Flag()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        heartbeat = Heartbeat(connection.client(), "console", Beat(settings.BEATS_DIR, "console"))
        heartbeat.start()
        Thread(target=run_replays, args=(stop,), name="replays", daemon=True).start()
        try:
            run_forecasts(stop)
        finally:
            heartbeat.stop()
