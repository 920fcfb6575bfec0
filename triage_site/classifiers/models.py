"""Changes of the active classifier, and the answers of the shadow classifier."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from scheduling.core.request import PRIORITIES
from scheduling.models import AppendOnly


class ClassifierChange(AppendOnly):
    """One promotion or its undo. The newest row holds the active classifier.

    A folder holds the weights of a classifier; an empty folder means the one of the settings.
    The version names the compared weights: other weights in that folder do not become active.
    """

    changed_at = models.DateTimeField(default=timezone.now)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    old_folder = models.CharField(max_length=500, blank=True)
    old_version = models.CharField(max_length=200)
    new_folder = models.CharField(max_length=500, blank=True)
    new_version = models.CharField(max_length=200)
    reason = models.CharField(max_length=500)

    class Meta:
        ordering: ClassVar = ["-changed_at", "-id"]

    def __str__(self) -> str:
        return f"{self.old_version} to {self.new_version} at {self.changed_at:%Y-%m-%d %H:%M:%S}"


class ShadowAnswer(AppendOnly):
    """The answer of the shadow classifier to a case, and that of the active classifier.

    `failure` is empty, "slow", or "error: " and the type of the error. With a failure there is
    no priority. The row holds no clinical text.
    """

    case_id = models.UUIDField()
    version = models.CharField(max_length=200)
    answered_at = models.DateTimeField(default=timezone.now)
    seconds = models.FloatField()
    failure = models.CharField(max_length=80, blank=True)
    priority = models.PositiveSmallIntegerField(null=True)
    model_priority = models.PositiveSmallIntegerField(null=True)
    level_set = models.JSONField(default=list)
    needs_person = models.BooleanField(default=False)
    active_version = models.CharField(max_length=200, blank=True)  # empty: it had failed
    active_priority = models.PositiveSmallIntegerField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["version", "answered_at"])]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["case_id", "version"], name="one_shadow_answer_per_case_and_version"
            ),
            models.CheckConstraint(
                condition=models.Q(priority=None) | models.Q(priority__in=list(PRIORITIES)),
                name="shadow_priority_0_to_4",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version} on case {self.case_id}"
