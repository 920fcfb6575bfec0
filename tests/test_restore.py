"""The drill of docs/OPERATIONS.md: a backup is restored elsewhere, and nothing is missing.

The backup is taken with the tools of the database while the site's rows are in it. The restored
database is used by a process of its own, as after a move to another machine.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from tests.factories import at, make_queued_case, make_user
from tests.postgres import find_tool
from tests.rows import digests
from triage_site.audit.models import AuditRecord, AuditSeal
from triage_site.audit.services import record, seal_all
from triage_site.cases.roles import CHARGE_NURSE

ROOT = Path(__file__).resolve().parent.parent
# Run on the restored database: the steps of the drill, and then what is there.
AFTERWARDS = """
import django, json, sys
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("verify_audit", stdout=sys.stderr)
from tests.rows import digests
print(json.dumps(digests()))
call_command("explain_order", "--json", "--at", sys.argv[1])
"""

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_client"),
    pytest.mark.timeout(180),
]


@pytest.fixture
def restored(tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Takes a backup, restores it, and returns the URL of the restored database."""
    if connection.vendor == "sqlite":
        yield lambda: _restored_sqlite(tmp_path)
        return
    name = f"restored_{os.getpid()}"
    yield lambda: _restored_postgres(name, tmp_path / "triage.dump")
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _restored_sqlite(folder: Path) -> str:
    """`.backup` of the command sqlite3 is this call."""
    file = folder / "triage.sqlite3"
    source = str(connection.settings_dict["NAME"])
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(file)) as copy:
        live.backup(copy)
    return f"sqlite:///{file}"


def _restored_postgres(name: str, dump: Path) -> str:
    of = connection.settings_dict
    host = of["HOST"] or "127.0.0.1"
    port = ("--port", str(of["PORT"])) if of["PORT"] else ()
    reached = ("--host", host, "--username", of["USER"], *port)
    environment = {**os.environ, "PGPASSWORD": of["PASSWORD"] or ""}

    def tool(program: str, *arguments: str) -> None:
        subprocess.run([find_tool(program), *reached, *arguments], env=environment, check=True)

    tool("pg_dump", "--format=custom", f"--file={dump}", of["NAME"])
    tool("createdb", name)
    tool(
        "pg_restore",
        "--no-owner",
        "--no-privileges",
        "--exit-on-error",
        f"--dbname={name}",
        str(dump),
    )
    end = f":{of['PORT']}" if of["PORT"] else ""
    user = quote(of["USER"]) + (f":{quote(of['PASSWORD'])}" if of["PASSWORD"] else "")
    return f"postgres://{user}@{quote(host, safe='')}{end}/{name}"


def _a_site_at_work() -> None:
    nurse = make_user(CHARGE_NURSE)
    for number in range(12):
        make_queued_case(number % 5, float(number), actor=nurse)
    record(AuditRecord.Kind.ACCOUNT, timezone.now(), actor=nurse, what="drill")
    while seal_all(timezone.now()):
        pass


def test_a_restored_backup_has_every_row_the_order_and_an_intact_audit(
    restored: Callable[[], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _a_site_at_work()
    before = digests()
    moment = at(3_600).isoformat()
    call_command("explain_order", "--json", "--at", moment)
    order = json.loads(capsys.readouterr().out)
    assert len(order["waiting"]) == 12

    url = restored()
    done = subprocess.run(
        [sys.executable, "-c", AFTERWARDS, moment],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "DATABASE_URL": url, "DATA_DIR": str(tmp_path), "TRIAGE_DEMO": "1",
             "DJANGO_SETTINGS_MODULE": "triage_site.settings"},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr[-3000:]
    assert "The audit is intact" in done.stderr
    after, order_after = (json.loads(line) for line in done.stdout.splitlines())
    assert after == before
    assert order_after == order


def test_a_restored_backup_without_its_last_rows_is_found(
    restored: Callable[[], str], tmp_path: Path
) -> None:
    """The drill can fail: an older backup does not have the head that was noted."""
    _a_site_at_work()
    url = restored()
    record(AuditRecord.Kind.ACCOUNT, timezone.now(), what="after the backup")
    seal_all(timezone.now())
    newest = AuditSeal.objects.order_by("-id").first()
    assert newest is not None
    environment: dict[str, Any] = {
        **os.environ, "DATABASE_URL": url, "DATA_DIR": str(tmp_path), "TRIAGE_DEMO": "1",
        "DJANGO_SETTINGS_MODULE": "triage_site.settings",
    }  # fmt: skip
    command = [sys.executable, "manage.py", "verify_audit", "--head", newest.digest]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert done.returncode == 1, done.stderr
    assert "the audit is damaged" in done.stderr
