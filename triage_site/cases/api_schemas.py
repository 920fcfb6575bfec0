"""What goes into the HTTP API and what comes out."""

from __future__ import annotations

import uuid
from datetime import datetime

from ninja import Schema
from pydantic import ConfigDict, Field


class NewCase(Schema):
    """`CaseFacts` as JSON: absent vitals were not taken, "unmeasurable" could not be."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=10_000)
    age_years: float | None = None
    sex: str = "unknown"
    arrival_mode: str = "unknown"
    injury: bool | None = None
    rr_bpm: float | str | None = None
    spo2_percent: float | str | None = None
    on_oxygen: bool | None = None
    sbp_mmhg: float | str | None = None
    dbp_mmhg: float | str | None = None
    hr_bpm: float | str | None = None
    temp_c: float | str | None = None
    pain_score: float | str | None = None
    consciousness: str = "not_taken"
    spo2_scale_2: bool = False
    label: str = Field(default="", max_length=60)
    confirmed: bool = Field(
        default=False, description="Unusual but possible values have been looked at again."
    )


class OverrideIn(Schema):
    model_config = ConfigDict(extra="forbid")

    priority: int
    reason: str
    note: str = Field(default="", max_length=2000)


class CancelIn(Schema):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=500)


class PolicyIn(Schema):
    model_config = ConfigDict(extra="forbid")

    policy: str
    reason: str = Field(max_length=500)


class ErrorItem(Schema):
    field: str
    reason: str


class Errors(Schema):
    errors: list[ErrorItem]


class Reason(Schema):
    kind: str
    text: str
    words: list[str]
    weight: float | None
    source: str


class Timestamp(Schema):
    status: str
    at: datetime


class CaseOut(Schema):
    id: uuid.UUID
    number: int
    status: str
    priority: int | None
    suggested_priority: int | None
    needs_person: bool
    reasons: list[Reason]
    position: int | None
    starts_in_seconds: float | None
    timestamps: list[Timestamp]
    warnings: list[ErrorItem]
    guidance: str
    guidance_withheld: bool
    guidance_model: str


class QueueItem(Schema):
    id: uuid.UUID
    number: int
    priority: int
    position: int
    starts_in_seconds: float | None
    arrived_at: datetime


class QueueOut(Schema):
    policy: str
    running: list[uuid.UUID]
    waiting: list[QueueItem]


class PolicyOut(Schema):
    policy: str
    policies: dict[str, str]
