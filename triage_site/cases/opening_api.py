"""Break-glass in the HTTP API."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema
from pydantic import Field

from triage_site.cases import services
from triage_site.cases.api_access import allowed_user, find_case
from triage_site.cases.api_errors import ApiError, field_error
from triage_site.cases.api_fields import Storable
from triage_site.cases.api_schemas import Errors, In
from triage_site.cases.departments import sight_of
from triage_site.cases.models import Opening
from triage_site.cases.roles import Action

router = Router()
_FAULTS = dict.fromkeys((400, 401, 403, 404, 409, 415, 422), Errors)


class OpeningIn(In):
    reason: Annotated[
        str, Field(max_length=500, examples=["called to help in the corridor"]), Storable
    ]


class OpeningOut(Schema):
    """The case is open for this account until `until`."""

    at: datetime
    until: datetime
    reason: str


@router.post("/cases/{case_id}/break-glass", response={200: OpeningOut, **_FAULTS})
def break_glass(request: HttpRequest, case_id: uuid.UUID, body: OpeningIn) -> Opening:
    """Opens a case of another department for a limited time. The charge nurse is alerted."""
    user = allowed_user(request, Action.BREAK_GLASS)
    case = find_case(case_id)
    if sight_of(user).has(case):
        raise ApiError(409, "department", "the case is of your department: no reason is needed")
    try:
        return services.open_with_reason(
            case.id, reason=body.reason, actor=user, now=timezone.now()
        )
    except ValueError as error:
        raise field_error(error) from None
