"""All rows of the database: as one digest for each table, as text, and removed after a test."""

from __future__ import annotations

import hashlib

from django.apps import apps
from django.db import connection, transaction

from scheduling import append_only

MADE_BY_MIGRATE = {"django_content_type", "auth_permission"}
WITHOUT = {*MADE_BY_MIGRATE, "django_session"}


def digests() -> dict[str, str]:
    """`count digest` by name of the table."""
    found = {}
    for model in apps.get_models():
        table = model._meta.db_table
        if table in WITHOUT or model._meta.proxy:
            continue
        rows = list(model._base_manager.order_by("pk").values_list())
        found[table] = f"{len(rows)} {hashlib.sha256(repr(rows).encode()).hexdigest()}"
    return found


def tables_as_text() -> str:
    """Every value of every row, to look for what must not be there."""
    return "\n".join(
        repr(row)
        for model in apps.get_models()
        if not model._meta.proxy
        for row in model._base_manager.values_list()
    )


def empty_tables() -> None:
    """Removes what a test has committed; sets triggers again that it has removed."""
    all_tables = connection.introspection.django_table_names(only_existing=True)
    names = {name: connection.ops.quote_name(name) for name in {*all_tables} - MADE_BY_MIGRATE}
    questions = (f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {quoted})"
                 for name, quoted in names.items())  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(questions))
        filled = [str(row[0]) for row in cursor.fetchall()]
        with transaction.atomic():  # foreign keys are checked at its end
            opened = _open(filled)
            for name in filled:
                cursor.execute(f"DELETE FROM {names[name]}")
            for trigger in opened:
                cursor.execute(trigger)
    if append_only.unprotected():
        append_only.install()


def _open(tables: list[str]) -> list[str]:
    """Opens append-only tables until the end of the transaction, or until what it returns is run.

    On SQLite that is the text of the triggers that it has removed.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL triage.unlocked = 'on'")
            return []
        cursor.execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")
        found = [row for row in cursor.fetchall() if row[1] in tables]
        for name, *_ in found:
            cursor.execute(f'DROP TRIGGER "{name}"')
        return [str(sql) for *_, sql in found]
