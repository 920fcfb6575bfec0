"""The tables of the scheduler: jobs, their moves in the queue, switches, pauses, forecasts."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from scheduling.core.policies import POLICIES
from scheduling.core.request import PRIORITIES, Request
from scheduling.core.status import OPEN, JobStatus
from scheduling.job_rows import SORT_FIELDS, request_of_row

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
    first_in_level = models.BooleanField(default=False)

    # Where a person put it within its level: the values that it is sorted by, in seconds since
    # the Unix epoch and in tokens. No deadline is null.
    manual_arrival = models.FloatField(null=True)
    manual_tokens = models.PositiveIntegerField(null=True)
    manual_due = models.FloatField(null=True)
    manual_nudge = models.FloatField(null=True)
    manual_first = models.BooleanField(default=False)  # among those that go first in the level
    manual_steps = models.IntegerField(default=0)  # places of its level that it went up in all
    manual_by = models.CharField(max_length=150, blank=True)  # name of the account

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
        return request_of_row(*(getattr(self, name) for name in SORT_FIELDS))


class Forecast(models.Model):
    """What the pages showed for a case without guidance, in seconds from `made_at`; judged later.

    `is_first`: when it was queued. The others are samples, taken each second; old ones are
    removed, so this is no append-only history.

    Of the possible courses one in ten lay below the low end of a range, one in ten above the
    high one; then both ends were moved away from the median by the factor `stretch`.
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="forecasts")
    is_first = models.BooleanField(default=True)
    made_at = models.DateTimeField(db_index=True)
    policy = models.CharField(max_length=40)
    starts_low = models.FloatField()
    starts_median = models.FloatField()
    starts_high = models.FloatField()
    ends_low = models.FloatField()
    ends_median = models.FloatField()
    ends_high = models.FloatField()
    stretch = models.FloatField(default=1.2)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["job"], condition=models.Q(is_first=True), name="one_first_forecast_per_job"
            )
        ]

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


class AdmissionChange(AppendOnly):
    """Admission was paused or resumed. The newest row says whether waiting jobs may start."""

    changed_at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    paused = models.BooleanField()
    reason = models.CharField(max_length=500)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{'paused' if self.paused else 'resumed'} at {self.changed_at:%Y-%m-%d %H:%M:%S}"


class QueueMove(AppendOnly):
    """The receipt of one move of a job in the queue: what it was decided on. Numbers and ids only.

    The newest deciding row of each job up to a moment gives the queue of that moment.
    """

    class Kind(models.TextChoices):
        QUEUED = "queued", "queued"
        STARTED = "started", "started"
        DISPLACED = "displaced", "displaced by a more urgent case"
        RETURNED = "returned", "given back"
        LEVEL = "level", "level changed"
        REWRITTEN = "rewritten", "facts changed"
        MOVED = "moved", "moved by a person"
        PROMOTED = "promoted", "deadline passed"
        SWITCHED = "switched", "policy switched"
        ENDED = "ended", "ended"
        CANCELLED = "cancelled", "cancelled"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="moves")
    at = models.DateTimeField(db_index=True)
    kind = models.CharField(max_length=12, choices=Kind)
    policy = models.CharField(max_length=40)
    status = models.CharField(max_length=12)  # of the job, after the move
    factors = models.JSONField(null=True)  # `receipts.factors_of`; null where none could be read
    key = models.JSONField(default=list)  # what the policy sorts by
    rank = models.PositiveIntegerField(null=True)  # 0 is next; null if it does not wait
    num_waiting = models.PositiveIntegerField(null=True)
    ahead = models.JSONField(default=list)  # jobs before it, by level
    first_ahead = models.JSONField(default=list)  # ids of the first jobs before it
    why = models.CharField(max_length=80, blank=True)  # a word of ours
    by_job = models.UUIDField(null=True)  # the job that took its slot
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["job", "id"])]
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"job {self.job_id} {self.kind} at {self.at:%Y-%m-%d %H:%M:%S}"


# Kinds that only explain: they change neither the values of a job nor whether it waits.
EXPLAINING = frozenset({QueueMove.Kind.PROMOTED, QueueMove.Kind.SWITCHED})


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
    # Seconds that the case that waits longest at the end has waited; null in old rows.
    longest = models.FloatField(null=True)

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
