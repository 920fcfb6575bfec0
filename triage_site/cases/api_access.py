"""Who may use a route of the HTTP API, on which case; and the way of each change of a case."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils import timezone
from ninja import Schema

from triage_site.cases.access import BeyondScope, OtherDepartment, require
from triage_site.cases.api_errors import ApiError, field_error, refuse_names
from triage_site.cases.api_out import case_out
from triage_site.cases.models import Case
from triage_site.cases.roles import Action


def allowed_user(
    request: HttpRequest, action: Action, parameters: type[Schema] | None = None
) -> User:
    """Every route asks this first. Raises ApiError for a person without the right, and
    ValidationError for an address with other parameters than `parameters` has."""
    try:
        require(request, action)
    except OtherDepartment as error:
        raise other_department(error.case) from None
    except BeyondScope as error:
        raise ApiError(403, "authorization", str(error)) from None
    except PermissionDenied:
        raise ApiError(403, "authorization", f"this account may not {action}") from None
    refuse_names(request, parameters)
    assert isinstance(request.user, User)
    return request.user


def other_department(case: Case) -> ApiError:
    way = f'POST /api/v1/cases/{case.id}/break-glass {{"reason": "..."}}'
    words = f"this case is of another department ({case.department.code}); open it first: {way}"
    return ApiError(403, "department", words)


def find_case(case_id: uuid.UUID) -> Case:
    case = Case.objects.filter(id=case_id).first()
    if case is None:
        raise ApiError(404, "id", "there is no case with this id")
    return case


def change_case(
    request: HttpRequest,
    case_id: uuid.UUID,
    action: Action,
    act: Callable[[dict[str, Any]], Case],
) -> dict[str, Any]:
    """Calls a service with case, actor and time. Returns the changed case."""
    user = allowed_user(request, action)
    find_case(case_id)
    try:
        case = act({"case_id": case_id, "actor": user, "now": timezone.now()})
    except ValueError as error:
        raise field_error(error) from None
    return case_out(case, timezone.now())
