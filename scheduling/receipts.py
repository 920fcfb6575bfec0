"""Receipts: one append-only row for each move of a job in the queue, with what it was decided on.

Rows are written in the transaction of the move. They contain numbers and ids only. A switch of the
policy moves many jobs by one rule, so its own row is the receipt of all of them (order_history.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nsmallest
from math import inf
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet

from scheduling.core.policies import POLICIES, Policy, order, rank
from scheduling.core.request import PRIORITIES, ManualPlace, Request
from scheduling.core.status import OPEN, JobStatus
from scheduling.job_rows import SORT_FIELDS, request_of_row
from scheduling.models import Job, QueueMove
from scheduling.standing_orders import active_policy_name

MAX_RANKED: Final = 1000  # in a longer queue a receipt has no rank; a replay gives it
NUM_FIRST_AHEAD: Final = 3
_Kind = QueueMove.Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A place among the waiting requests, and what is before it."""

    rank: int
    num_waiting: int
    ahead: tuple[int, ...]  # by level
    first_ahead: tuple[str, ...]


def kind_of(old: JobStatus | None, new: JobStatus, why: str) -> QueueMove.Kind:
    if new is JobStatus.RUNNING:
        return _Kind.STARTED
    if new is JobStatus.CANCELLED:
        return _Kind.CANCELLED
    if new is not JobStatus.WAITING:
        return _Kind.ENDED
    if old is JobStatus.RUNNING:
        return _Kind.DISPLACED if why == "preempted" else _Kind.RETURNED
    return _Kind.QUEUED


def record_status(
    job: Job, old: JobStatus | None, now: datetime, detail: Mapping[str, Any]
) -> QueueMove:
    """Writes the receipt of a change of status."""
    new, why = JobStatus(job.status), str(detail.get("why", ""))
    ended = new in (JobStatus.DONE, JobStatus.FAILED)
    return record(
        job.id,
        kind_of(old, new, why),
        new,
        now,
        why=new.value if ended else why,
        by_job=detail.get("by"),
    )


def record(
    job_id: uuid.UUID,
    kind: QueueMove.Kind,
    status: JobStatus,
    now: datetime,
    *,
    why: str = "",
    by_job: str | None = None,
    actor: User | None = None,
) -> QueueMove:
    """Writes the receipt of a move that the transaction has just made."""
    policy = POLICIES[active_policy_name()]
    mine, standing = _standing(job_id, status, policy, now)
    return QueueMove.objects.create(
        job_id=job_id,
        at=now,
        kind=kind,
        status=status.value,
        why=why[:80],
        by_job=uuid.UUID(by_job) if by_job else None,
        actor=actor,
        **({"rank": 0} if kind is _Kind.STARTED else {}),  # it was the best one
        **_values(policy, mine, standing),
    )


def _standing(
    job_id: uuid.UUID, status: JobStatus, policy: Policy, now: datetime
) -> tuple[Request | None, Standing | None]:
    """Returns the values of the job, and its place if it waits and the queue is not too long."""
    if status not in OPEN:
        return None, None
    alone = status is JobStatus.RUNNING or _num_waiting() > MAX_RANKED
    requests = [] if alone else _requests(Job.objects.filter(status=JobStatus.WAITING))
    mine = next((request for request in requests if request.id == str(job_id)), None)
    if mine is not None:
        return mine, standing_in(requests, mine, policy, now.timestamp())
    return next(iter(_requests(Job.objects.filter(id=job_id))), None), None


def _num_waiting() -> int:
    return Job.objects.filter(status=JobStatus.WAITING).count()


def standing_in(waiting: Sequence[Request], mine: Request, policy: Policy, now: float) -> Standing:
    """Returns the place of a request among those that wait, in O(n)."""
    place = order(mine, policy, now)
    placed = ((order(request, policy, now), request) for request in waiting)
    before = [(key, request) for key, request in placed if key < place]
    levels = [request.priority for _, request in before]
    first = nsmallest(NUM_FIRST_AHEAD, before)  # no two keys are equal
    return Standing(
        rank=len(before),
        num_waiting=len(waiting),
        ahead=tuple(levels.count(level) for level in PRIORITIES),
        first_ahead=tuple(request.id for _, request in first),
    )


def _requests(rows: QuerySet[Job]) -> list[Request]:
    """Returns the values of jobs. Nothing where a column of one of them cannot be read."""
    try:
        found = list(rows.values_list(*SORT_FIELDS))
    except (ValueError, TypeError):
        return []
    return [request for row in found if (request := _request(row)) is not None]


def _request(row: tuple[Any, ...]) -> Request | None:
    try:
        return request_of_row(*row)
    except (ValueError, TypeError, AttributeError):
        return None


def _values(policy: Policy, mine: Request | None, standing: Standing | None) -> dict[str, Any]:
    values: dict[str, Any] = {"policy": policy.name}
    if mine is not None:
        values |= {"factors": factors_of(mine), "key": list(policy(mine.as_sorted))}
    if standing is not None:
        values |= {
            "rank": standing.rank,
            "num_waiting": standing.num_waiting,
            "ahead": list(standing.ahead),
            "first_ahead": list(standing.first_ahead),
        }
    return values


def record_promotions(now: datetime) -> int:
    """Writes a receipt, once, for each waiting job whose deadline has passed under a policy
    that then prefers it. Returns how many."""
    policy = POLICIES[active_policy_name()]
    if not policy.bounded_wait:
        return 0
    late = Job.objects.filter(status=JobStatus.WAITING, priority__gt=0, due_at__lte=now)
    known = QueueMove.objects.filter(job=OuterRef("id"), kind=_Kind.PROMOTED)
    ids = {str(job_id) for job_id in late.exclude(Exists(known)).values_list("id", flat=True)}
    if not ids:
        return 0
    waiting = _requests(Job.objects.filter(status=JobStatus.WAITING))
    rows = [
        explanation(_Kind.PROMOTED, now, policy, request, standing)
        for request, standing in _standings(rank(waiting, policy, now.timestamp()))
        if request.id in ids
    ]
    return len(QueueMove.objects.bulk_create(rows, batch_size=500))


def _standings(ranked: Sequence[Request]) -> Iterator[tuple[Request, Standing]]:
    """Yields each request of an order with its place in it."""
    ahead = [0] * len(PRIORITIES)
    first = tuple(request.id for request in ranked[:NUM_FIRST_AHEAD])
    for at, request in enumerate(ranked):
        yield (
            request,
            Standing(rank=at, num_waiting=len(ranked), ahead=tuple(ahead), first_ahead=first[:at]),
        )
        ahead[request.priority] += 1


def explanation(
    kind: QueueMove.Kind,
    now: datetime,
    policy: Policy,
    request: Request,
    standing: Standing | None,
    **values: Any,
) -> QueueMove:
    """Returns a receipt of a job that waits, which nobody has stored."""
    return QueueMove(
        job_id=uuid.UUID(request.id),
        at=now,
        kind=kind.value,
        status=JobStatus.WAITING.value,
        **_values(policy, request, standing),
        **values,
    )


def factors_of(request: Request) -> dict[str, Any]:
    """Returns the values of a request as JSON; times in seconds since the Unix epoch."""
    manual = request.manual
    return {
        "priority": request.priority,
        "arrival": request.arrival_seconds,
        "prompt": request.prompt_tokens,
        "predicted": request.predicted_tokens,
        "generated": request.generated_tokens,
        "due": finite(request.due_seconds),
        "first": request.first_in_level,
        "manual": None
        if manual is None
        else [
            *(manual.arrival_seconds, manual.tokens, finite(manual.due_seconds), manual.nudge),
            manual.first_in_level,
        ],
    }


def request_from(job_id: str, factors: Mapping[str, Any]) -> Request:
    """Returns the request of the factors of a receipt: exactly the one that was stored."""
    manual = factors["manual"]
    place = manual and ManualPlace(
        arrival_seconds=manual[0],
        tokens=manual[1],
        due_seconds=inf if manual[2] is None else manual[2],
        nudge=manual[3],
        first_in_level=any(manual[4:]),
    )
    return Request(
        id=job_id,
        arrival_seconds=factors["arrival"],
        priority=factors["priority"],
        prompt_tokens=factors["prompt"],
        predicted_tokens=factors["predicted"],
        generated_tokens=factors["generated"],
        due_seconds=inf if factors["due"] is None else factors["due"],
        first_in_level=factors.get("first", False),  # older receipts do not have it
        manual=place or None,
    )


def finite(seconds: float) -> float | None:
    return None if seconds == inf else seconds
