"""All writes of the audit: records, and seals over all append-only tables.

Sealing is apart from writing, so that it slows no request: the upkeep of the web process seals
new rows every few seconds. Until then they are protected by the triggers alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from scheduling.append_only import append_only_models
from scheduling.models import AppendOnly
from triage_site.audit.models import AuditRecord, AuditSeal

NUM_ROWS: Final = 500  # of one seal
# Transactions commit in another order than their ids: rows may appear below sealed ones.
NUM_SEALS_LOOKED_AT: Final = 4

log = structlog.get_logger(__name__)


def record(
    kind: AuditRecord.Kind,
    at: datetime,
    *,
    actor: User | None = None,
    what: str = "",
    data: Mapping[str, Any] | None = None,
) -> AuditRecord:
    """Appends a record. `data` must hold no clinical text."""
    return AuditRecord.objects.create(
        kind=kind, at=at, actor=actor, what=what[:80], data=dict(data or {})
    )


def record_removal(
    model: type[AppendOnly],
    ids: Iterable[int],
    at: datetime,
    *,
    actor: User | None,
    why: str,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Notes that rows of an append-only table were removed on purpose, so that the audit stays
    intact. Nothing for no rows."""
    if ranges := _ranges(ids):
        _record_retention(model, at, actor, {**(data or {}), "why": why, "ids": ranges})


def record_change(
    model: type[AppendOnly],
    ids: Iterable[int],
    at: datetime,
    *,
    actor: User | None,
    why: str,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Notes that rows of an append-only table were changed on purpose, with their new digests, so
    that any other change is still found. Nothing for no rows."""
    columns = columns_of(model)
    if found := digests(model, ids, columns):
        values = {"why": why, "columns": columns, "digests": found}
        _record_retention(model, at, actor, {**(data or {}), **values})


def _record_retention(
    model: type[AppendOnly], at: datetime, actor: User | None, data: Mapping[str, Any]
) -> None:
    kind = AuditRecord.Kind.RETENTION
    record(kind, at, actor=actor, what=model._meta.db_table, data=data)


def _ranges(ids: Iterable[int]) -> list[list[int]]:
    """Returns [[first, last], ...] of consecutive ids."""
    ranges: list[list[int]] = []
    for number in sorted(ids):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ranges


def sealed_models() -> list[type[AppendOnly]]:
    return [model for model in append_only_models() if model is not AuditSeal]


def seal_all(now: datetime) -> int:
    """Seals what is new in every table, at most `NUM_ROWS` of each. Returns the number of rows."""
    return sum(_seal(model, now) for model in sealed_models())


def _seal(model: type[AppendOnly], now: datetime) -> int:
    ids = _new_ids(model)
    return seal_rows(model, ids, now) if ids else 0


def seal_rows(model: type[AppendOnly], ids: Sequence[int], now: datetime) -> int:
    """Appends a seal over these rows, which exist. Returns their number; 0 where another process
    made this link of the chain."""
    columns = columns_of(model)
    values: dict[str, Any] = {
        "at": now,
        "table": model._meta.db_table,
        "columns": columns,
        "rows": digests(model, ids, columns),
    }
    try:
        with transaction.atomic():
            newest = AuditSeal.objects.order_by("-id").only("digest", "at").first()
            values["previous"] = newest.digest if newest else ""
            digest = digest_of_seal(values)
            AuditSeal.objects.create(**values, first_id=ids[0], last_id=ids[-1], digest=digest)
    except IntegrityError:  # another process made this link
        return 0
    if newest is None or newest.at.hour != now.hour:
        # Whoever keeps the log can prove with it that nobody cut the chain (verify_audit --head).
        log.info("audit_sealed", head=digest)
    return len(ids)


def _new_ids(model: type[AppendOnly]) -> list[int]:
    seals = AuditSeal.objects.filter(table=model._meta.db_table)
    # Those of the newest rows, which are not always the newest seals: retention seals old rows.
    recent = seals.order_by("-last_id").values_list("first_id", flat=True)
    first = min(recent[:NUM_SEALS_LOOKED_AT], default=0)
    known = seals.filter(last_id__gte=first).values_list("rows", flat=True)
    sealed = {int(row) for rows in known for row in rows}
    objects: Any = model._default_manager
    ids = objects.filter(pk__gte=first).order_by("pk").values_list("pk", flat=True)
    return [row for row in ids[: NUM_ROWS * (NUM_SEALS_LOOKED_AT + 1)] if row not in sealed][
        :NUM_ROWS
    ]


def columns_of(model: type[AppendOnly]) -> list[str]:
    return sorted(field.attname for field in model._meta.concrete_fields)


def digests(model: type[AppendOnly], ids: Iterable[int], columns: Sequence[str]) -> dict[str, str]:
    """Returns the SHA-256 of each of these rows that exists, by id."""
    objects: Any = model._default_manager
    rows = objects.filter(pk__in=list(ids)).order_by("pk").values(*columns)
    return {str(row["id"]): _sha256(row) for row in rows}


def digest_of_seal(values: Mapping[str, Any]) -> str:
    names = ("at", "table", "columns", "rows", "previous")
    return _sha256({name: values[name] for name in names})


def _sha256(value: Mapping[str, Any]) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)
