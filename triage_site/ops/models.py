"""What the operator's console keeps: comparisons of policies and uploaded loads."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, ClassVar, Final

from django.conf import settings
from django.db import models
from django.utils import timezone

from scheduling.core.policies import POLICIES

UNUSED_UPLOAD: Final = timedelta(days=30)  # after that `manage.py retention` removes it


class Upload(models.Model):
    """A load that a person uploaded. Times and numbers of tokens only; they never change.

    `manage.py retention` removes what nobody used for some time: a comparison keeps its own load.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    content = models.TextField()
    num_requests = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    num_bytes = models.PositiveIntegerField(default=0)
    used_at = models.DateTimeField(default=timezone.now)  # stored, or chosen for a comparison

    class Meta:
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"upload {self.id}"


class ComparisonStatus(models.TextChoices):
    QUEUED = "queued", "Waiting to start"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Could not run"
    CANCELLED = "cancelled", "Cancelled"


UNFINISHED = (ComparisonStatus.QUEUED, ComparisonStatus.RUNNING)


class Comparison(models.Model):
    """Several policies on one load. `choices` is the request as the API takes it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    choices = models.JSONField()
    status = models.CharField(
        max_length=12, choices=ComparisonStatus, default=ComparisonStatus.QUEUED
    )
    progress = models.FloatField(default=0.0)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    # While it runs: which attempt, and when its process last reported.
    attempt = models.PositiveIntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True)

    num_requests = models.PositiveIntegerField(default=0)
    notes = models.JSONField(default=list)  # sentences about how the load was read
    results = models.JSONField(default=dict)  # figures by policy, as `compare --json` has them
    bound = models.JSONField(default=dict)
    series = models.JSONField(default=dict)  # what the charts are drawn from, by policy
    service_model = models.JSONField(default=dict)  # where it was measured here: a setting file
    load_gzip = models.BinaryField(default=bytes)  # the requests as CSV, so that it can be redone
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [models.Index(fields=["status", "created_at"])]

    def __str__(self) -> str:
        return f"comparison {self.id} ({self.status})"

    @property
    def ordered_results(self) -> dict[str, Any]:
        """`results` in the order of the policies. PostgreSQL keeps no order of its own."""
        known = [name for name in POLICIES if name in self.results]
        return {name: self.results[name] for name in dict.fromkeys([*known, *self.results])}
