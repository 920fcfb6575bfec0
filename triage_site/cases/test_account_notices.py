"""People are told of each change of their sign-in, and can answer that it was not theirs."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail as outbox_of
from django.core.management import CommandError, call_command
from django.test import Client
from django_otp.oath import totp

from tests.factories import PASSWORD, add_app, make_user, token_of
from triage_site.audit.models import AuditRecord
from triage_site.cases import mail
from triage_site.cases.models import AccountNotice, ApiToken, AuthenticatorApp
from triage_site.cases.roles import AUDITOR, CHARGE_NURSE, CLINICIAN

pytestmark = pytest.mark.django_db
NEW = "eleven-quiet-lanterns-9"


def sign_in(user: User, password: str = PASSWORD, code: str = "") -> Client:
    client = Client()
    form = {"username": user.username, "password": password}
    assert client.post("/login/", form).status_code == 302
    if code:
        assert client.post("/account/second-factor/", {"code": code}).status_code == 302
    return client


def code_of(app: AuthenticatorApp) -> str:
    """The next code that was not used."""
    app.refresh_from_db()
    AuthenticatorApp.objects.update(last_t=-1)
    return f"{totp(app.key, drift=app.drift):06}"


def told(client: Client, path: str = "/") -> list[str]:
    page = client.get(path).content.decode()
    (listed,) = re.findall(r'<ul class="told">(.*?)</ul>', page) or [""]
    return re.findall(r"<li>(.*?):", listed)


# -- each change


def change_password(client: Client, user: User) -> None:
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert client.post("/account/password/", form).status_code == 302


def make_token(client: Client, user: User) -> None:
    data = {"name": "ward screen", "days": "5", "scope": "read"}
    assert client.post("/account/tokens/make/", data).status_code == 200


def set_up_app(client: Client, user: User) -> None:
    client.get("/account/second-factor/")
    code = code_of(AuthenticatorApp.objects.get(user=user))
    assert client.post("/account/second-factor/", {"code": code}).status_code == 200


def by_command(*options: str) -> Any:
    def change(client: Client, user: User) -> None:
        call_command("account", user.username, *options, stdout=io.StringIO())

    return change


CHANGES = {
    "Your password was changed": change_password,
    "An API token was made for your account (ward screen)": make_token,
    "An API token was made for your account (command line)": by_command("--token"),
    "An authenticator app was set up for your account": set_up_app,
    "The authenticator app of your account was removed": by_command("--reset-second-factor"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_told_in_other_sessions_until_it_is_answered(what: str) -> None:
    user = make_user()
    mine = sign_in(user)
    CHANGES[what](mine, user)
    is_by_command = what.endswith("(command line)")
    # Who took the session over that made the change must not answer for the person.
    assert told(mine) == ([what] if is_by_command else [])
    app = AuthenticatorApp.objects.filter(user=user).first()
    password = NEW if change_password is CHANGES[what] else PASSWORD
    other = sign_in(user, password, code_of(app) if app else "")
    assert told(other) == [what]
    assert told(other, "/account/") == [what]
    notice = AccountNotice.objects.get()
    path, data = "/account/notices/acknowledge/", {"notice": [notice.pk, "x"], "next": "/cases/"}
    for stranger in (sign_in(make_user()), *(() if is_by_command else (mine,))):
        stranger.post(path, data)
        assert told(other) == [what]
    assert other.post(path, data)["Location"] == "/cases/"
    assert told(other) == []
    assert what in other.get("/account/").content.decode()  # it is still listed there


def test_a_notice_says_when_and_from_where() -> None:
    user = make_user()
    make_token(sign_in(user), user)
    by_command("--token")(None, user)
    at = f"{AccountNotice.objects.latest('id').at:%Y-%m-%d %H:%M}"
    page = sign_in(user).get("/").content.decode()
    assert f"{at}, from 127.0.0.1." in page
    assert f"{at}, by a command on the server." in page


def test_a_stolen_password_alone_shows_and_answers_nothing() -> None:
    user = make_user()
    add_app(user)
    notice = AccountNotice.objects.create(user=user, what="token")
    thief = sign_in(user)
    assert "was made for your account" not in thief.get("/account/second-factor/").content.decode()
    thief.post("/account/notices/acknowledge/", {"notice": notice.pk})
    notice.refresh_from_db()
    assert notice.acknowledged_at is None


# -- this was not me


def test_an_answer_that_it_was_not_me_ends_everything_and_tells_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    user, nurse, auditor = make_user(), make_user(CHARGE_NURSE), make_user(AUDITOR)
    thief, mine = sign_in(user), sign_in(user)
    make_token(thief, user)
    key = token_of(user)
    assert "Lock the account" in mine.get("/account/not-me/").content.decode()
    page = mine.post("/account/not-me/").content.decode()
    assert "The account is locked" in page
    for client in (thief, mine):
        assert client.get("/")["Location"].startswith("/login/")
    answer = Client().get("/api/v1/queue", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 401
    assert not ApiToken.objects.filter(user=user).exists()
    form = {"username": user.username, "password": PASSWORD}
    assert Client().post("/login/", form).status_code == 200
    assert "account_locked_as_stolen" in caplog.text
    assert AuditRecord.objects.filter(what="locked by its person", actor=user).exists()
    for other in (nurse, auditor):
        client = sign_in(other)
        (what,) = told(client)
        assert what.startswith("An account was locked")
        assert user.username in client.get("/").content.decode()
        assert "This was not me" not in client.get("/").content.decode()
    assert told(sign_in(make_user(CLINICIAN))) == []


# -- mail


@pytest.fixture
def mail_server(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    class AtOnce:
        def __init__(self, target: Any, args: Any, daemon: bool) -> None:
            self.start = lambda: target(*args)

    settings.EMAIL_HOST = "mail.example"
    monkeypatch.setattr(mail, "Thread", AtOnce)
    return outbox_of


def test_mail_goes_to_an_address_where_there_is_a_server(
    mail_server: Any, django_capture_on_commit_callbacks: Any
) -> None:
    user = make_user(email="alice@hospital.example")
    client = sign_in(user)
    with django_capture_on_commit_callbacks(execute=True):
        change_password(client, user)
    (sent,) = mail_server.outbox
    assert sent.to == ["alice@hospital.example"]
    assert "Your password was changed" in sent.body
    assert "This was not me" in sent.body


def test_no_mail_without_server_or_address(
    mail_server: Any, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        by_command("--token")(None, make_user())
        settings.EMAIL_HOST = ""
        by_command("--token")(None, make_user(email="bob@hospital.example"))
    assert mail_server.outbox == []


def test_a_mail_that_fails_stops_nothing(
    mail_server: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: Any,
) -> None:
    def refuse(*_: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(mail, "send_mail", refuse)
    user = make_user(email="alice@hospital.example")
    client = sign_in(user)
    with django_capture_on_commit_callbacks(execute=True):
        make_token(client, user)
    assert "mail_failed" in caplog.text


def test_an_address_is_set_by_command() -> None:
    user = make_user()
    by_command("--email=alice@hospital.example")(None, user)
    user.refresh_from_db()
    assert user.email == "alice@hospital.example"
    with pytest.raises(CommandError, match="email"):
        by_command("--email=nowhere")(None, user)


# -- the person's own second factor


def test_a_clinician_sets_up_an_app_and_removes_it_with_a_code() -> None:
    user = make_user(CLINICIAN)
    client = sign_in(user)
    set_up_app(client, user)
    app = AuthenticatorApp.objects.get()
    assert sign_in(user).get("/")["Location"].startswith("/account/second-factor/")
    assert client.post("/account/second-factor/remove/", {"code": "000000"}).status_code == 422
    AuthenticatorApp.objects.update(throttling_failure_count=0)
    answer = client.post("/account/second-factor/remove/", {"code": code_of(app)})
    assert answer["Location"] == "/account/"
    assert sign_in(user).get("/").status_code == 200
    assert [one.what for one in AccountNotice.objects.all()] == ["no factor", "factor"]


def test_new_recovery_codes_end_the_old_ones_and_are_told() -> None:
    user = make_user()
    client = sign_in(user)
    set_up_app(client, user)
    app = AuthenticatorApp.objects.get()
    pages = [
        client.post("/account/recovery-codes/", {"code": code_of(app)}).content.decode()
        for _ in range(2)
    ]
    first, second = (re.findall(r"<li><code>([\w-]+)</code>", page) for page in pages)
    assert len(first) == len(second) == 10
    for codes, status in ((first, 422), (second, 302)):
        other = sign_in(user)
        answer = other.post("/account/second-factor/", {"code": codes[0]})
        assert answer.status_code == status
        user.recoverycodes_set.update(throttling_failure_count=0)
    assert "9 recovery codes are left" in client.get("/account/").content.decode()
    assert told(other)[0] == "New recovery codes were made for your account"


# -- first passwords


def first_password(role: str = CLINICIAN) -> User:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
        options = ("--role", role, "--password-stdin")
        call_command("account", "alice", *options, stdout=io.StringIO())
    return User.objects.get(username="alice")


def test_a_first_password_opens_nothing_but_its_change() -> None:
    user = first_password()
    client = sign_in(user)
    for path in ("/", "/account/", "/cases/new/"):
        assert client.get(path)["Location"].startswith("/account/password/?next=")
    assert client.post("/account/tokens/make/", {}).status_code == 302
    assert client.get("/live/board/").status_code == 401
    assert "HX-Redirect" in client.get("/board/", headers={"HX-Request": "true"}).headers
    page = client.get("/account/password/?next=/cases/").content.decode()
    assert "Choose your own password" in page
    form = {"old_password": PASSWORD, "new_password1": PASSWORD, "new_password2": PASSWORD}
    answer = client.post("/account/password/", form)
    assert answer.status_code == 422
    assert "Choose a password that you did not have" in answer.content.decode()
    form = {**form, "new_password1": NEW, "new_password2": NEW, "next": "/cases/"}
    assert client.post("/account/password/", form)["Location"] == "/cases/"
    assert client.get("/").status_code == 200
    assert sign_in(user, NEW).get("/").status_code == 200


def test_a_password_that_an_operator_set_again_is_a_first_one() -> None:
    user = make_user(username="alice")
    assert sign_in(user).get("/").status_code == 200
    first_password()
    assert sign_in(user).get("/")["Location"].startswith("/account/password/")


def test_the_api_refuses_until_the_first_password_is_changed() -> None:
    user = first_password()
    headers = {"Authorization": f"Bearer {token_of(user)}"}
    answer = Client().get("/api/v1/queue", headers=headers)
    assert answer.status_code == 401
    assert "/account/password/" in answer.json()["errors"][0]["reason"]


def test_the_code_comes_before_the_new_password(settings: Any) -> None:
    settings.TRIAGE_DEMO = False
    user = first_password(CHARGE_NURSE)
    app = add_app(user)
    client = sign_in(user)
    assert client.get("/account/password/")["Location"].startswith("/account/second-factor/")
    client.post("/account/second-factor/", {"code": code_of(app)})
    assert client.get("/")["Location"].startswith("/account/password/")


def test_a_first_password_that_nobody_used_in_time_opens_nothing(settings: Any) -> None:
    user = first_password()
    settings.FIRST_PASSWORD_DAYS = -1
    form = {"username": user.username, "password": PASSWORD}
    answer = Client().post("/login/", form)
    assert answer.status_code == 200
    assert "was not used in time" in answer.content.decode()
    wrong = Client().post("/login/", {**form, "password": "x"}).content.decode()
    assert "was not used in time" not in wrong
