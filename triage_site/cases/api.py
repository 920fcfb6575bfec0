"""The HTTP API. It uses the same services as the pages; each account has a token.

Errors are JSON: `{"errors": [{"field": ..., "reason": ...}]}`.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import NinjaAPI, Router, Status
from ninja.errors import AuthenticationError, ValidationError
from ninja.security import HttpBearer

from scheduling import selectors as queue_selectors
from scheduling import services as scheduling
from scheduling.core.policies import POLICIES
from triage_site.cases import selectors, services
from triage_site.cases.api_schemas import (
    CancelIn,
    CaseOut,
    Errors,
    NewCase,
    OverrideIn,
    PolicyIn,
    PolicyOut,
    QueueOut,
    Reason,
)
from triage_site.cases.entry import check_entry
from triage_site.cases.models import ApiToken, Case, CaseEvent
from triage_site.cases.roles import Action, may
from triage_site.cases.storable import not_storable
from triage_site.cases.submission_limit import submissions
from triage_site.triage import screen
from triage_site.triage.facts import CaseFacts


class ApiError(Exception):
    """An error that is returned as JSON with HTTP status `status`."""

    def __init__(self, status: int, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.status = status
        self.field = field
        self.reason = reason


class TooMany(Exception):
    """A flood of one account is refused for `wait_seconds`."""

    def __init__(self, wait_seconds: int) -> None:
        super().__init__("too many cases")
        self.wait_seconds = wait_seconds


class TokenAuth(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        tokens = ApiToken.objects.select_related("user").filter(digest=ApiToken.digest_of(token))
        row = tokens.first()
        if row is None or not row.user.is_active:
            return None
        if row.demo and not settings.TRIAGE_DEMO:
            raise ApiError(401, "authorization", "demo tokens are valid in demo mode only")
        request.user = row.user
        return row.user


api = NinjaAPI(
    title="Semantic Triage",
    version="1",
    description="Research and demonstration; not for clinical use.",
    urls_namespace="api",
    auth=TokenAuth(),
    docs_url="/docs",
    openapi_url="/openapi.json",
)
router = Router()


_ERRORS = dict.fromkeys((400, 401, 403, 404, 409, 422, 429), Errors)


@router.post("/cases", response={201: CaseOut, 200: CaseOut, **_ERRORS})
def submit(request: HttpRequest, body: NewCase) -> Status:
    """Submits a case. A request with the same `Idempotency-Key` returns the same case (200)."""
    user = allowed_user(request, Action.SUBMIT)
    data = body.dict(exclude={"label", "confirmed"}, exclude_none=True)
    try:
        facts = CaseFacts.from_dict(data)
    except ValueError as error:
        raise _field_error(422, error) from None
    entry = check_entry(facts)
    if entry.errors:
        first = entry.errors[0]
        raise ApiError(422, first.field, first.reason)
    key = request.headers.get("Idempotency-Key", "").strip() or uuid.uuid4().hex
    if len(key) > 80:
        raise ApiError(422, "Idempotency-Key", "must have at most 80 characters")
    if not_storable(key):
        raise ApiError(422, "Idempotency-Key", not_storable(key))
    is_flood = _flood(user, facts)
    case, created = services.submit_case(
        facts=facts,
        actor=user,
        submission_key=key,
        label=body.label,
        now=timezone.now(),
        is_flood=is_flood,
    )
    submissions.count(user.pk)
    if not created and case.facts != facts.to_dict():
        raise ApiError(409, "Idempotency-Key", "was used for another case")
    return Status(201 if created else 200, _case_out(case, entry.warnings))


@router.get("/cases/{case_id}", response={200: CaseOut, **_ERRORS})
def read(request: HttpRequest, case_id: uuid.UUID) -> dict[str, Any]:
    user = allowed_user(request, Action.VIEW)
    case = _case(case_id)
    services.record(case, CaseEvent.Kind.VIEWED, timezone.now(), actor=user, data={"via": "api"})
    return _case_out(case)


@router.post("/cases/{case_id}/override", response={200: CaseOut, **_ERRORS})
def override(request: HttpRequest, case_id: uuid.UUID, body: OverrideIn) -> dict[str, Any]:
    user = allowed_user(request, Action.OVERRIDE)
    _case(case_id)
    try:
        case = services.override_priority(
            case_id,
            priority=body.priority,
            reason=body.reason,
            note=body.note,
            actor=user,
            now=timezone.now(),
        )
    except ValueError as error:
        raise _field_error(422, error) from None
    return _case_out(case)


@router.post("/cases/{case_id}/cancel", response={200: CaseOut, **_ERRORS})
def cancel(request: HttpRequest, case_id: uuid.UUID, body: CancelIn) -> dict[str, Any]:
    user = allowed_user(request, Action.CANCEL)
    _case(case_id)
    try:
        case = services.cancel_case(case_id, reason=body.reason, actor=user, now=timezone.now())
    except ValueError as error:
        raise _field_error(409, error) from None
    return _case_out(case)


@router.get("/queue", response={200: QueueOut, **_ERRORS})
def queue(request: HttpRequest) -> dict[str, Any]:
    """Returns the running cases and the waiting cases in the order of service."""
    allowed_user(request, Action.VIEW)
    return selectors.queue_overview(timezone.now())


@router.get("/policy", response={200: PolicyOut, **_ERRORS})
def policy(request: HttpRequest) -> dict[str, Any]:
    allowed_user(request, Action.VIEW)
    return _policy_out()


@router.post("/policy", response={200: PolicyOut, **_ERRORS})
def switch(request: HttpRequest, body: PolicyIn) -> dict[str, Any]:
    user = allowed_user(request, Action.OPERATE)
    try:
        scheduling.switch_policy(body.policy, actor=user, reason=body.reason, now=timezone.now())
    except ValueError as error:
        raise _field_error(422, error) from None
    return _policy_out()


api.add_router("/v1", router)


@api.exception_handler(ApiError)
def _on_api_error(request: HttpRequest, error: ApiError) -> HttpResponse:
    return _errors(request, error.status, [{"field": error.field, "reason": error.reason}])


@api.exception_handler(TooMany)
def _on_too_many(request: HttpRequest, error: TooMany) -> HttpResponse:
    reason = f"too many cases of this account; send the next one in {error.wait_seconds} s"
    response = _errors(request, 429, [{"field": "cases", "reason": reason}])
    response["Retry-After"] = str(error.wait_seconds)
    return response


@api.exception_handler(AuthenticationError)
def _on_authentication_error(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    reason = "send a valid token as `Authorization: Bearer ...`"
    return _errors(request, 401, [{"field": "authorization", "reason": reason}])


@api.exception_handler(ValidationError)
def _on_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    # Only field and reason: the value can be clinical text.
    items = [
        {"field": str(item["loc"][-1]), "reason": str(item["msg"]).removeprefix("Value error, ")}
        for item in error.errors
    ]
    return _errors(request, 422, items)


def _errors(request: HttpRequest, status: int, items: list[dict[str, str]]) -> HttpResponse:
    return api.create_response(request, {"errors": items}, status=status)


def _field_error(status: int, error: ValueError) -> ApiError:
    """Converts an error of a service, whose message has the form "field: reason"."""
    field, _, reason = str(error).partition(": ")
    return ApiError(status, field, reason or str(error))


def _flood(user: User, facts: CaseFacts) -> bool:
    """Returns whether the case comes after those of others. Raises TooMany to refuse it.

    What the rules put on level 0 or 1 is never refused, and never comes later.
    """
    wait = submissions.wait_seconds(user.pk)
    is_flood = submissions.is_flood(user.pk)
    if not (wait or is_flood) or screen(facts).priority <= services.SAFE_PRIORITY:
        return False
    if wait:
        raise TooMany(wait)
    return True


def allowed_user(request: HttpRequest, action: Action) -> User:
    user = request.user
    if not may(user, action):
        raise ApiError(403, "authorization", f"this account may not {action}")
    assert isinstance(user, User)
    return user


def _case(case_id: uuid.UUID) -> Case:
    case = Case.objects.filter(id=case_id).first()
    if case is None:
        raise ApiError(404, "id", "there is no case with this id")
    return case


def _case_out(case: Case, warnings: Any = ()) -> dict[str, Any]:
    case.refresh_from_db()
    place = selectors.place_of(case, timezone.now())
    reasons = case.classification.get("reasons", [])
    return {
        "id": case.id,
        "number": case.number,
        "status": case.status,
        "priority": case.priority,
        "suggested_priority": case.suggested_priority,
        "needs_person": case.needs_person,
        "reasons": [{k: r.get(k) for k in Reason.model_fields} for r in reasons],
        "position": None if place is None else place.position,
        **selectors.place_times(place),
        "timestamps": selectors.timestamps(case),
        "warnings": [{"field": w.field, "reason": w.reason} for w in warnings],
        "guidance": case.guidance,
        "guidance_withheld": case.guidance_withheld,
        "guidance_model": case.guidance_model,
    }


def _policy_out() -> dict[str, Any]:
    return {
        "policy": queue_selectors.active_policy_name(),
        "policies": {name: one.description for name, one in POLICIES.items()},
    }
