"""The HTTP API. It uses the same services as the pages; each account has a token.

Errors are JSON: `{"errors": [{"field": ..., "reason": ...}]}` (api_errors.py).
"""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from ninja import Query, Router, Status

from scheduling import selectors as queue_selectors
from scheduling import services as scheduling
from scheduling.core.policies import POLICIES
from scheduling.switch_preview import preview_switch
from triage_site.cases import api_errors, selectors, services
from triage_site.cases.access import for_people
from triage_site.cases.api_access import allowed_user, change_case, find_case, other_department
from triage_site.cases.api_auth import TokenAuth
from triage_site.cases.api_errors import ApiError, field_error
from triage_site.cases.api_fields import storable
from triage_site.cases.api_out import case_out, case_page
from triage_site.cases.api_schemas import (
    CancelIn,
    CaseFilter,
    CaseOut,
    CasePage,
    CloseIn,
    Errors,
    NewCase,
    NoteIn,
    OverrideIn,
    PolicyIn,
    PolicyOut,
    ProposalIn,
    QueueOut,
    TransferIn,
    Versioned,
    Vitals,
    VitalsIn,
)
from triage_site.cases.departments import department_for, reach_of, sight_of
from triage_site.cases.described_api import DescribedApi
from triage_site.cases.entry import check_entry
from triage_site.cases.fhir import bundle
from triage_site.cases.models import Case, Department
from triage_site.cases.roles import Action
from triage_site.cases.submission_limit import comes_later, submissions
from triage_site.triage.facts import CaseFacts

MAX_KEY_CHARACTERS = 80
FHIR_JSON = "application/fhir+json; charset=utf-8"


api = DescribedApi(
    title="Semantic Triage",
    version="1",
    description="Research and demonstration; not for clinical use.",
    urls_namespace="api",
    auth=TokenAuth(),
    parser=api_errors.Strict(),
    docs_url="/docs",
    docs_decorator=for_people,
    openapi_url="/openapi.json",
)
api_errors.install(api)
router = Router()

_ERRORS = dict.fromkeys((400, 401, 403, 404, 409, 415, 422), Errors)


@router.post("/cases", response={201: CaseOut, 200: CaseOut, **_ERRORS, 429: Errors})
def submit(request: HttpRequest, body: NewCase) -> Status:
    """Submits a case. A request with the same `Idempotency-Key` returns the same case (200)."""
    user = allowed_user(request, Action.SUBMIT)
    facts, warnings = _facts_of(body)
    case, created = services.submit_case(
        facts=facts,
        actor=user,
        submission_key=_submission_key(request),
        label=body.label,
        department=_department(user, body.department),
        now=timezone.now(),
        is_flood=comes_later(user.pk, facts),
    )
    submissions.count(user.pk)
    if not created and case.facts != facts.to_dict():
        raise ApiError(409, "Idempotency-Key", "was used for another case")
    if not created and not reach_of(user, timezone.now()).opens(case):
        raise other_department(case)
    return Status(201 if created else 200, case_out(case, timezone.now(), warnings))


def _facts_of(body: NewCase) -> tuple[CaseFacts, Any]:
    data = body.dict(exclude={"label", "confirmed", "department"}, exclude_none=True)
    try:
        facts = CaseFacts.from_dict(data)
    except ValueError as error:
        raise field_error(error) from None
    entry = check_entry(facts)
    if entry.errors:
        first = entry.errors[0]
        raise ApiError(422, first.field, first.reason)
    return facts, entry.warnings


def _department(user: User, code: str) -> Department:
    try:
        return department_for(user, code)
    except ValueError as error:
        raise field_error(error) from None


def _submission_key(request: HttpRequest) -> str:
    key = request.headers.get("Idempotency-Key", "").strip() or uuid.uuid4().hex
    if len(key) > MAX_KEY_CHARACTERS:
        raise ApiError(422, "Idempotency-Key", f"must have at most {MAX_KEY_CHARACTERS} characters")
    try:
        return storable(key)
    except ValueError as error:
        raise ApiError(422, "Idempotency-Key", str(error)) from None


@router.get("/cases", response={200: CasePage, **_ERRORS})
def list_cases(request: HttpRequest, wanted: Query[CaseFilter]) -> dict[str, Any]:
    """Returns one page of the matching cases, newest first; of a search, the bed first that it
    names. An unknown parameter is an error."""
    user = allowed_user(request, Action.VIEW, CaseFilter)
    return case_page(wanted, timezone.now(), sight_of(user))


@router.get("/cases/{case_id}", response={200: CaseOut, **_ERRORS})
def read(request: HttpRequest, case_id: uuid.UUID) -> dict[str, Any]:
    allowed_user(request, Action.VIEW)
    return case_out(find_case(case_id), timezone.now())


_FHIR_CONTENT = {"content": {"application/fhir+json": {"schema": {"type": "object"}}}}


@router.get(
    "/cases/{case_id}/fhir",
    response={200: dict[str, Any], **_ERRORS},
    openapi_extra={"responses": {200: _FHIR_CONTENT}},
)
def fhir(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Returns the case as a FHIR R4 Bundle."""
    allowed_user(request, Action.VIEW)
    case = find_case(case_id)
    made = bundle(case, selectors.vitals_over_time(case), now=timezone.now())
    return JsonResponse(made, content_type=FHIR_JSON)


@router.post("/cases/{case_id}/seen", response={200: CaseOut, **_ERRORS})
def seen(request: HttpRequest, case_id: uuid.UUID, body: Versioned | None = None) -> Any:
    """Records that you see the patient now. The clock stops."""
    version = None if body is None else body.version
    return change_case(
        request, case_id, Action.CARE, lambda call: services.see_patient(**call, version=version)
    )


@router.post("/cases/{case_id}/close", response={200: CaseOut, **_ERRORS})
def close(request: HttpRequest, case_id: uuid.UUID, body: CloseIn) -> Any:
    """Closes the case. It leaves the board."""
    return change_case(
        request, case_id, Action.CARE, lambda call: services.close_case(**call, **body.dict())
    )


@router.post("/cases/{case_id}/reopen", response={200: CaseOut, **_ERRORS})
def reopen(request: HttpRequest, case_id: uuid.UUID, body: Versioned | None = None) -> Any:
    """Reopens the case. The patient waits again, and the clock counts from the arrival."""
    version = None if body is None else body.version
    return change_case(
        request, case_id, Action.CARE, lambda call: services.reopen_case(**call, version=version)
    )


@router.post("/cases/{case_id}/vitals", response={200: CaseOut, **_ERRORS})
def vitals(request: HttpRequest, case_id: uuid.UUID, body: VitalsIn) -> Any:
    """Adds vital signs. A more urgent level is set at once, a less urgent one is proposed."""
    readings = Vitals.taken(body)

    def act(call: dict[str, Any]) -> Case:
        return services.record_vitals(
            **call, readings=readings, note=body.text, version=body.version
        )

    return change_case(request, case_id, Action.SUBMIT, act)


@router.post("/cases/{case_id}/notes", response={200: CaseOut, **_ERRORS})
def note(request: HttpRequest, case_id: uuid.UUID, body: NoteIn) -> Any:
    """Adds a note, which counts like the complaint."""
    return change_case(
        request, case_id, Action.SUBMIT, lambda call: services.add_note(**call, **body.dict())
    )


@router.post("/cases/{case_id}/override", response={200: CaseOut, **_ERRORS})
def override(request: HttpRequest, case_id: uuid.UUID, body: OverrideIn) -> Any:
    """Sets the level that a person chose."""
    return change_case(
        request,
        case_id,
        Action.OVERRIDE,
        lambda call: services.override_priority(**call, **body.dict()),
    )


@router.post("/cases/{case_id}/proposal", response={200: CaseOut, **_ERRORS})
def proposal(request: HttpRequest, case_id: uuid.UUID, body: ProposalIn) -> Any:
    """Accepts or dismisses the less urgent level that the classifier proposes."""
    accept = body.decision == "accept"

    def act(call: dict[str, Any]) -> Case:
        return services.decide_proposal(**call, accept=accept, version=body.version)

    return change_case(request, case_id, Action.OVERRIDE, act)


@router.post("/cases/{case_id}/cancel", response={200: CaseOut, **_ERRORS})
def cancel(request: HttpRequest, case_id: uuid.UUID, body: CancelIn) -> Any:
    """Closes a case that was entered in error."""
    return change_case(
        request, case_id, Action.CARE, lambda call: services.cancel_case(**call, **body.dict())
    )


@router.post("/cases/{case_id}/transfer", response={200: CaseOut, **_ERRORS})
def transfer(request: HttpRequest, case_id: uuid.UUID, body: TransferIn) -> Any:
    """Moves a case to another department. Its level and its place in the queue stay."""
    return change_case(
        request,
        case_id,
        Action.TRANSFER,
        lambda call: services.transfer_case(**call, **body.dict()),
    )


@router.get("/queue", response={200: QueueOut, **_ERRORS})
def queue(request: HttpRequest) -> dict[str, Any]:
    """Returns the running and the waiting cases of your departments in the order of service.

    Positions count the cases of all departments: there is one queue.
    """
    user = allowed_user(request, Action.VIEW)
    return selectors.queue_overview(timezone.now(), sight_of(user))


@router.get("/policy", response={200: PolicyOut, **_ERRORS})
def policy(request: HttpRequest) -> dict[str, Any]:
    allowed_user(request, Action.VIEW)
    return _policy_out()


@router.post("/policy", response={200: PolicyOut, **_ERRORS})
def switch(request: HttpRequest, body: PolicyIn) -> dict[str, Any]:
    user = allowed_user(request, Action.OPERATE)
    now = timezone.now()
    try:
        preview = preview_switch(body.policy, now, is_hurried=True).to_dict()
        scheduling.switch_policy(
            body.policy, actor=user, reason=body.reason, now=now, preview=preview
        )
    except ValueError as error:
        raise field_error(error) from None
    return _policy_out()


api.add_router("/v1", router)


def _policy_out() -> dict[str, Any]:
    return {
        "policy": queue_selectors.active_policy_name(),
        "policies": {name: one.description for name, one in POLICIES.items()},
    }
