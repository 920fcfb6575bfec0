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
from triage_site.silent_database import _on_connection, bound

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
    made = ConnectionHandler({"default": entry})["default"]

    def bound_this_one(connection: Any, **_: object) -> None:
        if connection is made:  # not those of other tests
            _on_connection(sender=None, connection=connection)

    connection_created.connect(bound_this_one)
    with override_settings(DATABASE_WAIT_SECONDS=WAIT_SECONDS):
        yield made
    connection_created.disconnect(bound_this_one)
    made.close()


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


def test_an_error_of_the_server_is_told_as_it_is(server: Postgres) -> None:
    with psycopg.connect(environment_url(server), autocommit=True) as connection:
        bound(connection, 5.0)
        connection.execute("SET statement_timeout = 100")
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("SELECT pg_sleep(3)")
        assert connection.execute("SELECT 7").fetchone() == (7,)
        stop = "SELECT pg_terminate_backend(pg_backend_pid())"
        with pytest.raises(psycopg.OperationalError) as caught:
            connection.execute(stop)
        assert "does not answer" not in str(caught.value)


def environment_url(server: Postgres) -> str:
    return server.url.replace("postgres://", "postgresql://", 1)
