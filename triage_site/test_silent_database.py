"""A frozen PostgreSQL server: who waits for it gets an error, and works again afterwards."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import OperationalError
from django.db.backends.signals import connection_created
from django.db.utils import ConnectionHandler
from django.test import override_settings

from tests.chaos.site import children
from tests.postgres import Postgres, find_binaries
from triage_site import environment
from triage_site.silent_database import bound, bound_waits

pytestmark = [
    pytest.mark.skipif(find_binaries() is None, reason="needs a PostgreSQL server"),
    pytest.mark.django_db,
    pytest.mark.timeout(90),
]

WAIT_SECONDS = 0.5


@pytest.fixture
def server() -> Iterator[Postgres]:
    with Postgres() as running:
        yield running


@pytest.fixture
def connection(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("OWN_DATABASE", server.url)
    entry = environment.database("OWN_DATABASE", "")
    with override_settings(STATEMENTS_ARE_BOUNDED=True, DATABASE_WAIT_SECONDS=WAIT_SECONDS):
        bound_waits()
        made = ConnectionHandler({"default": entry})["default"]
        made.inc_thread_sharing()
        yield made
        made.close()
        connection_created.disconnect(dispatch_uid="silent database")


def freeze(server: Postgres, number: signal.Signals) -> None:
    for pid in (server.pid(), *children(server.pid())):
        os.kill(pid, number)


def test_a_statement_on_a_frozen_server_ends_in_time(server: Postgres, connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        freeze(server, signal.SIGSTOP)
        try:
            begun = time.monotonic()
            with pytest.raises(OperationalError, match="does not answer"):
                cursor.execute("SELECT 2")
            connection.close_if_unusable_or_obsolete()
        finally:
            freeze(server, signal.SIGCONT)
    assert time.monotonic() - begun < 30
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 3")
        assert cursor.fetchone() == (3,)


def test_a_quick_statement_is_not_disturbed(server: Postgres) -> None:
    with psycopg.connect(environment_url(server)) as connection:
        bound(connection, 5.0)
        assert connection.execute("SELECT pg_sleep(0.2), 7").fetchone() == ("", 7)


def environment_url(server: Postgres) -> str:
    return server.url.replace("postgres://", "postgresql://", 1)
