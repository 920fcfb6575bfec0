"""Two addresses for monitors, as JSON.

`/healthz/`: the process is alive, answered without any store. 503 when the upkeep is stuck.
`/readyz/`: each part with its state and the age of its last success. 503 when database, Redis or
upkeep do not work; missing workers do not change the status, because cases are still received.

They are a middleware before all others, not views: a probe sends no valid host name, has no
session and must not be redirected. It reads the names of the parts and whether each works. Ages,
numbers of workers and the words of stores and of the model server are for who may read the
console: a request with a session or an API token goes through all other middleware to
`readiness`, and gets the answer of a probe where that does not let it pass.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import redis
from django.conf import settings
from django.db import DatabaseError
from django.db import connection as database
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from scheduling import connection
from scheduling.beats import HUNG_SECONDS
from scheduling.queue.events import worker_problems
from triage_site.cases import upkeep
from triage_site.cases.api_auth import TokenAuth
from triage_site.cases.api_errors import ApiError
from triage_site.cases.roles import Action, may
from triage_site.readiness import WORKERS, serving

ALIVE: Final = "/healthz/"
READY: Final = "/readyz/"

Part = dict[str, Any]
_database_success: dict[str, float] = {}


class HealthMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info == ALIVE:
            return _answer(alive(time.monotonic()))
        if request.path_info == READY and request.method in ("GET", "HEAD"):
            return self._readiness(request)
        return self.get_response(request)

    def _readiness(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES or "Authorization" in request.headers:
            response = self.get_response(request)
            if isinstance(response, JsonResponse):
                return response
        return _answer(without_details(ready(time.monotonic())))


@require_safe
def readiness(request: HttpRequest) -> HttpResponse:
    """The details, for who may read the console; see HealthMiddleware."""
    value = ready(time.monotonic())
    may_read = is_known(request) and may(request.user, Action.CONSOLE)
    return _answer(value if may_read else without_details(value))


def is_known(request: HttpRequest) -> bool:
    """Returns whether the request has a session or an API token, whose account it then has."""
    if request.user.is_authenticated:
        return True
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        return scheme.lower() == "bearer" and TokenAuth().authenticate(request, token) is not None
    except ApiError:
        return False


def without_details(value: Part) -> Part:
    """Returns what everybody may know of `ready`."""
    return {
        "ok": value["ok"],
        "parts": {name: {"ok": bool(part["ok"])} for name, part in value["parts"].items()},
    }


def alive(now: float) -> Part:
    """Returns whether the upkeep of this process makes progress, at `now` (monotonic seconds)."""
    age = _youngest(now)
    return {"ok": age is None or age < HUNG_SECONDS, "upkeep_seconds": age}


def ready(now: float) -> Part:
    """Returns the state of each part and seconds since its last success; None for never."""
    parts: dict[str, Part] = {"database": _database(now), "redis": _redis(now)}
    for name, age in upkeep.ages(now).items():
        parts[f"upkeep: {name}"] = {"ok": age is not None, "seconds": _rounded(age)}
    workers = _num_workers()
    for name in WORKERS:
        parts[name] = {"ok": bool(workers.get(name)), "workers": workers.get(name, 0)}
    parts["gpu"]["problem"] = problem = _engine_problem()
    parts["gpu"]["ok"] = parts["gpu"]["ok"] and not problem
    ok = parts["database"]["ok"] and parts["redis"]["ok"] and alive(now)["ok"]
    return {"ok": ok, "parts": parts}


def _answer(value: Part) -> JsonResponse:
    return JsonResponse(value, status=200 if value["ok"] else 503)


def _youngest(now: float) -> float | None:
    """Returns seconds since the upkeep last did anything; None before its start."""
    ages = [age for age in upkeep.ages(now).values() if age is not None]
    return _rounded(min(ages)) if ages else None


def _database(now: float) -> Part:
    try:
        with database.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return _part(now, _database_success.get("at"), type(error).__name__)
    _database_success["at"] = now
    return _part(now, now, "")


def _redis(now: float) -> Part:
    trouble = connection.trouble()
    if not trouble:
        try:
            connection.client().ping()
        except redis.RedisError:
            trouble = connection.trouble() or "Redis does not answer."
    return _part(now, connection.guard().breaker.last_success, trouble)


def _part(now: float, success: float | None, trouble: str) -> Part:
    age = None if success is None else max(0.0, now - success)
    return {"ok": not trouble, "seconds": _rounded(age), "trouble": trouble}


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def _engine_problem() -> str:
    """Returns the sentence of a GPU worker whose engine cannot work; empty without one."""
    try:
        return next(iter(worker_problems(connection.client()).values()), "")
    except redis.RedisError:
        return ""


def _num_workers() -> dict[str, int]:
    """Returns the number of serving workers by name; empty while Redis does not answer."""
    try:
        now = time.time()
        return {name: len(serving(connection.client(), name, now)) for name in WORKERS}
    except redis.RedisError:
        return {}
