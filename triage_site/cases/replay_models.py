"""Replays of a fixture against the live system, started from the operations page."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from scheduling.models import AppendOnly


class ReplayStatus(models.TextChoices):
    SENDING = "sending", "Sending calls"
    SENT = "sent", "All calls sent"
    STOPPED = "stopped", "Stopped"
    FAILED = "failed", "Could not go on"


class Replay(models.Model):
    """The calls of one fixture, sent at `speed` times their pace from `started_at` on.

    `position` counts the steps that are done: calls, and changes for the worse after them.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    fixture = models.CharField(max_length=80)
    speed = models.FloatField()
    status = models.CharField(max_length=12, choices=ReplayStatus, default=ReplayStatus.SENDING)
    started_at = models.DateTimeField()
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    num_calls = models.PositiveIntegerField()
    num_sent = models.PositiveIntegerField(default=0)
    position = models.PositiveIntegerField(default=0)
    heartbeat_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)  # its cases are gone
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        app_label = "cases"
        ordering: ClassVar = ["-started_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["status"],
                condition=models.Q(status="sending"),
                name="one_replay_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"replay of {self.fixture} ({self.status})"


class ReplayEvent(AppendOnly):
    """Who started, stopped and removed a replay."""

    class Kind(models.TextChoices):
        STARTED = "started", "started"
        STOPPED = "stopped", "stopped"
        ENDED = "ended", "ended"
        REMOVED = "removed", "cases removed"

    replay = models.ForeignKey(Replay, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=12, choices=Kind)
    at = models.DateTimeField(default=timezone.now)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    data = models.JSONField(default=dict)

    class Meta:
        app_label = "cases"
        ordering: ClassVar = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.replay_id} {self.kind}"
