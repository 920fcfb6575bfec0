"""The columns of a job that a request is made of."""

from __future__ import annotations

import uuid
from datetime import datetime
from math import inf
from typing import Any, Final

from scheduling.core.request import ManualPlace, Request

# In the order of the arguments of `request_of_row`.
SORT_FIELDS: Final = (
    "id", "priority", "arrival_at", "due_at", "prompt_tokens", "predicted_tokens",
    "generated_tokens", "first_in_level", "manual_arrival", "manual_tokens", "manual_due",
    "manual_nudge", "manual_first",
)  # fmt: skip


def request_of_row(
    job_id: uuid.UUID,
    priority: int,
    arrival_at: datetime,
    due_at: datetime | None,
    prompt: int,
    predicted: int,
    generated: int,
    first_in_level: bool,
    *manual: float | None,
) -> Request:
    """Returns the request of a row of `SORT_FIELDS`. Raises ValueError, TypeError or
    AttributeError if a value cannot be used."""
    return Request(
        id=str(job_id),
        arrival_seconds=arrival_at.timestamp(),
        priority=priority,
        prompt_tokens=prompt,
        predicted_tokens=predicted,
        generated_tokens=generated,
        due_seconds=inf if due_at is None else due_at.timestamp(),
        first_in_level=first_in_level,
        manual=_manual_place(*manual),
    )


def _manual_place(
    arrival: float | None,
    tokens: float | None,
    due: float | None,
    nudge: float | None,
    first_in_level: float | None,
) -> ManualPlace | None:
    if arrival is None:
        return None
    return ManualPlace(
        arrival_seconds=arrival,
        tokens=int(tokens or 0),
        due_seconds=inf if due is None else due,
        nudge=nudge or 0.0,
        first_in_level=bool(first_in_level),
    )


# The values of a job that stands where the policy puts it.
NO_MANUAL_PLACE: Final[dict[str, Any]] = {
    **dict.fromkeys(("manual_arrival", "manual_tokens", "manual_due", "manual_nudge")),
    "manual_first": False,
    "manual_steps": 0,
    "manual_by": "",
}
