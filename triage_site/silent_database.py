"""A PostgreSQL server that takes a statement and never answers: the caller gets an error in time.

A server that is frozen keeps its connections open, so neither its own time limits nor those of
the network end the wait of a client.
"""

from __future__ import annotations

import time
from typing import Any, Final

from django.conf import settings
from django.db.backends.signals import connection_created
from psycopg import OperationalError

# The server ends a statement that takes too long by itself; only silence lasts longer.
GRACE_SECONDS: Final = 0.3


def bound_waits() -> None:
    """From now on, each new connection of this process waits no longer than the site allows."""
    if settings.STATEMENTS_ARE_BOUNDED:
        connection_created.connect(_on_connection, dispatch_uid="silent database")


def _on_connection(sender: object, connection: Any, **_: object) -> None:
    if connection.vendor == "postgresql":
        bound(connection.connection, settings.DATABASE_WAIT_SECONDS + GRACE_SECONDS)


def bound(connection: Any, seconds: float) -> None:
    """After `seconds` without an answer the psycopg connection is closed, with OperationalError."""
    wait = connection.wait

    def bounded(generator: Any, *args: Any, **options: Any) -> Any:
        limit = options.setdefault("timeout", seconds)
        begun = time.monotonic()
        try:
            return wait(generator, *args, **options)
        except OperationalError as error:
            # psycopg's error at its time limit has no public name. One that the server sent has a
            # code, and a connection that was lost ends the wait before the limit.
            is_early = limit is None or time.monotonic() - begun < limit
            if error.sqlstate is not None or is_early:
                raise
            connection.close()  # a rollback would wait as long again
            raise OperationalError("the database does not answer") from None

    connection.wait = bounded
