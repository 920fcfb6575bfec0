"""The tables of the scheduler: jobs, and the history of policy switches."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from scheduling.core.policies import POLICIES
from scheduling.core.request import PRIORITIES, Request
from scheduling.core.status import OPEN, JobStatus

DEFAULT_POLICY = "semantic"


class AppendOnly(models.Model):
    """A row that is written once. `save` of an existing row and `delete` raise TypeError."""

    class Meta:
        abstract = True

    def save(self, *args: object, **kwargs: object) -> None:
        if not self._state.adding:
            raise TypeError(f"{type(self).__name__} is append-only")
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    def delete(self, *args: object, **kwargs: object) -> tuple[int, dict[str, int]]:
        raise TypeError(f"{type(self).__name__} is append-only")


class Job(models.Model):
    """One generation for one case, from the submission to the stored result."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case_id = models.UUIDField(db_index=True)
    replayed = models.BooleanField(default=False)  # of a replay: no figure of real cases counts it
    created_at = models.DateTimeField(auto_now_add=True)
    status = models.CharField(
        max_length=12,
        default=JobStatus.WAITING.value,
        choices=[(status.value, status.value) for status in JobStatus],
    )
    priority = models.PositiveSmallIntegerField()
    prompt = models.TextField()
    prompt_tokens = models.PositiveIntegerField()
    predicted_tokens = models.PositiveIntegerField()
    generated_tokens = models.PositiveIntegerField(default=0)
    arrival_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)

    # Only while it runs: the worker and its claim. A write with an older claim is refused.
    worker = models.CharField(max_length=80, blank=True)
    claim_token = models.CharField(max_length=64, blank=True)
    attempt = models.PositiveIntegerField(default=0)
    num_failures = models.PositiveIntegerField(default=0)
    failed_at = models.DateTimeField(null=True)  # when an attempt failed last
    num_preemptions = models.PositiveIntegerField(default=0)
    # The tokens and text so far, from which a preempted generation resumes.
    progress_token_ids = models.JSONField(default=list)
    progress_text = models.TextField(blank=True)

    started_at = models.DateTimeField(null=True)
    first_token_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    output = models.TextField(blank=True)
    finish_reason = models.CharField(max_length=40, blank=True)
    error = models.TextField(blank=True)
    model_name = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["status", "priority", "arrival_at"]),
            models.Index(fields=["started_at"]),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["case_id"],
                condition=models.Q(status__in=sorted(OPEN)),
                name="one_open_job_per_case",
            ),
            models.CheckConstraint(
                condition=models.Q(priority__in=list(PRIORITIES)), name="job_priority_0_to_4"
            ),
        ]

    def __str__(self) -> str:
        return f"job {self.id} ({self.status}, priority {self.priority})"

    def to_request(self) -> Request:
        """Returns the request that core and queue sort. Times are seconds since the Unix epoch."""
        due = {} if self.due_at is None else {"due_seconds": self.due_at.timestamp()}
        return Request(
            id=str(self.id),
            arrival_seconds=self.arrival_at.timestamp(),
            priority=self.priority,
            prompt_tokens=self.prompt_tokens,
            predicted_tokens=self.predicted_tokens,
            generated_tokens=self.generated_tokens,
            **due,
        )


class Forecast(AppendOnly):
    """What a case was told when it was queued, in seconds from `made_at`; to be judged later.

    Of the possible courses one in ten lay below the low end of a range, one in ten above the
    high one.
    """

    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="forecast")
    made_at = models.DateTimeField(db_index=True)
    policy = models.CharField(max_length=40)
    starts_low = models.FloatField()
    starts_median = models.FloatField()
    starts_high = models.FloatField()
    ends_low = models.FloatField()
    ends_median = models.FloatField()
    ends_high = models.FloatField()

    def __str__(self) -> str:
        return f"forecast of job {self.job_id} at {self.made_at:%Y-%m-%d %H:%M:%S}"


class PolicyChange(AppendOnly):
    """One switch of the active policy. `new` of the newest row is the active policy."""

    changed_at = models.DateTimeField(default=timezone.now)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    old = models.CharField(max_length=40)
    new = models.CharField(max_length=40, choices=[(n, p.title) for n, p in POLICIES.items()])
    reason = models.CharField(max_length=500)
    preview = models.JSONField(default=dict)  # what it was expected to do, by level

    class Meta:
        ordering: ClassVar = ["-changed_at", "-id"]

    def __str__(self) -> str:
        return f"{self.old} to {self.new} at {self.changed_at:%Y-%m-%d %H:%M:%S}"


class LevelMinute(models.Model):
    """What happened to the guidance of one level within one minute. No row: nothing happened.

    `waits` are the seconds from arrival to the start of guidance of the cases that started.
    """

    minute = models.DateTimeField()
    priority = models.PositiveSmallIntegerField()
    replayed = models.BooleanField(default=False)
    arrived = models.PositiveIntegerField(default=0)
    in_time = models.PositiveIntegerField(default=0)  # started before the deadline
    waits = models.JSONField(default=list)
    waiting = models.PositiveIntegerField(default=0)  # at the end of the minute

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["minute", "priority", "replayed"], name="one_row_per_minute_and_level"
            )
        ]

    def __str__(self) -> str:
        return f"level {self.priority} at {self.minute:%Y-%m-%d %H:%M}"


class WorkerMinute(models.Model):
    """The last report of one worker within one minute. Counts go on from minute to minute."""

    minute = models.DateTimeField()
    worker = models.CharField(max_length=80)
    reported_at = models.DateTimeField()
    slots = models.PositiveIntegerField(default=0)
    slots_used = models.FloatField(default=0.0)  # mean of the samples
    kv_share = models.FloatField(null=True)  # mean of the samples; None where unknown
    samples = models.PositiveIntegerField(default=1)
    tokens = models.BigIntegerField(default=0)  # written since the engine started
    tokens_again = models.BigIntegerField(default=0)  # computed again since the worker started
    preemptions = models.PositiveIntegerField(default=0)  # since the worker started

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["minute", "worker"], name="one_row_per_minute_and_worker"
            )
        ]

    def __str__(self) -> str:
        return f"{self.worker} at {self.minute:%Y-%m-%d %H:%M}"


class SwitchOutcome(AppendOnly):
    """What followed a policy change, beside its forecast, once all cases it spoke of had started.

    `levels` holds, by level: `cases`, and the mean seconds to the start `forecast`, `low`,
    `high` and `actual`. Empty where another change came before they had started.
    """

    change = models.OneToOneField(PolicyChange, on_delete=models.CASCADE, related_name="outcome")
    judged_at = models.DateTimeField()
    levels = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"outcome of change {self.change_id}"
