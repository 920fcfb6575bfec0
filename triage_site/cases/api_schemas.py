"""Request and response bodies of the HTTP API."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from ninja import Schema
from pydantic import ConfigDict, Field, create_model, field_validator

from triage_site.cases.entry import MAX_LABEL_CHARACTERS, MAX_TEXT_CHARACTERS
from triage_site.cases.storable import NOT_STORABLE, unstorable_field
from triage_site.triage.facts import ArrivalMode, Consciousness, Sex
from triage_site.triage.vitals import VITAL_RANGES


class _In(Schema):
    """A request body. Text that no database stores is refused."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _is_storable(cls, value: Any) -> Any:
        if unstorable_field(value) is not None:
            raise ValueError(NOT_STORABLE)
        return value


class _Facts(_In):
    """`CaseFacts` as JSON, without the vital signs."""

    text: str = Field(max_length=MAX_TEXT_CHARACTERS)
    age_years: float | None = None
    sex: str = Sex.UNKNOWN.value
    arrival_mode: str = ArrivalMode.UNKNOWN.value
    injury: bool | None = None
    on_oxygen: bool | None = None
    consciousness: str = Consciousness.NOT_TAKEN.value
    spo2_scale_2: bool = False
    label: str = Field(default="", max_length=MAX_LABEL_CHARACTERS)
    confirmed: bool = Field(
        default=False, description="Unusual but possible values have been checked."
    )


_VITALS: Any = dict.fromkeys(VITAL_RANGES, (float | str | None, None))
_FactsAndVitals: Any = create_model("_FactsAndVitals", __base__=_Facts, **_VITALS)


class NewCase(_FactsAndVitals):
    """`CaseFacts` as JSON. An absent vital sign was not taken; "unmeasurable" means it failed."""


class OverrideIn(_In):
    priority: int
    reason: str
    note: str = Field(default="", max_length=2000)


class CancelIn(_In):
    reason: str = Field(default="", max_length=500)


class PolicyIn(_In):
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
    starts_range: tuple[float, float] | None = Field(
        description="8 of 10 starts should fall between these seconds from now"
    )
    ends_in_seconds: float | None
    ends_range: tuple[float, float] | None
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
    starts_range: tuple[float, float] | None = Field(
        description="8 of 10 starts should fall between these seconds from now"
    )
    ends_in_seconds: float | None
    ends_range: tuple[float, float] | None
    arrived_at: datetime


class QueueOut(Schema):
    policy: str
    running: list[uuid.UUID]
    waiting: list[QueueItem]


class PolicyOut(Schema):
    policy: str
    policies: dict[str, str]
