"""Reads the chain of seals again, and compares it with the rows that it seals."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from django.db.models import QuerySet

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

DAMAGE: Final = "damage"  # what a record of retention says that found some
NUM_NOTED: Final = 100  # faults in one such record


def faults(head: str = "") -> Iterator[str]:
    """Yields one sentence for each fault; none where everything is as it was written.

    `head` is the digest of a seal that was noted elsewhere, and must still be in the chain.
    """
    yield from _known()
    yield from _present(head)


def new_faults() -> list[str]:
    """Returns the faults that no run of retention has noted yet, `NUM_NOTED` at most."""
    noted = {fault for one in _noted() for fault in one.data["faults"]}
    return list(islice((one for one in _present("") if one not in noted), NUM_NOTED))


def _known() -> Iterator[str]:
    """What retention found before it changed rows itself: afterwards the rows do not show it."""
    for one in _noted():
        for fault in one.data["faults"]:
            yield f"found by retention on {one.at:%Y-%m-%d}: {fault}"


def _noted() -> QuerySet[AuditRecord]:
    found = AuditRecord.objects.filter(kind=AuditRecord.Kind.RETENTION, what=DAMAGE)
    return found.order_by("id")


def _present(head: str) -> Iterator[str]:
    for table in unprotected():
        yield f"{table}: the triggers that keep it append-only are missing or changed"
    yield from _chain_faults(head)
    for model in sealed_models():
        yield from _row_faults(model)


def _chain_faults(head: str) -> Iterator[str]:
    previous = anchor_head()
    has_head = head in ("", previous)
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
    removed, changed = _removed(table), _changed(table)
    sealed: set[int] = set()
    for seal in AuditSeal.objects.filter(table=table).order_by("id").iterator(chunk_size=50):
        now = digests(model, [int(row) for row in seal.rows], _existing(model, seal.columns))
        differ = [row for row, digest in now.items() if digest != seal.rows[row]]
        as_recorded = _as_recorded(model, differ, changed)
        for row, digest in seal.rows.items():
            sealed.add(int(row))
            if row not in now and int(row) not in removed:
                yield f"{table}: row {row} is missing"
            elif row in now and now[row] != digest and row not in as_recorded:
                yield f"{table}: row {row} was changed"
    yield from _unsealed(model, sealed)


def _unsealed(model: type[AppendOnly], sealed: set[int]) -> Iterator[str]:
    """Rows below the sealed ones that no seal knows, and that no seal will take up."""
    recent = max(sealed, default=0) - NUM_ROWS * NUM_SEALS_LOOKED_AT
    objects: Any = model._default_manager
    for row in objects.filter(pk__lt=recent).values_list("pk", flat=True).iterator():
        if row not in sealed:
            yield f"{model._meta.db_table}: row {row} was inserted afterwards"


def anchor() -> AuditRecord | None:
    """Returns the record up to which retention removed the chain; None where it is whole."""
    table = AuditSeal._meta.db_table
    found = AuditRecord.objects.filter(kind=AuditRecord.Kind.RETENTION, what=table)
    return found.order_by("id").last()


def anchor_head() -> str:
    """Returns the digest of the newest seal that retention removed; empty for none. The first
    seal that is left follows it: without its record, a chain without beginning was cut."""
    found = anchor()
    return "" if found is None else str(found.data.get("head", ""))


def _changed(table: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Returns digest and columns of rows that were changed on purpose, by id, as changed last."""
    records = AuditRecord.objects.filter(kind=AuditRecord.Kind.RETENTION, what=table)
    return {
        row: (digest, tuple(one.data["columns"]))
        for one in records.order_by("id")
        for row, digest in one.data.get("digests", {}).items()
    }


def _as_recorded(
    model: type[AppendOnly], rows: list[str], changed: dict[str, tuple[str, tuple[str, ...]]]
) -> set[str]:
    """Returns those of the rows that are as retention left them."""
    found: set[str] = set()
    for columns in {changed[row][1] for row in rows if row in changed}:
        ids = [int(row) for row in rows if row in changed and changed[row][1] == columns]
        now = digests(model, ids, _existing(model, list(columns)))
        found |= {row for row, digest in now.items() if digest == changed[row][0]}
    return found


def _existing(model: type[AppendOnly], columns: list[str]) -> list[str]:
    known = {field.attname for field in model._meta.concrete_fields}
    return [column for column in columns if column in known]


def _removed(table: str) -> set[int]:
    """Returns the ids of rows that were removed on purpose."""
    records = AuditRecord.objects.filter(kind=AuditRecord.Kind.RETENTION, what=table)
    ranges = [pair for one in records for pair in one.data.get("ids", [])]
    return {row for first, last in ranges for row in range(first, last + 1)}
