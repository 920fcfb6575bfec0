"""Append-only tables are also closed in the database, by triggers, for whoever writes SQL.

`migrate` removes the triggers before it changes tables and sets them again afterwards. A new
model that is `AppendOnly` needs nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.apps import apps
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from scheduling.models import AppendOnly

_FUNCTION: Final = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('triage.unlocked', true) = 'on' THEN
    IF TG_OP = 'UPDATE' THEN RETURN NEW; END IF;
    RETURN OLD;
  END IF;
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""
_POSTGRES: Final = """
DROP TRIGGER IF EXISTS append_only ON "{table}";
DROP TRIGGER IF EXISTS append_only_all ON "{table}";
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON "{table}"
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_all BEFORE TRUNCATE ON "{table}"
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE "{table}" ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE "{table}" ENABLE ALWAYS TRIGGER append_only_all;
"""
# A REPLACE deletes rows without a delete trigger, so an insert may not hit an existing row.
_SQLITE: Final = {
    "update": "BEFORE UPDATE ON",
    "delete": "BEFORE DELETE ON",
    "insert": "BEFORE INSERT ON",
}


def append_only_models() -> list[type[AppendOnly]]:
    return [model for model in apps.get_models() if issubclass(model, AppendOnly)]


def install(using: str = "default") -> None:
    """Sets the triggers of all append-only tables, in one transaction."""
    connection = connections[using]
    tables = _tables(connection)
    with transaction.atomic(using=using), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            connection.check_constraints()  # a table with deferred checks cannot be altered
            cursor.execute(_FUNCTION + "".join(_POSTGRES.format(table=one) for one in tables))
            return
        for table in tables:
            for name, when in _SQLITE.items():
                cursor.execute(_sqlite_trigger(table, name, when))


def remove(using: str = "default") -> None:
    connection = connections[using]
    tables = _tables(connection)
    with transaction.atomic(using=using), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            connection.check_constraints()
        for table in tables:
            if connection.vendor == "postgresql":
                for name in ("append_only", "append_only_all"):
                    cursor.execute(f'DROP TRIGGER IF EXISTS {name} ON "{table}"')
            else:
                for name in _SQLITE:
                    cursor.execute(f'DROP TRIGGER IF EXISTS "{table}_no_{name}"')


@contextmanager
def unlocked(using: str = "default") -> Iterator[None]:
    """One transaction in which rows may be changed or removed.

    On PostgreSQL a setting of the transaction opens the triggers, so that no table is locked.
    """
    connection = connections[using]
    with transaction.atomic(using=using):
        if connection.vendor != "postgresql":
            remove(using)
            yield
            install(using)
            return
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL triage.unlocked = 'on'")
        yield
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL triage.unlocked = 'off'")


def unprotected(using: str = "default") -> list[str]:
    """Returns the append-only tables that lack a trigger, or where one is switched off."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        query = (
            "SELECT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
            "WHERE tgname IN ('append_only', 'append_only_all') AND tgenabled = 'A'"
        )
        needed = 2
    else:
        query = "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%_no_%'"
        needed = len(_SQLITE)
    with connection.cursor() as cursor:
        cursor.execute(query)
        found = [str(row[0]) for row in cursor.fetchall()]
    return [table for table in _tables(connection) if found.count(table) < needed]


def _tables(connection: BaseDatabaseWrapper) -> list[str]:
    existing = set(connection.introspection.table_names())
    names = (model._meta.db_table for model in append_only_models())
    return sorted(name for name in names if name in existing)


def _sqlite_trigger(table: str, name: str, when: str) -> str:
    condition = (
        f'WHEN EXISTS (SELECT 1 FROM "{table}" WHERE id = NEW.id) ' if name == "insert" else ""
    )
    return (
        f'CREATE TRIGGER IF NOT EXISTS "{table}_no_{name}" {when} "{table}" {condition}'
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )


def before_migrate(using: str, **kwargs: Any) -> None:
    remove(using)


def after_migrate(using: str, **kwargs: Any) -> None:
    install(using)
