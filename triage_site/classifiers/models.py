"""Which classifier speaks, who decided so and why, and what the one in its shadow said."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from scheduling.core.request import PRIORITIES
from scheduling.models import AppendOnly


class ClassifierChange(AppendOnly):
    """One promotion, or its taking back. The newest row says which classifier is live.

    A folder is where a classifier's weights lie; empty is the one that the site is set up with.
    The version names the weights that were judged: others in that folder are not live.
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
    """What a classifier that is not live said about a case, beside what the live one had said.

    `failure` is empty, "slow", or "error: " and the kind of error; then there is no priority.
    No clinical text stands here.
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
    live_version = models.CharField(max_length=200, blank=True)  # empty: it had failed
    live_priority = models.PositiveSmallIntegerField()

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
