"""The audit has a retention of its own: records, histories of old cases, and the chain's begin.

Everything that goes is named in a record, which is itself sealed. The seals go last and from the
front. Rows that stay are sealed again before, and the record of the removal is the anchor: it
holds the digest of the last seal that went, which the first one that is left must follow.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.apps import apps
from django.db.models import Q, QuerySet

from scheduling import append_only
from scheduling.models import AppendOnly, QueueMove
from triage_site.audit.models import AuditRecord, AuditSeal
from triage_site.audit.services import (
    NUM_ROWS,
    columns_of,
    digests,
    record_removal,
    seal_all,
    seal_rows,
    sealed_models,
)
from triage_site.audit.verification import anchor, faults
from triage_site.cases.models import Case, CaseEvent
from triage_site.retention.cases import Found, found_in, write
from triage_site.retention.run import Run
from triage_site.retention.table import TABLES, Fate

BATCH: Final = 500  # rows of one transaction
SEALS: Final = 20  # of one transaction; each may hold 500 rows
RULE: Final = "audit days"
# A record of the retention explains seals that were written before it. Clocks of processes differ.
_MARGIN: Final = timedelta(days=1)

log = structlog.get_logger(__name__)


class DamagedAuditError(RuntimeError):
    """Nothing may be removed from an audit that is not intact: it would hide what happened."""


def count(cutoff: datetime) -> Counter[str]:
    """Returns how many rows of each table are older. Writes nothing."""
    counts: Counter[str] = Counter()
    for rows in _rows(cutoff):
        counts[f"{rows.model._meta.label} removed"] += rows.count()
    for found in _reasons(cutoff):
        counts[f"{found.model._meta.label} changed"] += len(found.changed)
    counts["audit.AuditSeal removed"] = len(_old_seals(cutoff))
    return counts


def purge(run: Run, cutoff: datetime) -> Iterator[Counter[str]]:
    """Removes what is older, in steps of one transaction each. Raises DamagedAuditError."""
    if not any(count(cutoff).values()):
        return
    if next(faults(), None) is not None:
        raise DamagedAuditError
    yield from _purge_rows(run, cutoff, _rows(cutoff)[:-1])
    yield from _clear_reasons(run, cutoff)
    while seal_all(run.now):
        pass
    while seals := _old_seals(cutoff)[:SEALS]:
        yield _cut(run, cutoff, seals)
    # Those of earlier runs, now that no seal is left that needs them.
    yield from _purge_rows(run, cutoff, _rows(cutoff)[-1:])


def _rows(cutoff: datetime) -> list[QuerySet[Any]]:
    """Returns the rows that go, table by table; records of the retention itself last."""
    old = Case.objects.filter(anonymised_at__isnull=False, closed_at__lt=cutoff)
    events = CaseEvent.objects.filter(case__in=old.values("pk"), at__lt=cutoff)
    moves = QueueMove.objects.filter(job__case_id__in=old.values("id"), at__lt=cutoff)
    newest = anchor()
    records, own = AuditRecord.objects.filter(at__lt=cutoff), Q(kind=AuditRecord.Kind.RETENTION)
    earlier = records.filter(own, at__lt=cutoff - _MARGIN)
    return [
        events,
        moves,
        records.exclude(own),
        earlier if newest is None else earlier.exclude(pk=newest.pk),
    ]


def _purge_rows(
    run: Run, cutoff: datetime, queries: Iterable[QuerySet[Any]]
) -> Iterator[Counter[str]]:
    for rows in queries:
        while ids := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
            with append_only.unlocked():
                write(Found(model=rows.model, removed=ids), run, RULE, cutoff)
                counts = Counter({f"{rows.model._meta.label} removed": len(ids)})
            yield counts


def _reasons(cutoff: datetime) -> Iterator[Found]:
    """Switches and pauses stay; the words that people gave as their reason go."""
    for label, table in TABLES.items():
        if table.fate is Fate.AUDIT and table.cleared:
            model: Any = apps.get_model(label)
            rows = model._base_manager.filter(**{f"{table.time}__lt": cutoff})
            yield found_in(model, table, rows)


def _clear_reasons(run: Run, cutoff: datetime) -> Iterator[Counter[str]]:
    for found in _reasons(cutoff):
        if found.changed:
            with append_only.unlocked():
                write(found, run, RULE, cutoff)
            yield Counter({f"{found.model._meta.label} changed": len(found.changed)})


def _old_seals(cutoff: datetime) -> list[int]:
    """Returns the ids of the seals before the first one that is young; never that of the last."""
    seals = AuditSeal.objects.order_by("id")
    young = seals.filter(at__gte=cutoff).values_list("id", flat=True).first()
    last = seals.values_list("id", flat=True).last()
    end = last if young is None else young
    return [] if end is None else list(seals.filter(id__lt=end).values_list("id", flat=True))


def _cut(run: Run, cutoff: datetime, ids: list[int]) -> Counter[str]:
    """Removes these seals, the first of the chain. What they sealed and is left is sealed again."""
    with append_only.unlocked():
        seals = list(AuditSeal.objects.filter(id__in=ids).order_by("id"))
        for model, rows in _left(seals).items():
            for first in range(0, len(rows), NUM_ROWS):
                while not seal_rows(model, rows[first : first + NUM_ROWS], run.now):
                    pass  # another process made this link; the next one follows it
        head = seals[-1].digest
        about = {**run.about, "rule": RULE, "cutoff": cutoff.isoformat(), "head": head}
        record_removal(AuditSeal, ids, run.now, actor=run.actor, why="retention", data=about)
        AuditSeal.objects.filter(id__in=ids).delete()
    log.info("audit_begins", after=head, removed=len(ids))
    return Counter({"audit.AuditSeal removed": len(ids)})


def _left(seals: Iterable[AuditSeal]) -> dict[type[AppendOnly], list[int]]:
    """Returns the rows that still exist of those that these seals hold, by table."""
    models = {model._meta.db_table: model for model in sealed_models()}
    sealed: dict[str, set[int]] = defaultdict(set)
    for seal in seals:
        sealed[seal.table] |= {int(row) for row in seal.rows}
    left = {}
    for table, ids in sealed.items():
        if (model := models.get(table)) is not None:
            left[model] = sorted(map(int, digests(model, sorted(ids), columns_of(model))))
    return left
