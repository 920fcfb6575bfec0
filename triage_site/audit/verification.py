"""Reads the chain of seals again, and compares it with the rows that it seals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scheduling.append_only import unprotected
from scheduling.models import AppendOnly
from triage_site.audit.models import AuditRecord, AuditSeal
from triage_site.audit.services import (
    NUM_ROWS,
    NUM_SEALS_LOOKED_AT,
    digest_of_seal,
    digests,
    sealed_models,
)


def faults(head: str = "") -> Iterator[str]:
    """Yields one sentence for each fault; none where everything is as it was written.

    `head` is the digest of a seal that was noted elsewhere, and must still be in the chain.
    """
    for table in unprotected():
        yield f"{table}: the triggers that keep it append-only are missing"
    yield from _chain_faults(head)
    for model in sealed_models():
        yield from _row_faults(model)


def _chain_faults(head: str) -> Iterator[str]:
    previous, has_head = "", not head
    for seal in AuditSeal.objects.order_by("id").iterator(chunk_size=50):
        values = {
            "at": seal.at,
            "table": seal.table,
            "columns": seal.columns,
            "rows": seal.rows,
            "previous": seal.previous,
        }
        if digest_of_seal(values) != seal.digest:
            yield f"seal {seal.id}: was changed"
        if seal.previous != previous:
            yield f"seal {seal.id}: does not follow the seal before it; one is missing"
        previous = seal.digest
        has_head = has_head or seal.digest == head
    if not has_head:
        yield "the noted head is not in the chain; seals were removed"


def _row_faults(model: type[AppendOnly]) -> Iterator[str]:
    table = model._meta.db_table
    removed = _removed(table)
    sealed: set[int] = set()
    for seal in AuditSeal.objects.filter(table=table).order_by("id").iterator(chunk_size=50):
        now = digests(model, [int(row) for row in seal.rows], _existing(model, seal.columns))
        for row, digest in seal.rows.items():
            sealed.add(int(row))
            if row not in now and int(row) not in removed:
                yield f"{table}: row {row} is missing"
            elif row in now and now[row] != digest:
                yield f"{table}: row {row} was changed"
    yield from _unsealed(model, sealed)


def _unsealed(model: type[AppendOnly], sealed: set[int]) -> Iterator[str]:
    """Rows below the sealed ones that no seal knows, and that no seal will take up."""
    recent = max(sealed, default=0) - NUM_ROWS * NUM_SEALS_LOOKED_AT
    objects: Any = model._default_manager
    for row in objects.filter(pk__lt=recent).values_list("pk", flat=True).iterator():
        if row not in sealed:
            yield f"{model._meta.db_table}: row {row} was inserted afterwards"


def _existing(model: type[AppendOnly], columns: list[str]) -> list[str]:
    known = {field.attname for field in model._meta.concrete_fields}
    return [column for column in columns if column in known]


def _removed(table: str) -> set[int]:
    """Returns the ids of rows that were removed on purpose."""
    records = AuditRecord.objects.filter(kind=AuditRecord.Kind.RETENTION, what=table)
    ranges = [pair for one in records for pair in one.data.get("ids", [])]
    return {row for first, last in ranges for row in range(first, last + 1)}
