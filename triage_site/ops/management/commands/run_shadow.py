"""`python manage.py run_shadow`: the shadow classifier. The classify worker starts it."""

from __future__ import annotations

import os
import signal
from threading import Event as Flag
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from triage_site.ops.monitoring.shadow import Shadow
from triage_site.processes import die_with_parent

NICENESS = 10


class Command(BaseCommand):
    help = "Runs the shadow classifier of TRIAGE_SHADOW_CLASSIFIER."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.TRIAGE_SHADOW_CLASSIFIER:
            raise CommandError("TRIAGE_SHADOW_CLASSIFIER: must name the folder of a classifier")
        die_with_parent(signal.SIGTERM)
        os.nice(NICENESS)
        stop = Flag()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        Shadow(settings.TRIAGE_CLASSIFY_TIMEOUT_SECONDS).run(stop)
