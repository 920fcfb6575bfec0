"""Departments, and the openings of cases of other departments (break-glass)."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models

from scheduling.models import AppendOnly

DEFAULT_CODE, DEFAULT_NAME = "ED", "Emergency department"


class Department(models.Model):
    """A part of the site that has its own cases and people. A site may have one only."""

    code = models.CharField(max_length=16, unique=True)  # short, for commands and the API
    name = models.CharField(max_length=80, unique=True)
    people = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="departments")

    class Meta:
        app_label = "cases"
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.name


def default_department() -> int:
    """Returns the id of the first department, which exists from the migration on."""
    ids = Department.objects.order_by("id").values_list("id", flat=True)
    first = ids.first()
    if first is not None:
        return first
    defaults = {"name": DEFAULT_NAME}
    return Department.objects.get_or_create(code=DEFAULT_CODE, defaults=defaults)[0].pk


class Opening(AppendOnly):
    """A person opened a case of another department, with a reason, until a time."""

    case = models.ForeignKey("cases.Case", on_delete=models.PROTECT, related_name="openings")
    at = models.DateTimeField(db_index=True)
    until = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="openings"
    )
    reason = models.CharField(max_length=500)

    class Meta:
        app_label = "cases"
        verbose_name = "case of another department opened"
        ordering: ClassVar = ["-at", "-id"]
        indexes: ClassVar = [models.Index(fields=["actor", "until"], name="opening_by_actor")]

    def __str__(self) -> str:
        return f"opening of case {self.case_id}"  # without the reason, which may be clinical

    @property
    def audit_detail(self) -> str:
        return f"until {self.until:%Y-%m-%d %H:%M:%S} UTC, reason: {self.reason}"

    def is_open(self, now: datetime) -> bool:
        return self.until > now


class OpeningNote(AppendOnly):
    """A charge nurse has seen the alert of an opening, or somebody has reviewed the opening."""

    case_field = "opening__case_id"  # for the audit log

    class Kind(models.TextChoices):
        SEEN = "seen", "opening acknowledged"
        REVIEWED = "reviewed", "opening reviewed"

    opening = models.ForeignKey(Opening, on_delete=models.PROTECT, related_name="notes")
    kind = models.CharField(max_length=12, choices=Kind)
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    text = models.CharField(max_length=500, blank=True)

    class Meta:
        app_label = "cases"
        ordering: ClassVar = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.kind} opening {self.opening_id}"

    @property
    def audit_detail(self) -> str:
        return f"opening {self.opening_id}{f': {self.text}' if self.text else ''}"
