"""Requests and helpers that the tests of the queue share."""

from __future__ import annotations

from math import inf

from scheduling.core.request import Request
from scheduling.queue.protocol import Claim, SemanticQueue

NOW = 1000.0
LEASE = 10.0


def make_request(
    request_id: str,
    priority: int = 2,
    *,
    arrival: float = 0.0,
    predicted: int = 100,
    due: float = inf,
) -> Request:
    return Request(
        id=request_id,
        arrival_seconds=arrival,
        priority=priority,
        prompt_tokens=7,
        predicted_tokens=predicted,
        due_seconds=due,
    )


def mixed_requests(num: int = 40) -> list[Request]:
    """Requests of all levels, with equal lengths, equal arrivals, and deadlines before and
    after NOW."""
    return [
        make_request(
            f"case-{n * 17 % num}",
            priority=n * 7 % 5,
            arrival=float(n // 4),
            predicted=n * 37 % 11,
            due=inf if n % 9 == 0 else NOW - 20 + n * 13 % 40,
        )
        for n in range(num)
    ]


def fill(queue: SemanticQueue, requests: list[Request]) -> None:
    for request in requests:
        assert queue.enqueue(request)


def claim_one(queue: SemanticQueue, *, worker: str = "w", now: float = NOW) -> Claim:
    (claim,) = queue.claim(worker, 1, now, LEASE)
    return claim


def ids(requests: list[Request]) -> list[str]:
    return [request.id for request in requests]


def reaped_ids(queue: SemanticQueue, now: float) -> list[str]:
    return [each.request_id for each in queue.reap(now)]
