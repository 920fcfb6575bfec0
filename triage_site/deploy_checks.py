"""What `manage.py check --deploy` says beyond Django's own checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError, connection

from scheduling import site_role
from triage_site.cases.demo import demo_logins
from triage_site.deployment import problems


@register(Tags.security, deploy=True)
def check_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = [
        Error(str(problem), id=f"triage.{problem.name}")
        for problem in problems(settings.DEPLOYMENT)
    ]
    if settings.TRIAGE_DEMO:
        found.append(Error("TRIAGE_DEMO: passwords and key are public", id="triage.TRIAGE_DEMO"))
    return found


@register(Tags.security, deploy=True)
def check_database_log(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """What the log of PostgreSQL would quote of patients. Only its operator can change that."""
    if connection.vendor != "postgresql":
        return []
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, setting FROM pg_settings WHERE name LIKE 'log%'")
            found = dict(cursor.fetchall())
    except DatabaseError:
        return []
    return [Error(problem, id="triage.database_log") for problem in quoting_problems(found)]


def quoting_problems(found: Mapping[str, str]) -> Iterator[str]:
    """Yields what is wrong with the settings of a PostgreSQL server, whose names begin with log."""
    if found.get("log_error_verbosity") != "terse":
        yield "PostgreSQL: log_error_verbosity must be terse, or errors quote rows of patients"
    if found.get("log_parameter_max_length_on_error", "0") != "0":
        yield "PostgreSQL: log_parameter_max_length_on_error must be 0, or errors quote patients"
    logs_statements = (
        found.get("log_statement", "none") not in ("none", "ddl")
        or found.get("log_min_duration_statement", "-1") != "-1"
        or found.get("log_min_duration_sample", "-1") != "-1"
        or float(found.get("log_transaction_sample_rate", "0")) > 0
    )
    if logs_statements and found.get("log_parameter_max_length", "-1") != "0":
        yield "PostgreSQL: log_parameter_max_length must be 0 where statements are logged"


@register(Tags.security, deploy=True)
def check_database_role(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The account of web process and workers should not be able to change the audit."""
    try:
        found = site_role.excess()
    except DatabaseError:
        return []  # no database
    if not found:
        return []
    return [
        Error(
            f"DATABASE_URL: the account {found}, so who takes over a process of the site can "
            "change the audit",
            hint="manage.py grant_site_role makes another one for web process and workers",
            id="triage.database_role",
        )
    ]


@register(Tags.security, deploy=True)
def check_default_passwords(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Accounts that still have a public password. They cannot sign in outside demo mode."""
    logins = {one["username"]: one["password"] for one in demo_logins()}
    try:
        users = list(User.objects.filter(username__in=logins, is_active=True))
    except DatabaseError:
        return []  # no database, or not yet migrated
    return [
        Error(
            f"the account {user.username} has the public password of demo mode",
            hint=f"manage.py account {user.username} --deactivate",
            id="triage.password",
        )
        for user in users
        if user.check_password(logins[user.username])
    ]
