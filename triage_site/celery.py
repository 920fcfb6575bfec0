"""The Celery application of every process that sends or runs tasks."""

from __future__ import annotations

import atexit
import os
import sys
import warnings
from threading import Event
from typing import Any

import redis
from celery import Celery
from celery.signals import setup_logging, worker_ready, worker_shutting_down
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from scheduling.beats import Beat
from scheduling.guarded_redis import NO_RETRY
from triage_site.readiness import Heartbeat

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "triage_site.settings")

# Celery warns about root because of pickle, but settings.py accepts JSON only.
warnings.filterwarnings("ignore", message="You're running the worker with superuser")

app = Celery("triage")
app.config_from_object("django.conf:settings", namespace="CELERY")
try:
    settings.TASK_PACKAGES  # noqa: B018  (reads the environment)
except ImproperlyConfigured as error:
    sys.exit(f"Wrong setting: {error}")
app.autodiscover_tasks(settings.TASK_PACKAGES)
app.steps["worker"].update(import_string(path) for path in settings.WORKER_STEPS)

_heartbeats: list[Heartbeat] = []
_is_stopping = Event()


@setup_logging.connect
def _keep_django_logging(**_: Any) -> None:
    """With this receiver, Celery leaves the logging of settings.py as it is."""


@worker_ready.connect
def _begin_heartbeat(sender: Any, **_: Any) -> None:
    name = str(sender.hostname).partition("@")[0]
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=5, retry=NO_RETRY
    )
    # The loop of the GPU worker shows its own signs of life.
    beat = None if name == "gpu" else Beat(settings.BEATS_DIR, name)
    _heartbeats.append(Heartbeat(client, name, beat))
    _heartbeats[-1].start()


@worker_shutting_down.connect
def _begin_shutdown(**_: Any) -> None:
    for heartbeat in _heartbeats:
        heartbeat.stop()
    _is_stopping.set()


def _skip_teardown() -> None:
    """Ends a stopped worker. The interpreter would take a second or two to free torch."""
    if _is_stopping.is_set():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


# Registered before all others, so it is the last to be called.
atexit.register(_skip_teardown)
