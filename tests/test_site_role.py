"""The database account of web process and workers: the site works with it, and it can change no
history and no table."""

from __future__ import annotations

import io
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from scheduling import append_only, site_role
from tests.factories import make_case, make_department, make_queued_case, make_user, token_of
from tests.postgres import Postgres, find_binaries
from tests.test_roles import RULES, answer
from triage_site.audit.services import seal_all
from triage_site.audit.verification import faults
from triage_site.cases import services, upkeep
from triage_site.cases.models import Case, CaseEvent, Replay
from triage_site.cases.roles import CHARGE_NURSE
from triage_site.deploy_checks import check_database_role

ROOT = Path(__file__).resolve().parent.parent
TABLES = [model._meta.db_table for model in append_only.append_only_models()]
on_postgres = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has no roles; see the last test"
)
pytestmark = pytest.mark.django_db


@pytest.fixture
def role() -> str:
    """The name of a role that is made and granted to in the transaction of the test."""
    name = f"site_{os.getpid()}"
    call_command("grant_site_role", name, stdout=io.StringIO())
    return name


@contextmanager
def acting_as(role: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {role}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")


def refusal(statement: str) -> str:
    """What the database says to a statement; empty where it obeys."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError as error:
        return str(error)
    return ""


@on_postgres
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {table} SET id = id",
        "DELETE FROM {table}",
        "TRUNCATE {table} CASCADE",
        "ALTER TABLE {table} DISABLE TRIGGER ALL",
        "ALTER TABLE {table} ADD COLUMN more integer",
        "DROP TRIGGER append_only ON {table}",
        "DROP TABLE {table} CASCADE",
        "CREATE TRIGGER t BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    ],
)
def test_no_history_can_be_changed(role: str, statement: str) -> None:
    make_case()
    connection.check_constraints()
    with acting_as(role):
        for table in TABLES:
            with_unlocked = f"SET LOCAL triage.unlocked = 'on'; {statement.format(table=table)}"
            said = refusal(with_unlocked)
            assert "permission denied" in said or "must be owner" in said, (table, said)
    assert CaseEvent.objects.exists()


@on_postgres
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE more (id integer)",
        "CREATE TEMPORARY TABLE more (id integer)",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger AS '' LANGUAGE plpgsql",
        "TRUNCATE cases_case CASCADE",
        "DROP TABLE cases_case CASCADE",
        "ALTER TABLE cases_case DISABLE TRIGGER ALL",
        "CREATE ROLE another",
        "INSERT INTO django_migrations (app, name, applied) VALUES ('x', 'x', now())",
        "SET session_replication_role = replica",
    ],
)
def test_nothing_else_of_the_database_can_be_changed(role: str, statement: str) -> None:
    connection.check_constraints()
    with acting_as(role):
        said = refusal(statement)
    assert "permission denied" in said or "must be owner" in said, said


@on_postgres
def test_every_address_and_the_upkeep_work_with_it(role: str, redis_client: redis.Redis) -> None:
    nurse, other = make_user(CHARGE_NURSE), make_user()
    make_department("PAED", other)
    elsewhere = make_case(actor=other)
    token = token_of(nurse)
    case_id = make_queued_case(2, 0.0, actor=nurse).case_id
    client = Client()
    with acting_as(role):
        client.force_login(nurse)
        answers = {
            key: answer(client, key, case_id, token)[0] for key in RULES if "out/" not in key
        }
        assert {key: status for key, status in answers.items() if status >= 500} == {}
        made = client.post("/cases/new/", {"text": "not breathing", "department": "ED"})
        assert made.status_code == 302
        case = Case.objects.latest("number")
        services.classify_without_model(case.id, why="test", now=timezone.now())
        services.open_with_reason(elsewhere.id, reason="x", actor=other, now=timezone.now())
        services.transfer_case(
            elsewhere.id, department="ED", reason="x", actor=nurse, now=timezone.now()
        )
        duties = upkeep._Keeper().duties
        duties.run(1e9)
        failed = {name for name, age in duties.ages(1e9).items() if age is None}
        assert failed <= {"rewrite log"}  # a matter of Redis
        while seal_all(timezone.now()):
            pass
        assert list(faults()) == []


@on_postgres
def test_what_removes_records_says_that_it_may_not(
    role: str, settings: Any, redis_client: redis.Redis
) -> None:
    settings.TRIAGE_RETENTION_CASE_DAYS = 1
    nurse = make_user(CHARGE_NURSE)
    case = make_case(actor=nurse)
    services.close_case(case.id, disposition="discharged", actor=nurse, now=case.arrived_at)
    Case.objects.filter(id=case.id).update(status="done")
    replay = Replay.objects.create(
        fixture="city_day",
        speed=1,
        status="done",
        started_by=nurse,
        num_calls=1,
        started_at=timezone.now(),
        heartbeat_at=timezone.now(),
    )
    client = Client()
    with acting_as(role):
        with pytest.raises(CommandError, match="DATABASE_URL of the owner"):
            call_command("retention", "--apply", stdout=io.StringIO())
        with pytest.raises(CommandError, match="owner of the tables"):
            call_command("remove_replay", str(replay.id))
        client.force_login(nurse)
        page = client.post(f"/ops/replays/{replay.id}/remove/", follow=True).content.decode()
        assert f"manage.py remove_replay {replay.id}" in page
    call_command("remove_replay", str(replay.id), stdout=io.StringIO())
    call_command("retention", "--apply", stdout=io.StringIO())
    case.refresh_from_db()
    assert case.anonymised_at is not None


@on_postgres
def test_the_deploy_check_names_an_account_with_too_many_rights(role: str) -> None:
    (error,) = check_database_role(None)
    assert "is a superuser" in str(error.msg)
    with acting_as(role):
        assert check_database_role(None) == []
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT TRIGGER ON cases_caseevent TO {role}")
    with acting_as(role):
        assert site_role.excess() == "has the right TRIGGER on cases_caseevent"
    call_command("grant_site_role", role, stdout=io.StringIO())  # takes it away again
    with acting_as(role):
        assert site_role.excess() == ""


@on_postgres
@pytest.mark.parametrize("name", ["Site", "pg_site", "a b", "x" * 64, 'x"; DROP ROLE y; --'])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(CommandError, match="role: must be 1 to 63 small letters"):
        call_command("grant_site_role", name)


@on_postgres
def test_a_role_that_no_grant_limits_is_refused() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        (owner,) = cursor.fetchone()
    with pytest.raises(CommandError, match="no grant limits it"):
        call_command("grant_site_role", owner)


@pytest.mark.skipif(find_binaries() is None, reason="needs a PostgreSQL server")
def test_the_role_signs_in_with_its_password_and_the_log_has_no_password() -> None:
    password = secrets.token_urlsafe(16)
    with Postgres("-c", "log_statement=all") as server:
        owner = server.url.replace("postgres://", "postgresql://", 1)
        environment = {**os.environ, "DATABASE_URL": server.url, "TRIAGE_DEMO": "1"}
        environment["DJANGO_SETTINGS_MODULE"] = "triage_site.settings"
        with psycopg.connect(owner, autocommit=True) as connected:
            connected.execute("CREATE TABLE django_migrations (id serial, app text)")
        done = subprocess.run(
            [sys.executable, "manage.py", "grant_site_role", "triage_site", "--password-stdin"],
            cwd=ROOT,
            env=environment,
            input=f"{password}\n",
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        with psycopg.connect(owner) as connected:
            found = connected.execute(
                "SELECT rolcanlogin, rolpassword FROM pg_authid WHERE rolname = 'triage_site'"
            ).fetchone()
        assert found is not None
        assert found[0] is True
        assert str(found[1]).startswith("SCRAM-SHA-256$")
        assert "triage_site" in server.log()
        assert password not in server.log()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="about SQLite")
def test_sqlite_has_no_roles() -> None:
    with pytest.raises(CommandError, match="SQLite"):
        call_command("grant_site_role", "triage_site")
    assert site_role.excess() == ""
