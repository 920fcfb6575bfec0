"""Who did and saw what, apart from single cases, and the chain that seals all histories.

Acts on a case are rows of its own history (`CaseEvent`); changes of policy and classifier have
their tables. All are append-only, and all are sealed.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from scheduling.models import AppendOnly


class AuditRecord(AppendOnly):
    """One act that belongs to no single case. `data` holds ids and numbers, no clinical text."""

    class Kind(models.TextChoices):
        SIGNED_IN = "signed_in", "signed in"
        SIGNED_OUT = "signed_out", "signed out"
        SIGN_IN_FAILED = "sign_in_failed", "sign-in failed"
        LOCKED_OUT = "locked_out", "locked out after failed sign-ins"
        TOKEN_REFUSED = "token_refused", "API token refused"
        VIEWED = "viewed", "viewed records"
        ACTED = "acted", "acted"
        REFUSED = "refused", "access refused"
        ACCOUNT = "account", "account changed"
        RETENTION = "retention", "old records removed"

    at = models.DateTimeField(db_index=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    kind = models.CharField(max_length=20, choices=Kind)
    what = models.CharField(max_length=80, blank=True)  # the name of the address, or of the act
    data = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.what}"


class AuditSeal(AppendOnly):
    """A link of the chain: the digests of some rows of one table, and the seal before it.

    `digest` is the SHA-256 of everything else here. Rows keep their digests one by one, so that
    a row that retention removed does not hide what happened to its neighbours.
    """

    at = models.DateTimeField()
    table = models.CharField(max_length=80)
    columns = models.JSONField()  # those that the digests of the rows cover
    rows = models.JSONField()  # id of the row: its digest
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    previous = models.CharField(max_length=64, unique=True)  # so two processes cannot fork it
    digest = models.CharField(max_length=64)

    class Meta:
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["table", "last_id"])]

    def __str__(self) -> str:
        return f"seal {self.id} of {self.table}"
