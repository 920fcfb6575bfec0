"""Calls of stores that may be away, slow or wrong: what came of each, and when to ask again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, ParamSpec, TypeVar

import redis
import structlog
from django.db import DatabaseError, DataError, IntegrityError

from llm_worker.worker.claims import Outcome
from scheduling.guarded_redis import trouble_of

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

# The calls of `Stores` that go to SQL; all others go to Redis.
SQL_CALLS: Final = frozenset(
    {"policy", "paused", "rows", "start", "mark", "store", "give_back", "recycle"}
)
SLOW_SECONDS: Final = 0.4  # a store that fails after so long is silent: ask it nothing else now

_NEVER: Final = (DataError, IntegrityError, ValueError, TypeError)


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    outcome: Outcome
    value: T | None = None


class Outages:
    """Asks stores, and spares those that do not answer.

    A call that failed is not tried again for `retry_seconds`; where it took long to fail, no
    other call to that store is either, so that the loop does not wait for each of them. An
    outage is logged when it begins and when it is over; one of Redis by its breaker.
    """

    def __init__(self, clock: Callable[[], float], retry_seconds: float) -> None:
        self._clock, self._retry_seconds = clock, retry_seconds
        self._not_before: dict[str, float] = {}  # by call, or by store
        self._failing: dict[str, set[str]] = {"redis": set(), "sql": set()}
        self._logged: set[str] = set()  # stores whose outage this object has logged
        self.ok_at = {"redis": float("-inf"), "sql": float("-inf")}

    def ask(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Answer[T]:
        """What `call` gave, or why it gave nothing. The name of the call says which store it is."""
        name = call.__name__
        store = "sql" if name in SQL_CALLS else "redis"
        asked_at = self._clock()
        if max(self._not_before.get(key, asked_at) for key in (name, store)) > asked_at:
            return Answer(Outcome.AWAY)
        try:
            value = call(*args, **kwargs)
        except (redis.RedisError, DatabaseError, OSError, LookupError) as error:
            if isinstance(error, _NEVER):
                return self._broken(name, error)
            return self._away(name, store, asked_at, error)
        except Exception as error:
            return self._broken(name, error)
        self._worked(name, store)
        return Answer(Outcome.OK, value)

    def is_failing(self, store: str) -> bool:
        """Whether a call to this store failed and has not succeeded since."""
        return bool(self._failing[store])

    def _away(self, name: str, store: str, asked_at: float, error: Exception) -> Answer[T]:
        now = self._clock()
        self._not_before[name] = now + self._retry_seconds
        if now - asked_at >= SLOW_SECONDS:
            self._not_before[store] = now + self._retry_seconds
        if not self._failing[store] and not trouble_of(error):
            self._logged.add(store)
            log.warning("store_unreachable", store=store, call=name, error=type(error).__name__)
        self._failing[store].add(name)
        return Answer(Outcome.AWAY)

    def _broken(self, name: str, error: Exception) -> Answer[T]:
        # The type alone: the message of a database quotes what it would not take.
        log.error("store_refuses", call=name, error=type(error).__name__)
        return Answer(Outcome.BROKEN)

    def _worked(self, name: str, store: str) -> None:
        self.ok_at[store] = self._clock()
        self._not_before.pop(name, None)
        if name in self._failing[store]:
            self._failing[store].discard(name)
            if not self._failing[store] and store in self._logged:
                self._logged.discard(store)
                log.info("store_reachable", store=store)
