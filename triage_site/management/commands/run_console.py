"""`python manage.py run_console`: keeps the forecast of the queue up to date."""

from __future__ import annotations

import signal
from threading import Event as Flag
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from scheduling import connection
from scheduling.beats import Beat
from scheduling.forecasting import run_forecasts
from triage_site.readiness import Heartbeat


class Command(BaseCommand):
    help = "Forecasts when each waiting case starts and ends, until it is stopped."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        stop = Flag()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        heartbeat = Heartbeat(connection.client(), "console", Beat(settings.BEATS_DIR, "console"))
        heartbeat.start()
        try:
            run_forecasts(stop)
        finally:
            heartbeat.stop()
