"""Rows of the board: one case as the board shows it."""

from __future__ import annotations

import uuid
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from triage_site.cases.case_words import care_words, complaint_words, patient_words
from triage_site.cases.clinical import GUIDANCE_WORDS, ClinicalStatus, GuidanceStatus
from triage_site.cases.levels import Clock, Level, clock_html, level_of
from triage_site.cases.models import UNCLASSIFIED, Case, CaseStatus
from triage_site.cases.place_words import moved_words
from triage_site.cases.queue_view import QueueView, place_text
from triage_site.cases.standing import Standing, standing_of

COLUMNS = (
    "number", "id", "status", "label", "facts", "changed_facts", "created_by_id", "arrived_at",
    "ended_at", "priority", "suggested_priority", "proposed_priority", "needs_person",
    "person_reasons", "guidance_withheld", "guidance_stale_at", "clinical_status", "seen_at",
    "closed_at", "disposition", "assessed_at", "version", "replay_id", "seen_by__username",
    "department__name", "anonymised_at", "age_band",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One case as the board shows it. Equal rows have equal HTML, except for the clock."""

    case: Case = field(compare=False)
    standing: Standing = field(compare=False)
    case_id: uuid.UUID
    number: int
    version: int
    clinical: str
    guidance: str  # `GuidanceStatus`
    label: str
    owner_id: int
    seer_id: int | None
    needs_person: bool
    why_person: tuple[str, ...]  # in words
    is_not_understood: bool
    changed: bool
    is_lower_proposed: bool
    is_overdue: bool
    is_reassess_due: bool
    is_longest_overdue: bool = False
    level: Level | None
    patient: str  # age and sex
    complaint: str
    state: str  # of the guidance in words, with what is expected
    reason: str  # of the position in the queue
    percent: int | None = None  # of the expected answer, while it is written
    is_queued: bool = False  # its guidance waits, so a person can move it
    moved: str = ""  # "moved up by 2 (anna)"
    department: str = ""  # its name, on boards of several departments
    care_words: str = ""  # who sees the patient since when, or how the case ended

    @property
    def clock(self) -> Clock:
        return self.standing.clock

    @property
    def is_waiting(self) -> bool:
        return self.clinical == ClinicalStatus.WAITING

    @property
    def is_closed(self) -> bool:
        return self.clinical == ClinicalStatus.CLOSED

    @property
    def html(self) -> SafeString:
        # Most rows have not changed since the last fragment, except for the clock.
        clock = clock_html(self.clock, ticking=self.is_waiting)
        return mark_safe(_row_html(self).replace(_CLOCK_MARK, clock))


_CLOCK_MARK: Final = "<!--clock-->"


@lru_cache(maxsize=2000)
def _row_html(row: Row) -> str:
    return render_to_string("cases/_row.html", {"row": row})


@dataclass(frozen=True, slots=True)
class Patient:
    """A case and its wait. A row, which costs more, is made for those that are shown."""

    case: Case
    standing: Standing


@dataclass(frozen=True, slots=True)
class Rows:
    """Makes the rows of one board."""

    queue: QueueView
    now: datetime
    _: KW_ONLY
    is_online: bool
    names_departments: bool = False

    def patient(self, case: Case) -> Patient:
        return Patient(case, standing_of(case, self.now, is_online=self.is_online))

    def row(self, patient: Patient, longest: Patient | None = None) -> Row:
        case, standing = patient.case, patient.standing
        state, reason, percent = self._guidance(case, standing.guidance)
        return Row(
            case=case,
            standing=standing,
            case_id=case.id,
            number=case.number,
            version=case.version,
            clinical=case.clinical_status,
            guidance=standing.guidance,
            label=case.label,
            owner_id=case.created_by_id,
            seer_id=case.seen_by_id,
            needs_person=case.needs_person,
            why_person=case.why_person,
            is_not_understood=case.is_not_understood,
            changed=case.overridden,
            is_lower_proposed=case.proposed_priority is not None,
            is_overdue=standing.is_overdue,
            is_reassess_due=standing.is_reassess_due,
            is_longest_overdue=patient is longest,
            level=level_of(case.priority),
            patient=patient_words(case),
            complaint=complaint_words(case),
            state=state,
            reason=reason,
            percent=percent,
            is_queued=case.status == CaseStatus.QUEUED,
            moved=moved_words(self.queue.places.get(str(case.id))),
            department=case.department.name if self.names_departments else "",
            care_words=care_words(case, self.now),
        )

    def _guidance(self, case: Case, status: GuidanceStatus) -> tuple[str, str, int | None]:
        """Returns state, reason and percentage of the guidance."""
        if case.status == CaseStatus.RUNNING:
            return "Writing", "", self.queue.percent_written(case) or 0
        if case.status == CaseStatus.QUEUED:
            place = self.queue.places.get(str(case.id))
            stale = "Out of date. " if status == GuidanceStatus.STALE else ""
            return (
                stale + place_text(place, is_paused=self.queue.is_paused),
                self.queue.reason(case, place),
                None,
            )
        if case.status in UNCLASSIFIED:
            return "Being classified", "", None
        return GUIDANCE_WORDS[status], "", None
