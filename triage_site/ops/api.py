"""The console's part of the HTTP API: comparisons and uploads."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import File, Router, Schema, Status
from ninja.files import UploadedFile
from pydantic import ConfigDict

from scheduling.comparisons.choices import DEFAULT_ERROR_RATE, DEFAULT_SETTING, BadChoice
from scheduling.core.policies import Preemption
from triage_site.cases.api import api
from triage_site.cases.api_access import allowed_user
from triage_site.cases.api_errors import ApiError
from triage_site.cases.api_schemas import Errors
from triage_site.cases.opening_api import router as opening_router
from triage_site.cases.roles import Action
from triage_site.ops import services
from triage_site.ops.comparisons import selectors
from triage_site.ops.models import Upload
from triage_site.ops.queue_api import router as queue_router

__all__ = ["api"]

router = Router()
_FAULTS = dict.fromkeys((400, 401, 403, 404, 415, 422, 429), Errors)


class ComparisonIn(Schema):
    """`load` is one of

    `{"kind": "synthetic", "user_request_gap": 0.01, "max_concurrent_user_requests": 50}`,
    `{"kind": "fixture", "name": "city_day", "speed": 60}` (without a speed it is 1),
    `{"kind": "recorded", "since": "2026-03-01T08:00:00Z", "until": "2026-03-01T12:00:00Z"}`,
    `{"kind": "file", "upload": "<id>", "priorities": "uniform" | "ems" | "by-length"}`.

    `setting` is a published one or `measured`; without `policies` all are compared. Free slots
    are filled at once, and a prefill pass also takes the prompts of the requests that come next,
    because it lasts as long as its longest prompt (docs/RESULTS.md).
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    load: dict[str, Any]
    setting: str = DEFAULT_SETTING
    policies: list[str] | None = None
    seed: int = 0
    slots: int | None = None
    preemption: str = Preemption.KEY.value
    error: str = "none"
    error_rate: float = DEFAULT_ERROR_RATE
    error_distance: float | None = None


class ComparisonId(Schema):
    id: uuid.UUID


class UploadOut(Schema):
    id: uuid.UUID
    name: str
    num_requests: int


class ComparisonOut(Schema):
    """`results` and `bound` are those of `manage.py compare --json`."""

    id: uuid.UUID
    status: str
    progress: float
    choices: dict[str, Any]
    created_at: datetime
    ended_at: datetime | None
    num_requests: int
    notes: list[str]
    error: str
    results: dict[str, Any]
    bound: dict[str, Any]


@router.post("/comparisons", response={202: ComparisonId, **_FAULTS})
def create(request: HttpRequest, body: ComparisonIn) -> Status:
    """Queues a comparison of policies on one load; ask for it by its id."""
    user = allowed_user(request, Action.COMPARE)
    try:
        made = services.create_comparison(
            body.dict(exclude_none=True), actor=user, now=timezone.now()
        )
    except BadChoice as error:
        raise ApiError(422, error.field, error.reason) from None
    return Status(202, {"id": made.id})


@router.get(
    "/comparisons/{comparison_id}",
    response={200: ComparisonOut, **_FAULTS},
    url_name="read_comparison",
)
def read(request: HttpRequest, comparison_id: uuid.UUID) -> dict[str, Any]:
    allowed_user(request, Action.CONSOLE)
    found = selectors.comparison(comparison_id)
    if found is None:
        raise ApiError(404, "id", "no such comparison")
    return selectors.as_json(found)


@router.get("/comparisons/{comparison_id}/load", response={200: None, **_FAULTS})
def load(request: HttpRequest, comparison_id: uuid.UUID) -> HttpResponse:
    """The requests as CSV; `manage.py compare --workload` gives the same figures on them."""
    allowed_user(request, Action.CONSOLE)
    text = selectors.load_csv(comparison_id)
    if not text:
        raise ApiError(404, "id", "no such comparison, or it has not ended")
    return HttpResponse(text, content_type="text/csv; charset=utf-8")


@router.post(
    "/comparisons/{comparison_id}/cancel",
    response={200: ComparisonOut, **_FAULTS},
    url_name="cancel_comparison",
)
def cancel(request: HttpRequest, comparison_id: uuid.UUID) -> dict[str, Any]:
    """Stops a comparison that waits or runs; one that has ended stays as it is."""
    allowed_user(request, Action.COMPARE)
    services.cancel_comparison(comparison_id, now=timezone.now())
    found = selectors.comparison(comparison_id)
    if found is None:
        raise ApiError(404, "id", "no such comparison")
    return selectors.as_json(found)


@router.post("/uploads", response={201: UploadOut, **_FAULTS})
def upload(request: HttpRequest, file: File[UploadedFile]) -> Status:
    """Keeps a file of requests: CSV or JSON of ours, or a public trace as it is published."""
    user = allowed_user(request, Action.COMPARE)
    try:
        made = services.store_upload(
            file.name or "load.csv",
            file.read(),
            actor=user,
            now=timezone.now(),
            kind=file.content_type or "",
        )
    except ValueError as error:
        field, _, reason = str(error).partition(": ")
        raise ApiError(422, field, reason) from None
    return Status(201, {"id": made.id, "name": made.name, "num_requests": made.num_requests})


@router.delete("/uploads/{upload_id}", response={204: None, **_FAULTS, 409: Errors})
def remove_upload(request: HttpRequest, upload_id: uuid.UUID) -> Status:
    """Removes a file of yours. Comparisons that have ended keep their load."""
    user = allowed_user(request, Action.COMPARE)
    try:
        services.remove_upload(upload_id, actor=user)
    except Upload.DoesNotExist:
        raise ApiError(404, "id", "there is no such file of this account") from None
    except ValueError as error:
        raise ApiError(409, "upload", str(error).partition(": ")[2]) from None
    return Status(204, None)


api.add_router("/v1", router)
api.add_router("/v1", queue_router)
api.add_router("/v1", opening_router)
