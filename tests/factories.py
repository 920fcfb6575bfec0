"""Accounts, cases and jobs for tests."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.contrib.auth.models import Group, User

from scheduling import services as scheduling
from scheduling.models import Job
from triage_site.cases import services
from triage_site.cases.models import ApiToken, AuthenticatorApp, Case, CaseStatus, Department
from triage_site.cases.roles import CLINICIAN, Scope
from triage_site.cases.second_factor import factor_of
from triage_site.cases.services import departments
from triage_site.triage.facts import CaseFacts

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
PASSWORD = "correct horse battery staple"

_numbers = count(1)


def at(seconds: float) -> datetime:
    """The time `seconds` after START."""
    return START + timedelta(seconds=seconds)


def make_user(role: str | None = CLINICIAN, **values: Any) -> User:
    username = values.pop("username", f"user{next(_numbers)}")
    user = User.objects.create_user(username=username, password=PASSWORD, **values)
    if role is not None:
        user.groups.add(Group.objects.get_or_create(name=role)[0])
    return user


def add_app(user: User) -> AuthenticatorApp:
    """Gives the account an authenticator app, as if its person had set it up."""
    key = AuthenticatorApp.new_key()
    return AuthenticatorApp.objects.create(user=user, confirmed=True, encrypted_key=key)


def token_of(user: User, scope: Scope = Scope.OPERATE) -> str:
    """The key of a new API token; by default it may do what the account may do."""
    return ApiToken.issue(user, scope=scope, factor=factor_of(user))


def make_department(code: str, *people: User) -> Department:
    """Another department of the site, beside the one that every site has."""
    departments.add_department(code, f"Department {code}")
    department = Department.objects.get(code=code)
    for user in people:
        user.departments.set([department])
    return department


def make_job(priority: int = 2, seconds: float = 0.0, **values: Any) -> Job:
    """A waiting job that arrived `seconds` after START. Its case does not exist."""
    arguments: dict[str, Any] = {
        "case_id": uuid.uuid4(),
        "prompt": f"A case of priority {priority}, heart rate 88 /min.",
        "priority": priority,
        "prompt_tokens": 20,
        "predicted_tokens": 50,
        "arrival_at": at(seconds),
        "now": at(seconds),
    }
    return scheduling.submit_job(**{**arguments, **values})


def make_case(
    text: str = "twisted ankle, can walk",
    *,
    actor: User | None = None,
    seconds: float = 0.0,
    **facts: Any,
) -> Case:
    """A submitted case that is not classified yet."""
    case, _ = services.submit_case(
        facts=CaseFacts.from_dict({"text": text, **facts}),
        actor=make_user() if actor is None else actor,
        submission_key=uuid.uuid4().hex,
        now=at(seconds),
    )
    return case


def make_queued_case(priority: int, seconds: float, *, actor: User) -> Job:
    """The waiting job of a case of that level, which arrived `seconds` after the start."""
    text = f"fell in the kitchen, hurt wrist {next(_numbers)}"
    case = Case.objects.create(
        facts=CaseFacts(text=text).to_dict(),
        created_by=actor,
        submission_key=uuid.uuid4().hex,
        arrived_at=at(seconds),
        status=CaseStatus.QUEUED,
        priority=priority,
        suggested_priority=priority,
    )
    return make_job(priority, seconds, case_id=case.id, prompt=f"{text}, priority {priority}")
