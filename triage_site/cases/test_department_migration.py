"""The migration to departments: old cases and accounts belong to the one department."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests.factories import make_user
from triage_site.cases.models import Case, Department

BEFORE, AFTER = "0011_anonymised_cases", "0013_people_of_the_department"


def to(name: str) -> Any:
    call_command("migrate", "cases", name, verbosity=0)
    return MigrationExecutor(connection).loader.project_state([("cases", name)]).apps


def test_old_cases_and_accounts_join_the_default_department(transactional_db: None) -> None:
    users = [make_user(), make_user()]
    try:
        old = to(BEFORE)
        for user in users:
            old.get_model("cases", "Case").objects.create(
                facts={"text": "sore toe"},
                created_by_id=user.pk,
                submission_key=uuid.uuid4().hex,
            )
    finally:
        to(AFTER)
        call_command("migrate", verbosity=0)
    assert [one.code for one in Department.objects.all()] == ["ED"]
    assert {case.department.code for case in Case.objects.all()} == {"ED"}
    assert {user.departments.get().code for user in User.objects.all()} == {"ED"}
