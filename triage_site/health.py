"""`/healthz/`: reports whether database and Redis answer and how many workers serve.

It is the first middleware, not a view: a probe sends no valid host name, has no session and
must not be redirected.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import redis
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from scheduling.connection import client
from triage_site.readiness import WORKERS, serving

PATH = "/healthz/"


class HealthMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return health() if request.path_info == PATH else self.get_response(request)


def health() -> JsonResponse:
    """Returns 200 when database and Redis answer, else 503. Workers do not change the status."""
    database, workers = _database_answers(), _num_workers()
    ok = database and workers is not None
    answer = {"ok": ok, "database": database, "redis": workers is not None, "workers": workers}
    return JsonResponse(answer, status=200 if ok else 503)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _num_workers() -> dict[str, int] | None:
    """Returns the number of serving workers by name; None when Redis does not answer."""
    try:
        return {name: len(serving(client(), name, time.time())) for name in WORKERS}
    except redis.RedisError:
        return None
