"""Why a case stands where it stands: its factors now, and the receipts of its moves."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from scheduling import selectors as scheduling
from scheduling.core.policies import POLICIES
from scheduling.core.request import Request
from scheduling.models import Job, QueueMove
from scheduling.order_history import moves_of
from scheduling.receipts import request_from
from triage_site.cases.departments import Sight
from triage_site.cases.models import Case
from triage_site.cases.place_words import ahead_words, place_sentence, steps_words

_Kind = QueueMove.Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveLine:
    """One receipt in words."""

    at: datetime
    what: str
    policy: str
    place: str  # "3 of 12", empty where it does not wait or the queue was too long
    why: str
    factors: str


def factors(request: Request, policy_name: str) -> list[Factor]:
    """Returns everything that the policies sort by."""
    found = [
        Factor(name="Policy", value=_title(policy_name)),
        Factor(name="Level", value=str(request.priority)),
        Factor(name="Expected tokens still to come", value=str(request.remaining_tokens)),
        Factor(name="Arrived", value=_clock(request.arrival_seconds)),
        Factor(name="Guidance due to start", value=_clock(request.due_seconds)),
    ]
    if request.manual is not None:
        place = request.manual
        words = f"as if arrived {_clock(place.arrival_seconds)} with {place.tokens} tokens"
        found.append(Factor(name="Moved by a person", value=words))
    return found


def order_context(case: Case, sight: Sight) -> dict[str, Any]:
    """Returns what the page shows of the order, now and since the case was queued.

    Other cases are named where the person sees their department.
    """
    job, policy = scheduling.open_job_of(case.id), scheduling.active_policy()
    moves = moves_of(case.id)
    numbers = case_numbers(
        {*(move.by_job for move in moves), *(one for m in moves for one in m.first_ahead)},
        sight,
    )
    return {
        "case": case,
        "factors": [] if job is None else factors(job.to_request(), policy.name),
        "description": policy.description,
        "moves": [_line(move, numbers) for move in moves],
    }


def neighbours(case: Case, now: datetime) -> dict[str, Any]:
    """Returns the present place of a waiting case, for the form that moves it.

    `level_rank` counts the cases of its level alone; empty for a case that does not wait.
    """
    job = scheduling.open_job_of(case.id)
    place = None if job is None else scheduling.place_of(job, now)
    if job is None or place is None:
        return {}
    return {
        "sentence": place_sentence(place.position, place.ahead),
        "level_rank": place.ahead[job.priority] + 1,
        "level_num": scheduling.num_waiting(job.priority),
        "is_moved": place.manual_steps is not None,
    }


def case_numbers(job_ids: Iterable[uuid.UUID | str | None], sight: Sight) -> dict[str, int]:
    """Returns the number of the case of each job, of the cases in sight."""
    wanted = [job_id for job_id in job_ids if job_id]
    jobs = dict(Job.objects.filter(id__in=wanted).values_list("id", "case_id"))
    cases = sight.of(Case.objects.filter(id__in=jobs.values()))
    numbers = dict(cases.values_list("id", "number"))
    return {str(job): numbers[case_id] for job, case_id in jobs.items() if case_id in numbers}


def _line(move: QueueMove, numbers: dict[str, int]) -> MoveLine:
    place = "" if move.num_waiting is None else f"{(move.rank or 0) + 1} of {move.num_waiting}"
    shown = [] if move.factors is None else factors(_request(move), move.policy)[1:]
    return MoveLine(
        at=move.at,
        what=str(move.get_kind_display()).capitalize(),
        policy=_title(move.policy),
        place=place,
        why=_why(move, numbers),
        factors="; ".join(f"{factor.name.lower()} {factor.value}" for factor in shown),
    )


def _why(move: QueueMove, numbers: dict[str, int]) -> str:
    parts = [_cause(move, numbers)]
    if move.num_waiting is not None and any(move.ahead):
        parts.append(f"{ahead_words(move.ahead)}{_named(move.first_ahead, numbers)}")
    elif move.num_waiting is not None or move.kind == _Kind.STARTED:
        parts.append("no case stood before it")
    words = "; ".join(part for part in parts if part)
    return words[:1].upper() + words[1:]


def _cause(move: QueueMove, numbers: dict[str, int]) -> str:
    by = numbers.get(str(move.by_job))
    if move.kind == _Kind.DISPLACED:
        return f"case {by} took its slot" if by else "its slot was needed"
    if move.kind == _Kind.MOVED:
        who = f", {move.actor.get_username()}" if move.actor else ""
        return f"{steps_words(int(move.why))}{who}"
    if move.kind == _Kind.SWITCHED:
        return f"place before the switch: {move.why.removeprefix('was ')}" if move.why else ""
    return move.why


def _named(first: Sequence[str], numbers: dict[str, int]) -> str:
    known = [f"case {numbers[job]}" for job in first if job in numbers]
    return f" (first {', '.join(known)})" if known else ""


def _request(move: QueueMove) -> Request:
    return request_from(str(move.job_id), move.factors or {})


def _title(policy: str) -> str:
    return POLICIES[policy].title if policy in POLICIES else policy


def _clock(seconds: float) -> str:
    if abs(seconds) == float("inf"):
        return "never"
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{timezone.localtime(moment):%H:%M:%S}"
