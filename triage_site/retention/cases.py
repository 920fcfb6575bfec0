"""Old closed cases lose what people said and what names a patient, a batch at a time."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import redis
from django.apps import apps
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from scheduling import append_only, connection
from scheduling.core.status import OPEN
from scheduling.models import AppendOnly, Job
from scheduling.queue.events import tokens_key
from triage_site.audit.services import record_change, record_removal
from triage_site.cases.clinical import ClinicalStatus
from triage_site.cases.models import ENDED, Case
from triage_site.retention.run import Run
from triage_site.retention.table import TABLES, Fate, Table

BATCH: Final = 25  # cases of one transaction
RULE: Final = "case days"

Change = tuple[Any, Mapping[str, Any]]  # a row and the new values of its fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is old in one table."""

    model: type[Any]
    removed: Sequence[Any] = ()  # primary keys
    changed: Sequence[Change] = ()


def old_cases(cutoff: datetime) -> QuerySet[Case]:
    """Cases that were closed before, for which nothing is still written."""
    open_jobs = Job.objects.filter(case_id=OuterRef("id"), status__in=OPEN)
    closed = Case.objects.filter(
        clinical_status=ClinicalStatus.CLOSED.value, closed_at__lt=cutoff, anonymised_at=None
    )
    return closed.filter(~Exists(open_jobs), status__in=ENDED).order_by("number")


def count(cutoff: datetime) -> Counter[str]:
    """Returns how many rows of each table `anonymise` would remove or change. Writes nothing."""
    counts: Counter[str] = Counter()
    newest = 0
    while cases := list(old_cases(cutoff).filter(number__gt=newest)[:BATCH]):
        newest = cases[-1].number
        for found in _found(cases):
            _count(found, counts)
    return counts


def anonymise(run: Run, cutoff: datetime) -> Counter[str]:
    """Anonymises one batch, in one transaction. Returns the number of rows by table; nothing
    where no case is old."""
    counts: Counter[str] = Counter()
    numbers = list(old_cases(cutoff).values_list("number", flat=True)[:BATCH])
    if not numbers:
        return counts
    with append_only.unlocked():
        cases, jobs = _locked(numbers, cutoff)
        for found in _found(cases):
            write(found, run, RULE, cutoff)
            _count(found, counts)
        Case.objects.filter(number__in=[case.number for case in cases]).update(
            anonymised_at=run.now
        )
        run.record(RULE, cutoff, counts)
        transaction.on_commit(lambda: _forget_streams(jobs))
    return counts


def _forget_streams(jobs: Sequence[uuid.UUID]) -> None:
    """Removes what Redis may still hold of these jobs. It expires in any case."""
    with suppress(redis.RedisError):
        for job in jobs:
            connection.client().delete(tokens_key(str(job)))


def _locked(numbers: Sequence[int], cutoff: datetime) -> tuple[list[Case], list[uuid.UUID]]:
    """Locks the jobs, then the cases. A case that was reopened meanwhile is left out."""
    ids = list(Case.objects.filter(number__in=numbers).values_list("id", flat=True))
    jobs = Job.objects.select_for_update().filter(case_id__in=ids).order_by("id")
    job_ids = list(jobs.values_list("id", flat=True))
    locked = Case.objects.select_for_update().filter(number__in=numbers).order_by("number")
    still_old = set(old_cases(cutoff).filter(number__in=numbers).values_list("number", flat=True))
    return [case for case in locked if case.number in still_old], job_ids


def _found(cases: Sequence[Case]) -> Iterator[Found]:
    """What the table says about these cases; the cases themselves last."""
    for label, table in TABLES.items():
        if table.fate is Fate.CASES:
            model: Any = apps.get_model(label)
            keys = [getattr(case, table.of) for case in cases]
            yield found_in(model, table, model._base_manager.filter(**{table.lookup: keys}))


def found_in(model: type[Any], table: Table, rows: QuerySet[Any]) -> Found:
    """Returns which of these rows go, or which change and how."""
    rows = rows.order_by("pk")
    if not table.cleared:
        return Found(model=model, removed=list(rows.values_list("pk", flat=True)))
    return Found(model=model, changed=list(_changes(table, rows)))


def _changes(table: Table, rows: QuerySet[Any]) -> Iterator[Change]:
    for row in rows:
        values = {name: new(row) for name, new in table.cleared.items()}
        if any(getattr(row, name) != value for name, value in values.items()):
            yield row, values


def write(found: Found, run: Run, rule: str, cutoff: datetime) -> None:
    """Removes and changes rows. The audit says which rows of a history they were. Needs a
    transaction that is unlocked."""
    rows = found.model._base_manager
    is_history = issubclass(found.model, AppendOnly)
    about = {**run.about, "rule": rule, "cutoff": cutoff.isoformat()}
    if found.removed:
        if is_history:
            record_removal(
                found.model, found.removed, run.now, actor=run.actor, why="retention", data=about
            )
        rows.filter(pk__in=found.removed).delete()
    for row, values in found.changed:
        rows.filter(pk=row.pk).update(**values)
    if found.changed and is_history:
        ids = [row.pk for row, _ in found.changed]
        record_change(found.model, ids, run.now, actor=run.actor, why="retention", data=about)


def _count(found: Found, counts: Counter[str]) -> None:
    table = found.model._meta.label
    counts[f"{table} removed"] += len(found.removed)
    counts[f"{table} changed"] += len(found.changed)
