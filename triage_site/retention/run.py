"""One application of the retention: when, for whom, and its record in the audit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from triage_site.audit.models import AuditRecord
from triage_site.audit.services import record


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """`actor` is None where a command ran without the name of an account."""

    now: datetime
    actor: User | None = None

    @property
    def about(self) -> dict[str, Any]:
        return {"by": "command" if self.actor is None else self.actor.get_username()}

    def record(self, rule: str, cutoff: datetime, counts: Counter[str]) -> None:
        """Says in the audit how many rows of each table one transaction removed or changed."""
        rows = {name: num for name, num in sorted(counts.items()) if num}
        if rows:
            data = {**self.about, "rule": rule, "cutoff": cutoff.isoformat(), "rows": rows}
            record(
                AuditRecord.Kind.RETENTION,
                self.now,
                actor=self.actor,
                what="retention",
                data=data,
            )
