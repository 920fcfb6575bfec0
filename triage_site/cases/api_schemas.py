"""Request and response bodies of the HTTP API."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any, Final

from ninja import Schema
from pydantic import ConfigDict, Field, model_validator

from scheduling.queue_control import MAX_STEPS
from triage_site.cases.api_fields import (
    ArrivalField,
    ClinicalField,
    ConsciousnessField,
    DecisionField,
    DispositionField,
    Flag,
    GuidanceField,
    Moment,
    Number,
    PolicyField,
    Priority,
    ReadingOf,
    ReasonField,
    SexField,
    Storable,
    Whole,
    WholeInAddress,
    Yes,
    YesInAddress,
)
from triage_site.cases.entry import MAX_LABEL_CHARACTERS, MAX_TEXT_CHARACTERS

MAX_PAGE: Final = 200


class In(Schema):
    """A body: an unknown field is an error."""

    model_config = ConfigDict(extra="forbid")


class Vitals(In):
    """Absent vital signs were not taken, "unmeasurable" could not be."""

    rr_bpm: Annotated[Any, ReadingOf("rr_bpm", 18)] = None
    spo2_percent: Annotated[Any, ReadingOf("spo2_percent", 97)] = None
    on_oxygen: Flag = None
    sbp_mmhg: Annotated[Any, ReadingOf("sbp_mmhg", 124)] = None
    dbp_mmhg: Annotated[Any, ReadingOf("dbp_mmhg", 78)] = None
    hr_bpm: Annotated[Any, ReadingOf("hr_bpm", 104)] = None
    temp_c: Annotated[Any, ReadingOf("temp_c", 37.2)] = None
    pain_score: Annotated[Any, ReadingOf("pain_score", 6)] = None
    consciousness: ConsciousnessField = "not_taken"
    spo2_scale_2: Yes = Field(default=False, description="Target SpO2 88-92 %: NEWS2 scale 2.")

    def taken(self) -> dict[str, Any]:
        """What was given and says something, as `CaseFacts.to_dict` has it."""
        given = self.dict(include=set(Vitals.model_fields), exclude_none=True)
        return {
            name: value
            for name, value in given.items()
            if value != "not_taken" and not (name == "spo2_scale_2" and value is False)
        }


class NewCase(Vitals):
    """`CaseFacts` as JSON. An absent vital sign was not taken; "unmeasurable" means it failed."""

    text: Annotated[
        str,
        Field(max_length=MAX_TEXT_CHARACTERS, examples=["crushing chest pain since noon"]),
        Storable,
    ]
    age_years: Number = Field(default=None, ge=0, le=125, examples=[61])
    sex: SexField = "unknown"
    arrival_mode: ArrivalField = "unknown"
    injury: Flag = None
    label: Annotated[str, Field(max_length=MAX_LABEL_CHARACTERS, examples=["Bed 3"]), Storable] = ""
    department: Annotated[str, Field(max_length=16), Storable] = Field(
        default="", description="Code of one of your departments; without it the first of yours."
    )
    confirmed: Yes = Field(
        default=False, description="Unusual but possible values have been checked."
    )


class Versioned(In):
    version: Whole | None = Field(
        default=None,
        ge=0,
        description="The `version` of the case that this change is meant for; another one is "
        "refused with 409. Without it the change is made whatever happened meanwhile.",
        examples=[3],
    )

    @model_validator(mode="before")
    @classmethod
    def _empty_body(cls, value: Any) -> Any:
        return {} if value is None else value


class VitalsIn(Vitals, Versioned):
    """Vital signs taken again, with the fields of a new case; `text` is a note about them."""

    text: Annotated[
        str, Field(max_length=2000, examples=["looks worse than an hour ago"]), Storable
    ] = ""
    confirmed: Yes = Field(
        default=False, description="Unusual but possible values have been checked."
    )


class NoteIn(Versioned):
    text: Annotated[
        str, Field(max_length=2000, examples=["takes warfarin, her daughter says"]), Storable
    ]


class OverrideIn(Versioned):
    priority: Priority
    reason: ReasonField
    note: Annotated[str, Field(max_length=2000, examples=["grey and sweating"]), Storable] = ""


class CloseIn(Versioned):
    disposition: DispositionField
    reason: Annotated[str, Field(max_length=500, examples=[""]), Storable] = ""


class ProposalIn(Versioned):
    decision: DecisionField


class CancelIn(In):
    reason: Annotated[str, Field(max_length=500, examples=["entered twice"]), Storable] = ""


class MoveIn(Versioned):
    """A move within the level: up by `steps` cases, down below 0, 0 for the policy's place."""

    steps: Whole = Field(ge=-MAX_STEPS, le=MAX_STEPS, examples=[1])
    reason: Annotated[str, Field(max_length=500, examples=["relatives wait"]), Storable]


class TransferIn(Versioned):
    """`department` is the code of another department of the site."""

    department: Annotated[str, Field(max_length=16, examples=["PAED"]), Storable]
    reason: Annotated[str, Field(max_length=500, examples=["a child"]), Storable]


class AdmissionIn(In):
    paused: Yes
    reason: Annotated[str, Field(max_length=500, examples=["model update"]), Storable] = ""


class PolicyIn(In):
    policy: PolicyField
    reason: Annotated[str, Field(max_length=500, examples=["many short cases wait"]), Storable]


class CaseFilter(Schema):
    """Which cases of the list, and which page of it."""

    clinical_status: ClinicalField | None = None
    guidance_status: GuidanceField | None = None
    priority: WholeInAddress | None = Field(default=None, ge=0, le=4)
    q: Annotated[str, Field(max_length=200, examples=["chest"]), Storable] = Field(
        default="",
        description="Number of the case or bed, or words that all stand in the complaint, the "
        "notes, the name or the bed. Letters match with and without accents.",
    )
    needs_person: YesInAddress = Field(
        default=False, description="Only those that a person must check."
    )
    overdue: YesInAddress = Field(default=False, description="Only those who wait past the target.")
    arrived_from: Moment | None = Field(
        default=None, description="With a time zone.", examples=["2026-03-01T08:00:00Z"]
    )
    arrived_until: Moment | None = Field(
        default=None, description="Before this time.", examples=["2026-03-02T08:00:00Z"]
    )
    limit: WholeInAddress = Field(default=50, ge=1, le=MAX_PAGE)
    offset: WholeInAddress = Field(default=0, ge=0, le=10**9)


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


class VitalsOut(Schema):
    """Vital signs of one moment; `news2` is the score of all that was known then."""

    taken_at: datetime
    taken_by: str
    readings: dict[str, float | bool | str]
    news2: int | None
    news2_complete: bool


class CaseBrief(Schema):
    """A case as lists show it."""

    id: uuid.UUID
    number: int
    label: str
    department: str = Field(description="Code of the department.")
    replayed: bool = Field(description="Of a replay, not of a real patient.")
    clinical_status: ClinicalField
    guidance_status: GuidanceField
    priority: int | None
    needs_person: bool
    person_reasons: list[str] = Field(
        description="Why a person should decide, as codes; `not_understood` and `contradiction` "
        "go first within their level."
    )
    arrived_at: datetime
    seen_at: datetime | None
    seen_by: str | None
    closed_at: datetime | None
    disposition: str
    anonymised_at: datetime | None = Field(
        description="When words, names and figures of an old case were removed."
    )
    age_band: str = Field(description="Of an anonymised case, in years; else empty.")
    wait_seconds: float = Field(description="From arrival until seen, closed or now.")
    overdue: bool = Field(description="Waits longer than the target of its level.")
    reassess_at: datetime | None = Field(description="When somebody should look again.")


class CasePage(Schema):
    count: int
    limit: int
    offset: int
    items: list[CaseBrief]


class CaseOut(CaseBrief):
    version: int
    status: str = Field(description="Of classification and writing.")
    suggested_priority: int | None = Field(
        description="The level that the classifier set last, or that a person accepted."
    )
    classifier_priority: int | None = Field(description="What the classifier says now.")
    level_set_at: datetime | None = Field(description="When the present level was set or kept.")
    level_set_by: str = Field(description="The person who decided it; empty: the classifier.")
    classifier_priority_then: int | None = Field(
        description="What the classifier said when that person decided."
    )
    level_words: str = Field(
        description="Why the level is not what the classifier says; empty where they agree."
    )
    proposed_priority: int | None = Field(
        description="A lower level that the classifier proposes; a person decides."
    )
    reasons: list[Reason]
    position: int | None
    starts_in_seconds: float | None
    starts_range: tuple[float, float] | None = Field(
        description="8 of 10 starts should fall between these seconds from now"
    )
    ends_in_seconds: float | None
    ends_range: tuple[float, float] | None
    place: str = Field(description="Why it stands there, in one sentence; empty if not waiting.")
    moved: str = Field(description="How a person moved it within its level; empty if not.")
    paused: bool = Field(description="Waiting cases do not start now.")
    timestamps: list[Timestamp]
    warnings: list[ErrorItem]
    vitals: list[VitalsOut]
    allergies: str
    medicines: list[str]
    guidance: str
    guidance_withheld: bool
    guidance_withheld_reason: str = Field(description="A sentence; empty where nothing is.")
    guidance_model: str
    guidance_stale: bool = Field(description="`guidance` is older than the facts.")


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
    place: str = Field(description="Why it stands there, in one sentence.")
    moved: str = Field(description="How a person moved it within its level; empty if not.")


class AdmissionOut(Schema):
    """Whether waiting cases may start."""

    paused: bool
    since: datetime | None
    by: str | None
    reason: str


class QueueOut(Schema):
    policy: str
    admission: AdmissionOut
    running: list[uuid.UUID]
    waiting: list[QueueItem]


class PolicyOut(Schema):
    policy: str
    policies: dict[str, str]
