"""`python manage.py run_comparisons`: the process that runs what `/ops/comparisons/` is asked."""

from __future__ import annotations

import os
import signal
from threading import Event as Flag
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from scheduling import connection
from scheduling.beats import Beat
from triage_site.ops.comparisons.worker import run_comparisons
from triage_site.readiness import Heartbeat

NICENESS = 15


class Command(BaseCommand):
    help = "Runs comparisons of policies in the background until it is stopped."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        os.nice(NICENESS)
        stop = Flag()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        heartbeat = Heartbeat(connection.client(), "compare", Beat(settings.BEATS_DIR, "compare"))
        heartbeat.start()
        try:
            run_comparisons(stop)
        finally:
            heartbeat.stop()
