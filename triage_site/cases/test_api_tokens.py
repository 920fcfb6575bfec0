"""What an API token may do, when it ends, and what a refused one leaves behind."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from tests.factories import PASSWORD, add_app, make_case, make_user, token_of
from triage_site.audit.models import AuditRecord
from triage_site.cases import accounts, refused_tokens
from triage_site.cases.api_tokens import make_token
from triage_site.cases.models import ApiToken
from triage_site.cases.refused_tokens import MOST_KINDS, WINDOW, Kind, Refusals
from triage_site.cases.roles import AUDITOR, CHARGE_NURSE, CLINICIAN, Action, Scope, covers
from triage_site.cases.second_factor import factor_of

pytestmark = pytest.mark.django_db
POLICY = {"policy": "semantic", "reason": "x"}
NOTE = {"text": "better"}


@pytest.fixture
def real_site(settings: Any) -> None:
    settings.TRIAGE_DEMO = False


@pytest.fixture(autouse=True)
def _own_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refused_tokens, "refusals", Refusals(refused_tokens._write))


def send(key: str, path: str, data: Any = None) -> int:
    headers = {"Authorization": f"Bearer {key}"}
    client = Client()
    if data is None:
        return client.get(f"/api/v1/{path}", headers=headers).status_code
    answer = client.post(f"/api/v1/{path}", data, "application/json", headers=headers)
    return answer.status_code


# -- scopes


@pytest.mark.parametrize(
    ("scope", "statuses"),
    [
        (Scope.READ, [200, 403, 403, 403]),
        (Scope.SUBMIT, [200, 200, 403, 403]),
        (Scope.OPERATE, [200, 200, 200, 200]),
    ],
)
def test_a_token_does_what_its_scope_says(
    scope: Scope, statuses: list[int], redis_client: Any
) -> None:
    key, case = token_of(make_user(CHARGE_NURSE), scope), make_case()
    found = [
        send(key, "queue"),
        send(key, f"cases/{case.id}/notes", NOTE),
        send(key, "policy", POLICY),
        send(key, f"cases/{case.id}/break-glass", {"reason": "x"}),
    ]
    assert [200 if 200 <= one < 300 or one == 409 else one for one in found] == statuses


def test_a_scope_gives_no_right_that_the_account_lacks() -> None:
    assert send(token_of(make_user(CLINICIAN), Scope.OPERATE), "policy", POLICY) == 403


def test_a_refusal_by_scope_says_so_and_is_audited() -> None:
    key = token_of(make_user(CHARGE_NURSE), Scope.READ)
    headers = {"Authorization": f"Bearer {key}"}
    answer = Client().post("/api/v1/policy", POLICY, "application/json", headers=headers)
    assert answer.json()["errors"] == [
        {
            "field": "authorization",
            "reason": "this token's scope is read; it may not operate the queue",
        }
    ]
    assert AuditRecord.objects.filter(kind=AuditRecord.Kind.REFUSED).count() == 1


def test_scopes_grow_and_the_least_only_reads() -> None:
    read, submit, operate = (
        {action for action in Action if covers(scope, action)}
        for scope in (Scope.READ, Scope.SUBMIT, Scope.OPERATE)
    )
    assert read < submit < operate == set(Action)
    assert not covers("no such scope", Action.VIEW)


def test_a_key_is_never_read_as_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["-k3y", "--key", "k-3y_"])
    monkeypatch.setattr("secrets.token_urlsafe", lambda size: next(drawn))
    assert token_of(make_user("nurse1")) == "k-3y_"


def test_the_least_scope_is_the_default(client: Client) -> None:
    user = make_user()
    client.force_login(user)
    page = client.get("/account/").content.decode()
    assert '<option value="read" selected>' in page
    call_command("account", user.username, "--token", stdout=io.StringIO())
    assert ApiToken.objects.get().scope == "read"
    call_command("account", user.username, "--token", "--scope=submit", stdout=io.StringIO())
    assert ApiToken.objects.get().scope == "submit"


# -- the second factor


def test_an_account_that_needs_a_code_makes_a_token_after_it_alone(real_site: None) -> None:
    nurse = make_user(CHARGE_NURSE)
    values: dict[str, Any] = {"name": "x", "days": 5, "scope": Scope.READ, "now": timezone.now()}
    with pytest.raises(PermissionError):
        make_token(nurse, **values)
    with pytest.raises(CommandError, match=r"--token: .* needs a second factor"):
        call_command("account", nurse.username, "--token", stdout=io.StringIO())
    add_app(nurse)
    assert send(make_token(nurse, **values, has_given_factor=True), "queue") == 200


def test_a_page_without_the_code_makes_no_token(client: Client, real_site: None) -> None:
    nurse = make_user(CHARGE_NURSE)
    add_app(nurse)
    client.post("/login/", {"username": nurse.username, "password": PASSWORD})
    data = {"name": "x", "days": "5", "scope": "read"}
    answer = client.post("/account/tokens/make/", data)
    assert answer["Location"].startswith("/account/second-factor/")
    assert not ApiToken.objects.exists()


def change_app(user: User, how: str) -> None:
    if how == "reset":
        accounts.reset_second_factor(user)
    elif how == "removed elsewhere":
        user.authenticatorapp_set.all().delete()
    else:
        add_app(user)


@pytest.mark.parametrize("how", ["reset", "removed elsewhere", "another app"])
def test_a_change_of_the_second_factor_ends_every_token(how: str) -> None:
    user = make_user()
    add_app(user)
    key = token_of(user)
    assert send(key, "queue") == 200
    change_app(user, how)
    assert send(key, "queue") == 401


def test_a_role_that_needs_a_code_ends_tokens_made_without_one(real_site: None) -> None:
    user = make_user(CLINICIAN)
    key = token_of(user)
    assert send(key, "queue") == 200
    user.groups.set([Group.objects.get_or_create(name=CHARGE_NURSE)[0]])
    assert send(key, "queue") == 401
    record = AuditRecord.objects.get(kind=AuditRecord.Kind.TOKEN_REFUSED)
    assert (record.actor, record.what) == (user, "made without the second factor")


def test_a_site_can_require_the_second_factor_of_everybody(
    client: Client, real_site: None, settings: Any
) -> None:
    user = make_user(CLINICIAN)
    client.force_login(user)
    assert client.get("/").status_code == 200
    settings.TRIAGE_SECOND_FACTOR = "all"
    assert client.get("/")["Location"].startswith("/account/second-factor/")
    assert send(token_of(user), "queue") == 401


# -- the longest life


@pytest.mark.parametrize(("role", "most"), [(CLINICIAN, 365), (CHARGE_NURSE, 30), (AUDITOR, 30)])
def test_tokens_of_roles_with_power_end_sooner(client: Client, role: str, most: int) -> None:
    client.force_login(make_user(role))
    data = {"name": "x", "scope": "read"}
    assert client.post("/account/tokens/make/", {**data, "days": str(most + 1)}).status_code == 422
    assert client.post("/account/tokens/make/", {**data, "days": str(most)}).status_code == 200


def test_a_role_that_was_given_later_shortens_the_life_of_tokens() -> None:
    user, now = make_user(CLINICIAN), timezone.now()
    key = make_token(user, name="x", days=300, scope=Scope.READ, now=now)
    ApiToken.objects.update(created_at=now - timedelta(days=31))
    assert send(key, "queue") == 200
    user.groups.set([Group.objects.get_or_create(name=AUDITOR)[0]])
    assert send(key, "queue") == 401


# -- refused tokens


def refused() -> list[tuple[str, dict[str, Any]]]:
    rows = AuditRecord.objects.filter(kind=AuditRecord.Kind.TOKEN_REFUSED).order_by("id")
    return [(row.what, row.data) for row in rows]


def test_refused_tokens_leave_a_line_and_a_record_with_their_number(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for number in range(50):
        assert send(f"wrong-{number}", "queue") == 401
    assert refused() == [("unknown or revoked", {"address": "127.0.0.1", "times": 1})]
    assert caplog.text.count("token_refused") == 1
    assert "wrong-" not in caplog.text
    refused_tokens.refusals.flush(timezone.now() + WINDOW)
    assert refused()[1:] == [("unknown or revoked", {"address": "127.0.0.1", "times": 49})]
    refused_tokens.refusals.flush(timezone.now() + 3 * WINDOW)
    assert len(refused()) == 2


def test_the_record_names_the_account_of_a_token_that_was_good() -> None:
    user, now = make_user(), timezone.now()
    ended = make_token(user, name="x", days=1, scope=Scope.READ, now=now - timedelta(days=2))
    assert send(ended, "queue") == 401
    assert [what for what, _ in refused()] == ["ended"]
    assert AuditRecord.objects.get(kind=AuditRecord.Kind.TOKEN_REFUSED).actor == user


def test_metrics_refuse_and_record_like_the_api(client: Client) -> None:
    assert client.get("/metrics", headers={"Authorization": "Bearer x"}).status_code == 401
    assert [what for what, _ in refused()] == ["unknown or revoked"]
    key = token_of(make_user(), Scope.READ)
    assert client.get("/metrics", headers={"Authorization": f"Bearer {key}"}).status_code == 200


def test_a_flood_from_many_addresses_writes_few_records() -> None:
    written: list[tuple[Kind, int]] = []
    counts, now = Refusals(lambda kind, num, at: written.append((kind, num))), timezone.now()
    for number in range(5_000):
        counts.add(Kind("unknown or revoked", f"2001:db8::{number:x}", None), now)
    assert len(written) == MOST_KINDS + 1
    counts.flush(now + WINDOW)
    assert written[-1] == (Kind("unknown or revoked", "", None), 5_000 - MOST_KINDS - 1)
    assert len(written) == MOST_KINDS + 2


def test_a_demo_token_that_ended_is_made_again(settings: Any, tmp_path: Any) -> None:
    from triage_site.cases.demo import ensure_demo_accounts

    settings.DATA_DIR = tmp_path
    first = ensure_demo_accounts()[1]
    user = User.objects.get(username=first.username)
    assert ensure_demo_accounts()[1].token == first.token
    add_app(user)
    second = ensure_demo_accounts()[1]
    assert second.token != first.token
    assert (send(first.token, "queue"), send(second.token, "queue")) == (401, 200)
    assert factor_of(user) == ApiToken.objects.latest("id").factor
