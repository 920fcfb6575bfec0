"""The order of the queue at a past moment, rebuilt from the receipts of its moves."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from typing import Final

from django.db.models import F, Max, Q, QuerySet

from scheduling.core.policies import POLICIES, Policy, rank
from scheduling.core.request import Request
from scheduling.core.status import OPEN, JobStatus
from scheduling.models import EXPLAINING, Job, PolicyChange, QueueMove
from scheduling.receipts import MAX_RANKED, explanation, request_from, standing_in
from scheduling.standing_orders import active_policy_name

MAX_PLACED: Final = 20  # the newest switches of a case whose effect on its place is worked out
_SWITCHED: Final = QueueMove.Kind.SWITCHED


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
    return list(_open_at(moment).select_related("job").only(*_FIELDS))


def _open_at(moment: datetime) -> QuerySet[QueueMove]:
    """Whatever was open then is open now or has a later receipt: of a recent moment these are
    few jobs, however long the history is."""
    deciding = QueueMove.objects.exclude(kind__in=EXPLAINING).order_by()
    is_open = Job.objects.filter(status__in=OPEN).values("id")
    moved_later = deciding.filter(at__gt=moment).values("job")
    jobs = Q(job__in=is_open) | Q(job__in=moved_later)
    until = deciding.filter(jobs, at__lte=moment)
    newest = until.values("job").annotate(newest=Max("id")).values("newest")
    return QueueMove.objects.filter(id__in=newest, status__in=OPEN, factors__isnull=False)


_FIELDS = ("job_id", "status", "factors", "job__case_id")


def moves_of(case_id: uuid.UUID) -> list[QueueMove]:
    """Returns the receipts of a case, oldest first, with what each switch did to it.

    Those of a switch are derived from its row and are no rows themselves. They have no place
    where more than `MAX_RANKED` jobs waited, or many switches came later.
    """
    moves = list(_moves(case_id).select_related("actor"))
    switches = _switches(moves)
    placed = {change.id for change, _ in switches[-MAX_PLACED:]}
    derived = [
        move
        for change, before in switches
        if (move := _switched(change, before, is_placed=change.id in placed)) is not None
    ]
    return list(merge(moves, derived, key=_moment))


def switches_of(case_id: uuid.UUID) -> list[int]:
    """Returns the ids of the switches that came while the case waited, oldest first."""
    return [change.id for change, _ in _switches(list(_moves(case_id)))]


def _moves(case_id: uuid.UUID) -> QuerySet[QueueMove]:
    return QueueMove.objects.filter(job__case_id=case_id).order_by("id")


def _moment(move: QueueMove) -> datetime:
    return move.at


def _switches(moves: Sequence[QueueMove]) -> list[tuple[PolicyChange, QueueMove]]:
    """Returns each switch that these jobs waited through, and the receipt that it found."""
    deciding = [move for move in moves if move.kind not in EXPLAINING]
    if not deciding:
        return []
    # Releases before this one stored a receipt of each job.
    stored = {(move.job_id, move.at) for move in moves if move.kind == QueueMove.Kind.SWITCHED}
    since = min(move.at for move in deciding)
    changes = PolicyChange.objects.filter(changed_at__gte=since).exclude(old=F("new"))
    found = []
    for change in changes.select_related("actor").order_by("changed_at", "id"):
        newest = {move.job_id: move for move in deciding if move.at <= change.changed_at}
        found += [
            (change, move)
            for move in newest.values()
            if move.status == JobStatus.WAITING
            and move.factors is not None
            and (move.job_id, change.changed_at) not in stored
        ]
    return found


def _switched(change: PolicyChange, before: QueueMove, *, is_placed: bool) -> QueueMove | None:
    """Returns what a switch did to a job; None where its place stayed the same."""
    policy, now = POLICIES.get(change.new), change.changed_at
    if policy is None:  # of another release
        return None
    request = request_from(str(before.job_id), before.factors or {})
    waiting = _waiting_at(now) if is_placed and change.old in POLICIES else []
    if not waiting:
        return explanation(_SWITCHED, now, policy, request, None, actor=change.actor)
    old, new = (
        standing_in(waiting, request, POLICIES[name], now.timestamp())
        for name in (change.old, change.new)
    )
    if old.rank == new.rank:
        return None
    why = f"was {old.rank + 1}"
    return explanation(_SWITCHED, now, policy, request, new, why=why, actor=change.actor)


def _waiting_at(moment: datetime) -> list[Request]:
    """Returns those that waited; none where there were too many."""
    waiting = _open_at(moment).filter(status=JobStatus.WAITING)
    rows = waiting.values_list("job_id", "factors")[: MAX_RANKED + 1]
    found = [request_from(str(job_id), factors or {}) for job_id, factors in rows]
    return found if len(found) <= MAX_RANKED else []
