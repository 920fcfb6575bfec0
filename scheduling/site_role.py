"""The account of PostgreSQL that the site runs as: it may add to histories and change no table.

`migrate` and `retention` run as the owner of the tables. Web process and workers need less: they
read and write rows, and of append-only tables they only read and add. So nobody who takes over one
of them can switch the triggers of the audit off.
"""

from __future__ import annotations

import re
from typing import Any, Final

from django.db import ProgrammingError, connections, transaction
from psycopg import sql

from scheduling.append_only import append_only_tables

_HISTORY: Final = "django_migrations"
_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class CannotGrant(RuntimeError):
    """The role was not changed. The message is a sentence."""


def grant(role: str, password: str = "", using: str = "default") -> None:
    """Gives the role what the site needs and nothing else, for all tables of today.

    The role is made where there is none. With a password it may sign in with that. Run it after
    each `migrate`. Raises CannotGrant.
    """
    connection: Any = connections[using]
    if connection.vendor != "postgresql":
        raise CannotGrant("only PostgreSQL has roles; this site uses SQLite")
    if not _NAME.fullmatch(role) or role.startswith("pg_") or role in ("public", "none"):
        raise CannotGrant("must be 1 to 63 small letters, digits or _, such as triage_site")
    try:
        with transaction.atomic(using=using), connection.cursor() as cursor:
            is_new = _is_new(cursor, role)
            for statement in _statements(connection, role, password, is_new=is_new):
                cursor.execute(statement.as_string(connection.connection))
    except ProgrammingError as error:
        raise CannotGrant(
            "this account may not make or change it; run the command as the owner of the tables, "
            "and let the operator of PostgreSQL make the role before"
        ) from error


def _is_new(cursor: Any, role: str) -> bool:
    """Returns whether there is no such role. Raises CannotGrant for one that no grant limits."""
    cursor.execute("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = %s", [role])
    known = cursor.fetchone()
    if known is None:
        return True
    cursor.execute(
        "SELECT EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace "
        "AND pg_has_role(%s, relowner, 'MEMBER'))",
        [role],
    )
    if known[0] or cursor.fetchone()[0]:
        raise CannotGrant("it owns tables or is a superuser, so no grant limits it; take another")
    return False


def excess(using: str = "default") -> str:
    """Returns what the account of this process could do to the audit, in a word; empty for
    nothing, and on SQLite."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        return ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if cursor.fetchone() == (True,):
            return "is a superuser"
        for table in append_only_tables(using):
            cursor.execute(
                "SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class "
                "WHERE oid = to_regclass(%s)",
                [f'"{table}"'],
            )
            if cursor.fetchone() == (True,):
                return f"owns {table}"
            for right in ("UPDATE", "DELETE", "TRUNCATE", "TRIGGER"):
                cursor.execute("SELECT has_table_privilege(%s, %s)", [f'"{table}"', right])
                if cursor.fetchone() == (True,):
                    return f"has the right {right} on {table}"
    return ""


def _statements(
    connection: Any, role: str, password: str, *, is_new: bool
) -> list[sql.Composed | sql.SQL]:
    name = sql.Identifier(role)
    database = sql.Identifier(connection.settings_dict["NAME"])
    existing = connection.introspection.table_names()
    append_only = set(append_only_tables(connection.alias))
    changed = [one for one in existing if one not in append_only and one != _HISTORY]
    found: list[sql.Composed | sql.SQL] = []
    if is_new:
        found.append(sql.SQL("CREATE ROLE {}").format(name))
    if password:
        # The server gets a verifier, so that its log cannot quote the password.
        made = connection.connection.pgconn.encrypt_password(
            password.encode(), role.encode(), b"scram-sha-256"
        ).decode()
        found.append(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(name, sql.Literal(made)))
    everything = (
        "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}",
        "REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {}",
        "REVOKE ALL ON SCHEMA public FROM {}",
        "GRANT USAGE ON SCHEMA public TO {}",
        "GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO {}",
        "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}",
    )
    found += [sql.SQL(one).format(name) for one in everything]
    found.append(sql.SQL("REVOKE INSERT ON {} FROM {}").format(sql.Identifier(_HISTORY), name))
    found += [
        sql.SQL("GRANT UPDATE, DELETE ON {} TO {}").format(sql.Identifier(one), name)
        for one in changed
    ]
    # What every role has by default on older servers, or on all.
    found.append(sql.SQL("REVOKE CREATE ON SCHEMA public FROM PUBLIC"))
    found.append(sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(database))
    found.append(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, name))
    return found
