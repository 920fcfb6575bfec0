"""Demo accounts: one per role. Their passwords and API tokens are printed at the start."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.utils import timezone

from triage_site.cases.api_tokens import why_refused
from triage_site.cases.models import ApiToken
from triage_site.cases.roles import AUDITOR, CHARGE_NURSE, CLINICIAN, Scope
from triage_site.cases.second_factor import factor_of
from triage_site.cases.services.departments import join

_ACCOUNTS: Final = {"clinician": CLINICIAN, "nurse": CHARGE_NURSE, "auditor": AUDITOR}


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoAccount:
    username: str
    password: str
    role: str
    token: str


def password_of(username: str) -> str:
    return f"{username}-demo"


def demo_logins() -> list[dict[str, str]]:
    """Returns role, name and password of each demo account for the login page, no tokens."""
    return [
        {"role": role, "username": name, "password": password_of(name)}
        for name, role in _ACCOUNTS.items()
    ]


def token_file() -> Path:
    """Returns the file with the demo tokens. Only its owner can read it."""
    return Path(settings.DATA_DIR) / "demo_accounts.json"


@transaction.atomic
def ensure_demo_accounts() -> list[DemoAccount]:
    """Creates missing accounts and keeps existing tokens. Raises PermissionError if not demo."""
    if not settings.TRIAGE_DEMO:
        raise PermissionError("demo accounts exist in demo mode only (TRIAGE_DEMO=1)")
    tokens = _stored_tokens()
    accounts = [_ensure(name, role, tokens.get(name)) for name, role in _ACCOUNTS.items()]
    _store_tokens(accounts)
    return accounts


def demo_token(username: str) -> str | None:
    """Returns the demo token of an account of this installation, if there is one."""
    return _stored_tokens().get(username)


def _ensure(username: str, role: str, token: str | None) -> DemoAccount:
    user, created = User.objects.get_or_create(
        username=username, defaults={"is_staff": role == CHARGE_NURSE}
    )
    if created:
        user.set_password(password_of(username))
        user.save()
        join(user)
    user.groups.set([Group.objects.get_or_create(name=role)[0]])
    if not token or not _is_good(user, token):
        factor = factor_of(user)
        token = ApiToken.issue(user, demo=True, scope=Scope.OPERATE, factor=factor)
    return DemoAccount(username=username, password=password_of(username), role=role, token=token)


def _is_good(user: User, token: str) -> bool:
    row = ApiToken.objects.filter(user=user, digest=ApiToken.digest_of(token)).first()
    return why_refused(row, timezone.now()) is None


def _stored_tokens() -> dict[str, str]:
    try:
        rows = json.loads(token_file().read_text())
        return {row["username"]: row["token"] for row in rows}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _store_tokens(accounts: list[DemoAccount]) -> None:
    path = token_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump([asdict(account) for account in accounts], file, indent=1)
