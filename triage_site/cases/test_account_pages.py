"""Lock-out, second factor, sessions, passwords and API tokens, as people meet them."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from django_otp.oath import totp

from tests.factories import PASSWORD, add_app, make_user
from triage_site.audit.models import AuditRecord
from triage_site.cases.api_tokens import make_token
from triage_site.cases.demo import ensure_demo_accounts
from triage_site.cases.models import ApiToken, AuthenticatorApp, FailedName
from triage_site.cases.roles import AUDITOR, CHARGE_NURSE, CLINICIAN, Scope

pytestmark = pytest.mark.django_db
NEW = "eleven-quiet-lanterns-9"


def sign_in(client: Client, user: User, password: str = PASSWORD, **more: Any) -> Any:
    return client.post("/login/", {"username": user.username, "password": password}, **more)


@pytest.fixture
def real_site(settings: Any) -> None:
    settings.TRIAGE_DEMO = False


# -- lock-out


def test_five_wrong_passwords_lock_the_name_from_that_address(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    user = make_user()
    assert sign_in(Client(), user, REMOTE_ADDR="10.0.0.9").status_code == 302
    statuses = [sign_in(client, user, "wrong").status_code for _ in range(6)]
    assert statuses == [200, 200, 200, 200, 429, 429]
    answer = sign_in(client, user)
    assert answer.status_code == 429
    assert answer["Retry-After"] == "900"
    assert "too many failed sign-ins" in answer.content.decode()
    assert sign_in(Client(), user, REMOTE_ADDR="10.0.0.9").status_code == 302
    assert sign_in(client, make_user()).status_code == 302
    assert AuditRecord.objects.filter(kind="locked_out").exists()
    assert caplog.text.count("sign_in_failed") >= 5
    assert "sign_in_locked" in caplog.text


def test_many_addresses_guess_no_more_than_one_and_lock_nobody_out() -> None:
    user = make_user()
    assert sign_in(Client(), user, REMOTE_ADDR="10.0.0.9").status_code == 302
    statuses = [
        sign_in(Client(), user, "wrong", REMOTE_ADDR=f"203.0.113.{number}").status_code
        for number in range(8)
    ]
    assert statuses == [200, 200, 200, 200, 429, 429, 429, 429]
    assert sign_in(Client(), user, REMOTE_ADDR="203.0.113.99").status_code == 429
    assert sign_in(Client(), user, REMOTE_ADDR="10.0.0.9").status_code == 302


def test_the_present_password_cannot_be_guessed_with_an_open_session(client: Client) -> None:
    user = make_user()
    sign_in(client, user)
    form = {"old_password": "wrong", "new_password1": NEW, "new_password2": NEW}
    statuses = [client.post("/account/password/", form).status_code for _ in range(6)]
    assert statuses == [422, 422, 422, 422, 429, 429]
    form["old_password"] = PASSWORD
    assert client.post("/account/password/", form).status_code == 429
    user.refresh_from_db()
    assert not user.check_password(NEW)


def test_nobody_takes_a_demo_account_along_into_a_real_site(client: Client, settings: Any) -> None:
    demo = ensure_demo_accounts()[1]
    user = User.objects.get(username=demo.username)
    sign_in(client, user, demo.password)
    form = {"old_password": demo.password, "new_password1": NEW, "new_password2": NEW}
    answer = client.post("/account/password/", form)
    assert answer.status_code == 422
    assert "This password is public" in answer.content.decode()
    settings.TRIAGE_DEMO = False
    for password in (demo.password, NEW):
        assert sign_in(Client(), user, password).status_code == 200


ATTACK = "203.0.113.7"


def spray(num: int, address: str = ATTACK) -> list[int]:
    """Tries one password of as many accounts. Returns the statuses."""
    return [
        sign_in(Client(), make_user(), "Spring-2026!", REMOTE_ADDR=address).status_code
        for _ in range(num)
    ]


def test_one_address_that_tries_many_names_is_stopped(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.TRIAGE_FAILED_NAMES = 6
    user = make_user()
    assert spray(8) == [200] * 6 + [429] * 2
    assert sign_in(Client(), user, REMOTE_ADDR=ATTACK).status_code == 429
    assert sign_in(Client(), user, REMOTE_ADDR="10.0.0.9").status_code == 302
    assert caplog.text.count("sign_in_spraying") == 1
    record = AuditRecord.objects.get(what="many names")
    assert record.data == {"address": ATTACK, "names": 6}


def test_names_of_no_account_count_too(settings: Any) -> None:
    settings.TRIAGE_FAILED_NAMES = 2
    form = {"password": "Spring-2026!"}
    statuses = [
        Client().post("/login/", {**form, "username": f"nobody{number}"}).status_code
        for number in range(4)
    ]
    assert statuses == [200, 200, 429, 429]


def test_an_ipv6_network_is_one_address(settings: Any) -> None:
    settings.TRIAGE_FAILED_NAMES = 2
    statuses = [spray(1, f"2001:db8:0:1::{number:x}")[0] for number in range(1, 5)]
    assert statuses == [200, 200, 429, 429]
    assert spray(1, "2001:db8:0:2::1") == [200]


def test_who_works_behind_a_sprayed_address_goes_on_with_one_try(settings: Any) -> None:
    settings.TRIAGE_FAILED_NAMES = 4
    user, other, new = make_user(), make_user(), make_user()
    for one in (user, other):
        assert sign_in(Client(), one, REMOTE_ADDR=ATTACK).status_code == 302
    spray(5)
    assert sign_in(Client(), user, REMOTE_ADDR=ATTACK).status_code == 302
    assert sign_in(Client(), other, "wrong", REMOTE_ADDR=ATTACK).status_code == 429
    assert sign_in(Client(), other, REMOTE_ADDR=ATTACK).status_code == 429
    assert sign_in(Client(), new, REMOTE_ADDR=ATTACK).status_code == 429
    call_command("account", new.username, "--unlock", stdout=io.StringIO())
    assert sign_in(Client(), new, REMOTE_ADDR=ATTACK).status_code == 302


def test_a_hospital_behind_one_address_that_mistypes_is_not_slowed(settings: Any) -> None:
    settings.TRIAGE_FAILED_NAMES = 4
    for _ in range(12):
        user, client = make_user(), Client()
        assert sign_in(client, user, "mistyped", REMOTE_ADDR=ATTACK).status_code == 200
        assert sign_in(client, user, REMOTE_ADDR=ATTACK).status_code == 302


def test_an_attack_is_forgotten_after_an_hour(settings: Any) -> None:
    settings.TRIAGE_FAILED_NAMES = 3
    assert spray(4)[-1] == 429
    FailedName.objects.update(at=timezone.now() - timedelta(minutes=61))
    assert spray(1) == [200]
    assert FailedName.objects.count() == 1


def test_an_account_is_unlocked_by_command(client: Client) -> None:
    user = make_user()
    for _ in range(6):
        sign_in(client, user, "wrong")
    call_command("account", user.username, "--unlock", stdout=io.StringIO())
    assert sign_in(client, user).status_code == 302


# -- second factor


def code_of(device: AuthenticatorApp) -> str:
    return f"{totp(device.key, drift=device.drift):06}"


@pytest.mark.parametrize("role", [CHARGE_NURSE, AUDITOR])
def test_a_role_with_power_sets_up_a_second_factor_first(
    client: Client, real_site: None, role: str
) -> None:
    user = make_user(role)
    sign_in(client, user)
    for path in ("/", "/ops/", "/account/", "/ops/audit/"):
        answer = client.get(path)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/account/second-factor/?next=")
    assert client.get("/live/board/").status_code == 401
    assert "HX-Redirect" in client.get("/board/", headers={"HX-Request": "true"}).headers
    page = client.get("/account/second-factor/").content.decode()
    assert "<svg" in page
    assert client.post("/account/second-factor/", {"code": "000000"}).status_code == 422
    device = AuthenticatorApp.objects.get(user=user)
    AuthenticatorApp.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    answer = client.post("/account/second-factor/", {"code": code_of(device)})
    codes = re.findall(r"<li><code>([\w-]+)</code>", answer.content.decode())
    assert len(codes) == 10
    assert client.get("/").status_code == 200
    # The next session asks for a code, and takes a recovery code once.
    for expected in (302, 422):
        other = Client()
        sign_in(other, user)
        assert other.get("/").status_code == 302
        answer = other.post("/account/second-factor/", {"code": codes[0], "next": "/ops/"})
        assert answer.status_code == expected


def test_demo_mode_and_clinicians_need_no_second_factor(client: Client, settings: Any) -> None:
    sign_in(client, make_user(CHARGE_NURSE))
    assert client.get("/").status_code == 200
    settings.TRIAGE_DEMO = False
    other = Client()
    sign_in(other, make_user(CLINICIAN))
    assert other.get("/").status_code == 200


def test_a_lost_app_is_reset_by_command(client: Client) -> None:
    user = make_user()
    add_app(user)
    sign_in(client, user)
    assert client.get("/").status_code == 302
    call_command("account", user.username, "--reset-second-factor", stdout=io.StringIO())
    assert client.get("/")["Location"].startswith("/login/")
    sign_in(client, user)
    assert client.get("/").status_code == 200


# -- password, sessions, tokens


def change_password(client: Client, new: str = NEW, old: str = PASSWORD) -> Any:
    data = {"old_password": old, "new_password1": new, "new_password2": new}
    return client.post("/account/password/", data)


def test_a_new_password_ends_other_sessions_and_tokens(client: Client) -> None:
    user, other = make_user(), Client()
    for one in (client, other):
        sign_in(one, user)
    key = make_token(user, name="x", days=5, scope=Scope.READ, now=timezone.now())
    assert change_password(client).status_code == 302
    assert client.get("/account/").status_code == 200
    assert other.get("/").status_code == 302
    answer = client.get("/api/v1/queue", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("new", "old"), [("short", PASSWORD), ("password1234", PASSWORD), (NEW, "x")]
)
def test_a_weak_password_or_a_wrong_old_one_changes_nothing(
    client: Client, new: str, old: str
) -> None:
    user = make_user()
    sign_in(client, user)
    assert change_password(client, new, old).status_code == 422
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_people_end_their_own_sessions_only(client: Client) -> None:
    user, other, stranger = make_user(), Client(), Client()
    for one in (client, other):
        sign_in(one, user)
    sign_in(stranger, make_user())
    for one in (client, other, stranger):
        one.get("/")
    page = client.get("/account/").content.decode()
    ids = re.findall(r'name="session" value="(\w+)"', page)
    assert len(ids) == 1
    stranger.post("/account/sessions/end/", {"session": ids[0]})
    assert other.get("/").status_code == 200
    client.post("/account/sessions/end/", {"session": ids[0]})
    assert other.get("/").status_code == 302
    assert Session.objects.count() == 2


def test_a_token_is_made_used_and_revoked(client: Client) -> None:
    user = make_user()
    sign_in(client, user)
    page = client.post(
        "/account/tokens/make/", {"name": "ward screen", "days": "30", "scope": "read"}
    )
    (key,) = re.findall(r"only once: <code>([\w-]+)</code>", page.content.decode())
    headers = {"Authorization": f"Bearer {key}"}
    assert client.get("/api/v1/queue", headers=headers).status_code == 200
    token = ApiToken.objects.get()
    assert token.name == "ward screen"
    assert token.last_used_at is not None
    assert key not in client.get("/account/").content.decode()
    client.post("/account/tokens/revoke/", {"token": token.id})
    assert client.get("/api/v1/queue", headers=headers).status_code == 401


def test_a_token_ends_with_its_date_and_with_any_change_of_the_password(client: Client) -> None:
    user = make_user()
    now = timezone.now()
    old = make_token(user, name="x", days=1, scope=Scope.READ, now=now - timedelta(days=2))
    key = make_token(user, name="x", days=1, scope=Scope.READ, now=now)

    def status(of: str) -> int:
        return client.get("/api/v1/queue", headers={"Authorization": f"Bearer {of}"}).status_code

    assert (status(old), status(key)) == (401, 200)
    user.set_password(NEW)  # as any other code does it
    user.save()
    assert status(key) == 401


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"name": " "}, {"days": "0"}, {"days": "366"}, {"scope": "all"}]
)
def test_a_token_without_name_end_or_scope_is_refused(
    client: Client, wrong: dict[str, str]
) -> None:
    sign_in(client, make_user())
    data = {"name": "x", "days": "5", "scope": "read", **wrong}
    assert client.post("/account/tokens/make/", data).status_code == 422
    assert not ApiToken.objects.exists()


# -- the command


def test_deactivation_ends_every_access(client: Client) -> None:
    user = make_user()
    sign_in(client, user)
    key = make_token(user, name="x", days=5, scope=Scope.READ, now=timezone.now())
    call_command("account", user.username, "--deactivate", stdout=io.StringIO())
    assert client.get("/").status_code == 302
    headers = {"Authorization": f"Bearer {key}"}
    assert client.get("/api/v1/queue", headers=headers).status_code == 401
    assert sign_in(client, user).status_code == 200
    call_command("account", user.username, "--activate", stdout=io.StringIO())
    assert sign_in(client, user).status_code == 302


def test_accounts_are_listed() -> None:
    user = make_user(AUDITOR)
    out = io.StringIO()
    call_command("account", "--list", stdout=out)
    assert re.search(rf"{user.username} +auditor +active +no second factor", out.getvalue())


@pytest.mark.parametrize("arguments", [(), ("nobody",), ("nobody", "--deactivate")])
def test_a_command_without_an_account_says_so(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        call_command("account", *arguments)
