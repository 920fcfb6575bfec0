"""The order of the queue at a past moment, rebuilt from the receipts of its moves."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max

from scheduling.core.policies import POLICIES, Policy, rank
from scheduling.core.request import Request
from scheduling.core.status import OPEN, JobStatus
from scheduling.models import EXPLAINING, QueueMove
from scheduling.receipts import request_from
from scheduling.standing_orders import active_policy_name


@dataclass(frozen=True, slots=True, kw_only=True)
class PastOrder:
    """The queue at one moment. `cases` names the case of each request, by request id."""

    at: datetime
    policy: Policy
    waiting: Sequence[Request]  # next first
    running: Sequence[Request]  # by id
    cases: dict[str, uuid.UUID]


def order_at(moment: datetime) -> PastOrder:
    """Replays the receipts up to `moment`, those of that very moment included.

    The state of a job is its newest deciding receipt; the policy is that of the newest switch.
    """
    policy = POLICIES[active_policy_name(moment)]
    moves = _newest(moment)
    requests = [(move.status, request_from(str(move.job_id), move.factors or {})) for move in moves]
    waiting = [request for status, request in requests if status == JobStatus.WAITING]
    running = [request for status, request in requests if status == JobStatus.RUNNING]
    return PastOrder(
        at=moment,
        policy=policy,
        waiting=rank(waiting, policy, moment.timestamp()),
        running=sorted(running, key=lambda request: request.id),
        cases={str(move.job_id): move.job.case_id for move in moves},
    )


def _newest(moment: datetime) -> list[QueueMove]:
    """Returns the newest deciding receipt of each job that was open at the moment."""
    deciding = QueueMove.objects.filter(at__lte=moment).exclude(kind__in=EXPLAINING)
    newest = deciding.order_by().values("job").annotate(newest=Max("id")).values("newest")
    found = QueueMove.objects.filter(id__in=newest, status__in=OPEN, factors__isnull=False)
    return list(found.select_related("job").only(*_FIELDS))


_FIELDS = ("job_id", "status", "factors", "job__case_id")


def moves_of(case_id: uuid.UUID) -> list[QueueMove]:
    """Returns the receipts of a case, oldest first."""
    found = QueueMove.objects.filter(job__case_id=case_id)
    return list(found.select_related("actor").order_by("id"))
