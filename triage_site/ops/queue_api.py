"""The queue in the HTTP API: move a case, pause admission, read the receipts of a case."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema

from scheduling import queue_control
from scheduling.order_history import moves_of
from triage_site.cases import selectors, services
from triage_site.cases.api_access import allowed_user, change_case, find_case
from triage_site.cases.api_errors import field_error
from triage_site.cases.api_schemas import AdmissionIn, AdmissionOut, CaseOut, Errors, MoveIn
from triage_site.cases.roles import Action

router = Router()
_FAULTS = dict.fromkeys((400, 401, 403, 404, 409, 415, 422), Errors)


class ReceiptOut(Schema):
    """One move of a case in the queue, and what it was decided on."""

    at: datetime
    kind: str
    policy: str
    key: list[float]
    rank: int | None
    num_waiting: int | None
    ahead: list[int]
    why: str
    by: str | None
    factors: dict[str, Any] | None


@router.post("/cases/{case_id}/move", response={200: CaseOut, **_FAULTS})
def move(request: HttpRequest, case_id: uuid.UUID, body: MoveIn) -> Any:
    """Moves a waiting case within its level."""
    return change_case(
        request, case_id, Action.OPERATE, lambda call: services.move_case(**call, **body.dict())
    )


@router.get("/cases/{case_id}/moves", response={200: list[ReceiptOut], **_FAULTS})
def moves(request: HttpRequest, case_id: uuid.UUID) -> list[dict[str, Any]]:
    """Returns the receipts of the moves of a case in the queue, oldest first."""
    allowed_user(request, Action.VIEW)
    find_case(case_id)
    fields = ("at", "kind", "policy", "key", "rank", "num_waiting", "ahead", "why", "factors")
    return [
        {name: getattr(move, name) for name in fields}
        | {"by": None if move.actor is None else move.actor.get_username()}
        for move in moves_of(case_id)
    ]


@router.get("/admission", response={200: AdmissionOut, **_FAULTS})
def admission(request: HttpRequest) -> dict[str, Any]:
    """Says whether waiting cases may start."""
    allowed_user(request, Action.VIEW)
    return selectors.admission()


@router.post("/admission", response={200: AdmissionOut, **_FAULTS})
def change_admission(request: HttpRequest, body: AdmissionIn) -> dict[str, Any]:
    """Pauses or resumes. Running guidance ends; waiting cases stay in their order."""
    user = allowed_user(request, Action.OPERATE)
    change = queue_control.pause_admission if body.paused else queue_control.resume_admission
    try:
        change(actor=user, reason=body.reason, now=timezone.now())
    except ValueError as error:
        raise field_error(error) from None
    return selectors.admission()
