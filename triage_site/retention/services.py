"""What an operator set about old records: what it would do, and doing it in small steps."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from triage_site.audit.models import AuditRecord
from triage_site.audit.services import record
from triage_site.audit.verification import DAMAGE, new_faults
from triage_site.retention import audit, cases
from triage_site.retention.run import Run
from triage_site.retention.table import TABLES, Fate

log = structlog.get_logger(__name__)

Counts = Counter[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Older records go. None: they stay for ever."""

    cases_before: datetime | None
    audit_before: datetime | None


def rules(now: datetime) -> Rules:
    return Rules(
        cases_before=_before(now, settings.TRIAGE_RETENTION_CASE_DAYS),
        audit_before=_before(now, settings.TRIAGE_RETENTION_AUDIT_DAYS),
    )


def _before(now: datetime, days: int | None) -> datetime | None:
    return None if days is None else now - timedelta(days=days)


def plan(now: datetime) -> Counts:
    """Returns how many rows of each table are old. Writes nothing."""
    found, counts = rules(now), Counter[str]()
    if found.cases_before is not None:
        counts += cases.count(found.cases_before)
    if found.audit_before is not None:
        counts += audit.count(found.audit_before)
    for rows, _ in _expired(now):
        counts[f"{rows.model._meta.label} removed"] += rows.count()
    return +counts


def apply(run: Run, rest: Callable[[float], None] = time.sleep) -> Counts:
    """Applies the rules. After each transaction it rests as long as that took, so that others can
    write. Raises DamagedAuditError before it removes anything of an audit that is not intact."""
    counts: Counts = Counter()
    with _overwriting():
        steps, began = _steps(run), time.monotonic()
        for done in steps:
            counts += done
            rest(min(1.0, time.monotonic() - began))
            began = time.monotonic()
    return +counts


def _steps(run: Run) -> Iterator[Counts]:
    found = rules(run.now)
    for rows, cutoff in _expired(run.now):
        with transaction.atomic():
            counts = Counter({f"{name} removed": num for name, num in rows.delete()[1].items()})
            run.record("expired", cutoff, counts)
        if counts:
            yield counts
    if found.cases_before is not None:
        if cases.old_cases(found.cases_before).exists():
            _note_damage(run)
        while done := cases.anonymise(run, found.cases_before):
            yield done
    if found.audit_before is not None:
        yield from audit.purge(run, found.audit_before)


def _note_damage(run: Run) -> None:
    """Keeps on record what is wrong with the audit now: a row that retention changes gets a new
    digest, which would hide that somebody else had changed it before."""
    if found := new_faults():
        data = {**run.about, "faults": found}
        record(AuditRecord.Kind.RETENTION, run.now, actor=run.actor, what=DAMAGE, data=data)
        log.error("audit_damaged", faults=len(found))


def _expired(now: datetime) -> Iterator[tuple[QuerySet[Any], datetime]]:
    """What nothing uses any more, with the time that it is older than: ended sessions and failed
    sign-ins after a day, uploaded files after a month."""
    for label, table in TABLES.items():
        if table.fate is Fate.EXPIRED:
            model: Any = apps.get_model(label)
            cutoff = now - table.unused
            yield model._base_manager.filter(**{f"{table.time}__lt": cutoff}), cutoff


@contextmanager
def _overwriting() -> Iterator[None]:
    """SQLite overwrites what is removed, and its log is emptied at the end."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA secure_delete = ON")
        try:
            yield
        finally:
            cursor.execute("PRAGMA secure_delete = OFF")
            if not connection.in_atomic_block:
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
