"""The newest forecast of the queue, as all processes read it, in Redis: ids and numbers."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import redis

from scheduling import connection
from scheduling.queue.events import tokens_key
from scheduling.queue.semantic_queue import tagged
from scheduling.simulator.forecast import Estimate, Range

FRESH_SECONDS: Final = 6.0
_TTL_SECONDS: Final = 30
_KEY: Final = tagged("main", "forecast")


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastHits:
    """Of the last `num` forecasts of the end, the share whose range held what happened."""

    num: int
    share: float

    @property
    def percent(self) -> int:
        return round(100 * self.share)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredForecast:
    """`made_at` and `policy` say for what it holds; estimates by job id, seconds from then."""

    made_at: float
    policy: str
    estimates: Mapping[str, Estimate]
    hits: ForecastHits | None = None


def write_forecast(forecast: StoredForecast) -> None:
    """Raises redis.RedisError."""
    numbers = {name: _numbers(estimate) for name, estimate in forecast.estimates.items()}
    content: dict[str, Any] = {"at": forecast.made_at, "policy": forecast.policy, "jobs": numbers}
    if forecast.hits is not None:
        content["hits"] = [forecast.hits.num, forecast.hits.share]
    text = json.dumps(content, separators=(",", ":"))
    connection.client().set(_KEY, text, ex=_TTL_SECONDS)


def read_forecast(
    now: float, policy: str, only: Container[str] | None = None
) -> StoredForecast | None:
    """None where there is none for this policy, none that is fresh, or where Redis is away.

    `only`: the jobs whose estimates are wanted, of perhaps thousands.
    """
    try:
        text = cast(str | None, connection.client().get(_KEY))
    except (redis.RedisError, OSError):
        return None
    content: dict[str, Any] = json.loads(text) if text else {}
    if content.get("policy") != policy or not 0 <= now - content["at"] + 1 <= FRESH_SECONDS + 1:
        return None
    return StoredForecast(
        made_at=content["at"],
        policy=policy,
        estimates={
            name: _estimate(numbers)
            for name, numbers in content["jobs"].items()
            if only is None or name in only
        },
        hits=_hits(content.get("hits")),
    )


def num_tokens_of(job_ids: list[str]) -> dict[str, int]:
    """Tokens written so far of running jobs, by the last entry of each token stream."""
    if not job_ids:
        return {}
    with connection.client().pipeline(transaction=False) as pipe:
        for job_id in job_ids:
            pipe.xrevrange(tokens_key(job_id), count=1)
        answers = pipe.execute()
    return {
        job_id: int(entries[0][1].get("num_tokens", 0))
        for job_id, entries in zip(job_ids, answers, strict=True)
        if entries
    }


def _hits(numbers: list[float] | None) -> ForecastHits | None:
    return None if numbers is None else ForecastHits(num=int(numbers[0]), share=numbers[1])


def _numbers(estimate: Estimate) -> list[float]:
    ranges = (estimate.starts, estimate.ends)
    return [round(value, 2) for one in ranges for value in (one.low, one.median, one.high)]


def _estimate(numbers: list[float]) -> Estimate:
    return Estimate(starts=Range.of(numbers[:3]), ends=Range.of(numbers[3:]))
