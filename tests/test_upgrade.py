"""`migrate` on a database with rows: each app goes from its state before to its newest."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from tests.factories import make_queued_case, make_user
from tests.rows import digests
from triage_site.audit.services import seal_all
from triage_site.cases.models import ApiToken
from triage_site.cases.roles import CHARGE_NURSE

OWN = ("audit", "cases", "classifiers", "ops", "scheduling")
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]


def newest(app: str) -> tuple[str, str]:
    (leaf,) = MigrationExecutor(connection).loader.graph.leaf_nodes(app)
    return leaf


def before(app: str) -> str | None:
    """The newest state of an app but one; None where it has one state only."""
    graph = MigrationExecutor(connection).loader.graph
    own = [key for key in graph.node_map[newest(app)].parents if key[0] == app]
    return str(own[0].key[1]) if own else None


@pytest.fixture(autouse=True)
def _up_to_date_afterwards() -> Iterator[None]:
    yield
    call_command("migrate", verbosity=0)


@pytest.mark.parametrize("app", OWN)
def test_the_newest_migration_keeps_every_row(app: str) -> None:
    state = before(app)
    if state is None:
        pytest.skip("the app has one state")
    nurse = make_user(CHARGE_NURSE)
    for number in range(6):
        make_queued_case(number % 5, float(number), actor=nurse)
    ApiToken.objects.create(user=nurse, digest="x" * 64)
    while seal_all(timezone.now()):
        pass
    counts = {table: one.split()[0] for table, one in digests().items()}

    call_command("migrate", app, state, verbosity=0)
    assert (app, newest(app)[1]) not in MigrationExecutor(connection).loader.applied_migrations
    call_command("migrate", verbosity=0)

    assert {table: one.split()[0] for table, one in digests().items()} == counts
    said = StringIO()
    call_command("verify_audit", stdout=said)
    assert "The audit is intact" in said.getvalue()
