"""What `manage.py check --deploy` says beyond Django's own checks."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError

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
