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

from scheduling.models import AppendOnly

_BODY: Final = """
BEGIN
  IF current_setting('triage.unlocked', true) = 'on' THEN
    IF TG_OP = 'UPDATE' THEN RETURN NEW; END IF;
    RETURN OLD;
  END IF;
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME
    USING ERRCODE = 'integrity_constraint_violation';
END """
_FUNCTION: Final = f"""
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $${_BODY}$$;
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
# Those that work as they were made: always on, without a condition or a list of columns, for
# updates and deletes of each row (1 + 2 + 8 + 16) or for a truncation (2 + 32).
_WORKING: Final = """
SELECT relname FROM pg_trigger
JOIN pg_class ON pg_class.oid = tgrelid JOIN pg_proc ON pg_proc.oid = tgfoid
WHERE (tgname, tgtype) IN (('append_only', 27), ('append_only_all', 34))
  AND tgenabled = 'A' AND tgqual IS NULL AND tgattr::text = '' AND prosrc = %s
"""
# A REPLACE deletes rows without a delete trigger, so an insert may not hit an existing row: not
# by its id, and not by another value that must be unique.
_SQLITE: Final = {
    "update": "BEFORE UPDATE ON",
    "delete": "BEFORE DELETE ON",
    "insert": "BEFORE INSERT ON",
}


class NotTheOwner(RuntimeError):
    """The account of this process may only add to histories (site_role.py)."""


def append_only_models() -> list[type[AppendOnly]]:
    return [model for model in apps.get_models() if issubclass(model, AppendOnly)]


def install(using: str = "default") -> None:
    """Sets the triggers of all append-only tables, in one transaction."""
    connection = connections[using]
    tables = append_only_tables(using)
    with transaction.atomic(using=using), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            connection.check_constraints()  # a table with deferred checks cannot be altered
            cursor.execute(_FUNCTION + "".join(_POSTGRES.format(table=one) for one in tables))
            return
        for table in tables:
            for name, when in _SQLITE.items():
                cursor.execute(f'DROP TRIGGER IF EXISTS "{table}_no_{name}"')
                cursor.execute(_sqlite_trigger(table, name, when))


def remove(using: str = "default") -> None:
    connection = connections[using]
    tables = append_only_tables(using)
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
    Raises NotTheOwner where the account of this process may not change such rows at all.
    """
    connection = connections[using]
    _require_owner(using)
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


def _require_owner(using: str) -> None:
    if connections[using].vendor != "postgresql":
        return
    with connections[using].cursor() as cursor:
        for table in append_only_tables(using):
            cursor.execute("SELECT has_table_privilege(%s, 'DELETE')", [f'"{table}"'])
            if cursor.fetchone() != (True,):
                raise NotTheOwner("this account of the database may only add to histories")


def unprotected(using: str = "default") -> list[str]:
    """Returns the append-only tables where a trigger is missing, switched off or another one."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_WORKING, [_BODY])
            working = [str(row[0]) for row in cursor.fetchall()]
        return [table for table in append_only_tables(using) if working.count(table) < 2]
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'")
        found = {str(row[0]) for row in cursor.fetchall()}
    return [
        table
        for table in append_only_tables(using)
        if any(_sqlite_trigger(table, name, when) not in found for name, when in _SQLITE.items())
    ]


def append_only_tables(using: str = "default") -> list[str]:
    connection = connections[using]
    existing = set(connection.introspection.table_names())
    names = (model._meta.db_table for model in append_only_models())
    return sorted(name for name in names if name in existing)


def _unique_columns(table: str) -> list[list[str]]:
    """Returns the columns by which an insert can hit an existing row."""
    model = next(one for one in append_only_models() if one._meta.db_table == table)
    named = {field.name: str(field.column) for field in model._meta.concrete_fields}
    alone = [[str(field.column)] for field in model._meta.concrete_fields if field.unique]
    constraints = model._meta.total_unique_constraints
    return [*alone, *([named[name] for name in one.fields] for one in constraints)]


def _sqlite_trigger(table: str, name: str, when: str) -> str:
    hits = " OR ".join(
        " AND ".join(f'"{column}" = NEW."{column}"' for column in columns)
        for columns in _unique_columns(table)
    )
    condition = f'WHEN EXISTS (SELECT 1 FROM "{table}" WHERE {hits}) ' if name == "insert" else ""
    return (
        f'CREATE TRIGGER "{table}_no_{name}" {when} "{table}" {condition}'
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )


def before_migrate(using: str, **kwargs: Any) -> None:
    remove(using)


def after_migrate(using: str, **kwargs: Any) -> None:
    install(using)
