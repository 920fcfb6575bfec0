from __future__ import annotations

import io

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.http import HttpRequest
from django.test import Client, override_settings

from tests.factories import make_user
from triage_site.cases.demo import ensure_demo_accounts
from triage_site.cases.models import ApiToken
from triage_site.cases.roles import AUDITOR, CHARGE_NURSE, CLINICIAN, Action, may

pytestmark = pytest.mark.django_db

PASSWORD = "seven-green-herons"


def account(
    monkeypatch: pytest.MonkeyPatch, *arguments: str, role: str, password: str = PASSWORD
) -> str:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    out = io.StringIO()
    call_command("account", "alice", "--role", role, *arguments, stdout=out)
    return out.getvalue()


def test_an_account_signs_in_with_its_role(monkeypatch: pytest.MonkeyPatch) -> None:
    account(monkeypatch, "--password-stdin", role=CLINICIAN)
    user = authenticate(HttpRequest(), username="alice", password=PASSWORD)
    assert isinstance(user, User)
    assert may(user, Action.SUBMIT)
    assert not may(user, Action.OPERATE)


def test_a_role_is_changed_without_a_new_password(monkeypatch: pytest.MonkeyPatch) -> None:
    account(monkeypatch, "--password-stdin", role=CHARGE_NURSE)
    account(monkeypatch, role=AUDITOR)
    user = authenticate(HttpRequest(), username="alice", password=PASSWORD)
    assert isinstance(user, User)
    assert not user.is_staff
    assert not may(user, Action.SUBMIT)


def key_of(username: str) -> str:
    out = io.StringIO()
    call_command("account", username, "--token", stdout=out)
    return out.getvalue().split()[-1]


def status(client: Client, key: str) -> int:
    return client.get("/api/v1/queue", headers={"Authorization": f"Bearer {key}"}).status_code


def test_a_new_password_ends_the_tokens_of_the_account(
    monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    user = make_user(username="alice")
    key = key_of(user.username)
    account(monkeypatch, role=CHARGE_NURSE)
    assert status(client, key) == 200
    account(monkeypatch, "--password-stdin", role=CLINICIAN, password="eight-quiet-lanterns-7")
    assert status(client, key) == 401


def test_a_first_password_makes_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match=r"^--token: alice must change the first password"):
        account(monkeypatch, "--password-stdin", "--token", role=CLINICIAN)


@pytest.mark.parametrize("password", ["", "short", "password", "alice"])
def test_a_weak_password_makes_no_account(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    with pytest.raises(CommandError, match=r"^alice: .*password"):
        account(monkeypatch, "--password-stdin", role=CLINICIAN, password=password)
    assert not User.objects.exists()


def test_a_new_token_replaces_the_old_one(client: Client) -> None:
    user = make_user()
    keys = [key_of(user.username) for _ in range(2)]
    assert ApiToken.objects.count() == 1
    assert [status(client, key) for key in keys] == [401, 200]


def test_demo_passwords_are_refused_outside_demo_mode() -> None:
    demo = ensure_demo_accounts()[0]
    assert authenticate(HttpRequest(), username=demo.username, password=demo.password)
    with override_settings(TRIAGE_DEMO=False):
        assert authenticate(HttpRequest(), username=demo.username, password=demo.password) is None
