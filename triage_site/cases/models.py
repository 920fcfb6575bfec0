"""The clinical record: cases and the append-only history of each case."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Concat
from django.utils import timezone

from scheduling.core.request import PRIORITIES
from scheduling.models import AppendOnly
from triage_site.cases.account_models import AccountNotice as AccountNotice
from triage_site.cases.account_models import ApiToken as ApiToken
from triage_site.cases.account_models import AuthenticatorApp as AuthenticatorApp
from triage_site.cases.account_models import FailedName as FailedName
from triage_site.cases.account_models import FirstPassword as FirstPassword
from triage_site.cases.account_models import RecoveryCodes as RecoveryCodes
from triage_site.cases.clinical import (
    DISPOSITION_WORDS,
    STATUS_WORDS,
    ClinicalStatus,
)
from triage_site.cases.department_models import Department as Department
from triage_site.cases.department_models import Opening as Opening
from triage_site.cases.department_models import OpeningNote as OpeningNote
from triage_site.cases.department_models import default_department
from triage_site.cases.replay_models import Replay as Replay
from triage_site.cases.replay_models import ReplayEvent as ReplayEvent
from triage_site.cases.search_text import (
    MAX_LABEL_CHARACTERS,
    SearchLabelField,
    SearchTextField,
    folded,
)
from triage_site.triage import NOT_UNDERSTOOD, PERSON_REASONS
from triage_site.triage.facts import CaseFacts


class CaseStatus(models.TextChoices):
    """The status of classification and guidance. `ClinicalStatus` is that of the patient."""

    RECEIVED = "received", "Received"
    CLASSIFYING = "classifying", "Classifying"
    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Writing"
    DONE = "done", "Done"
    FAILED = "failed", "No guidance"
    CANCELLED = "cancelled", "Cancelled"


UNCLASSIFIED = (CaseStatus.RECEIVED, CaseStatus.CLASSIFYING)
OPEN_STATUSES = (*UNCLASSIFIED, CaseStatus.QUEUED, CaseStatus.RUNNING)
ENDED = (CaseStatus.DONE, CaseStatus.FAILED, CaseStatus.CANCELLED)


class OverrideReason(models.TextChoices):
    CLINICAL_JUDGEMENT = "clinical_judgement", "Clinical judgement"
    WORSE = "worse", "Patient got worse"
    BETTER = "better", "Patient got better"
    NEW_INFORMATION = "new_information", "New information"
    RULE_WRONG = "rule_wrong", "Rule does not apply"
    OTHER = "other", "Other (explain in the note)"


CLINICAL_CHOICES = [(status.value, words) for status, words in STATUS_WORDS.items()]
DISPOSITION_CHOICES = [(one.value, words) for one, words in DISPOSITION_WORDS.items()]


class Case(models.Model):
    """One visit of one patient.

    `facts` is `CaseFacts.to_dict()` as submitted. `changed_facts` are the fields that later
    vital signs and notes changed. `version` counts the changes by people and by the classifier
    after them; a form that was opened on an older version is refused.
    """

    number = models.BigAutoField(primary_key=True)  # short, easy to read aloud
    id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    status = models.CharField(max_length=12, choices=CaseStatus, default=CaseStatus.RECEIVED)
    label = models.CharField(max_length=60, blank=True)  # a bed or a name, never required
    department = models.ForeignKey(
        Department, on_delete=models.PROTECT, related_name="cases", default=default_department
    )
    facts = models.JSONField()
    # For the search alone: the label, and the label with all that was said (search_text.py).
    search_label = SearchLabelField(
        max_length=MAX_LABEL_CHARACTERS, blank=True, default="", db_index=True, editable=False
    )
    search_text = SearchTextField(blank=True, default="", editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    submission_key = models.CharField(max_length=80)
    # Cases of a replay are marked everywhere and in no figure of real ones.
    replay = models.ForeignKey(Replay, null=True, on_delete=models.PROTECT, related_name="cases")
    arrived_at = models.DateTimeField(default=timezone.now)
    classified_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)  # of the guidance
    version = models.PositiveIntegerField(default=0)

    clinical_status = models.CharField(
        max_length=12, choices=CLINICAL_CHOICES, default=ClinicalStatus.WAITING.value
    )
    seen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="cases_seen"
    )
    seen_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    disposition = models.CharField(max_length=20, choices=DISPOSITION_CHOICES, blank=True)
    changed_facts = models.JSONField(default=dict)
    assessed_at = models.DateTimeField(default=timezone.now)  # last looked at by a person

    priority = models.PositiveSmallIntegerField(null=True)  # the current one
    suggested_priority = models.PositiveSmallIntegerField(null=True)  # the classifier's
    proposed_priority = models.PositiveSmallIntegerField(null=True)  # a lower one, to be decided
    classification = models.JSONField(default=dict)  # `Classification.to_dict()`
    needs_person = models.BooleanField(default=False)
    person_reasons = models.JSONField(default=list)  # codes of `triage.PERSON_REASONS`

    guidance = models.TextField(blank=True)
    guidance_withheld = models.BooleanField(default=False)
    guidance_model = models.CharField(max_length=200, blank=True)
    guidance_stale_at = models.DateTimeField(null=True)  # when the facts left the text behind

    # When `manage.py retention` removed words, names and figures. An age is then only a band.
    anonymised_at = models.DateTimeField(null=True)
    age_band = models.CharField(max_length=8, blank=True)

    class Meta:
        ordering: ClassVar = ["-arrived_at"]
        indexes: ClassVar = [
            models.Index(fields=["clinical_status", "arrived_at"]),
            models.Index(fields=["clinical_status", "closed_at"]),
            models.Index(fields=["seen_at"]),
            models.Index(fields=["status", "priority", "arrived_at"]),
            models.Index(fields=["arrived_at"]),
            models.Index(fields=["priority", "arrived_at"]),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["created_by", "submission_key"], name="one_case_per_submission"
            ),
            models.CheckConstraint(
                condition=models.Q(priority=None) | models.Q(priority__in=list(PRIORITIES)),
                name="case_priority_0_to_4",
            ),
        ]

    def __str__(self) -> str:
        return f"case {self.number}"

    @property
    def case_facts(self) -> CaseFacts:
        """What is known now."""
        return CaseFacts.from_dict({**self.facts, **self.changed_facts})

    @property
    def is_open(self) -> bool:
        """Whether guidance is still to come."""
        return self.status in OPEN_STATUSES

    @property
    def is_waiting(self) -> bool:
        """Whether the patient waits to be seen: then the clock runs."""
        return self.clinical_status == ClinicalStatus.WAITING

    @property
    def is_closed(self) -> bool:
        return self.clinical_status == ClinicalStatus.CLOSED

    @property
    def waited_until(self) -> datetime | None:
        """When the wait to be seen ended; None while it goes on."""
        return None if self.is_waiting else (self.seen_at or self.closed_at)

    @property
    def why_person(self) -> tuple[str, ...]:
        """Returns in words why a person is needed."""
        codes = self.person_reasons if self.needs_person else ()
        return tuple(PERSON_REASONS[code] for code in codes if code in PERSON_REASONS)

    @property
    def is_not_understood(self) -> bool:
        """Whether nothing that was said of the case can be relied on, and no person decided."""
        return self.needs_person and not NOT_UNDERSTOOD.isdisjoint(self.person_reasons)

    @property
    def overridden(self) -> bool:
        return self.suggested_priority is not None and self.priority != self.suggested_priority


class CaseEvent(AppendOnly):
    """One event in the history of a case. Rows are never changed."""

    class Kind(models.TextChoices):
        RECEIVED = "received", "received"
        CLASSIFYING = "classifying", "classifying"
        CLASSIFIED = "classified", "classified"
        CLASSIFIER_FAILED = "classifier_failed", "classifier failed"
        QUEUED = "queued", "waiting for guidance"
        RUNNING = "running", "guidance being written"
        PREEMPTED = "preempted", "paused for a more urgent case"
        RETURNED = "returned", "returned to the queue"
        DONE = "done", "guidance ready"
        WITHHELD = "withheld", "guidance withheld"
        FAILED = "failed", "no guidance"
        CANCELLED = "cancelled", "cancelled"
        OVERRIDDEN = "overridden", "priority changed"
        RAISED = "raised", "priority raised automatically"
        PROPOSED = "proposed", "lower priority proposed"
        ACCEPTED = "accepted", "lower priority accepted"
        DISMISSED = "dismissed", "lower priority dismissed"
        RECLASSIFIED = "reclassified", "classified again"
        VITALS = "vitals", "vital signs taken"
        NOTE = "note", "note added"
        MOVED = "moved", "moved in the queue"
        TRANSFERRED = "transferred", "moved to another department"
        SEEN = "seen", "being seen"
        CLOSED = "closed", "closed"
        REOPENED = "reopened", "reopened, waits again"
        STALE = "stale", "guidance out of date"
        VIEWED = "viewed", "viewed"

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=20, choices=Kind)
    at = models.DateTimeField(default=timezone.now)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    data = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["at", "id"]
        indexes: ClassVar = [models.Index(fields=["case", "at"])]

    def __str__(self) -> str:
        return f"{self.case_id} {self.kind}"


class VitalSet(AppendOnly):
    """Vital signs taken at one moment, and NEWS2 of all that was known then."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="vital_sets")
    taken_at = models.DateTimeField()
    taken_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    readings = models.JSONField()  # names of `CaseFacts`, only what was taken
    news2 = models.PositiveSmallIntegerField(null=True)
    news2_complete = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar = ["taken_at", "id"]

    def __str__(self) -> str:
        return f"vital signs of case {self.case_id}"


class CaseNote(AppendOnly):
    """Words that were added after the case was submitted."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="notes")
    at = models.DateTimeField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    text = models.TextField()

    class Meta:
        ordering: ClassVar = ["at", "id"]

    def __str__(self) -> str:
        return f"note on case {self.case_id}"

    def save(self, *args: object, **kwargs: object) -> None:
        """Adds the note, and its words to those that a search of the case looks through."""
        with transaction.atomic():
            super().save(*args, **kwargs)
            words = Concat("search_text", models.Value(f"\n{folded(self.text)}"))
            Case.objects.filter(pk=self.case_id).update(search_text=words)
