"""Keys and codes of the second factor at rest, a new SECRET_KEY, and rows of before."""

from __future__ import annotations

import io
from importlib import import_module
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from django_otp import match_token
from django_otp.oath import totp

from tests.factories import add_app, make_user
from tests.rows import tables_as_text
from triage_site.cases.account_models import hash_of_code
from triage_site.cases.api_tokens import make_token
from triage_site.cases.encryption import Unreadable, decrypt, encrypt
from triage_site.cases.models import AuthenticatorApp, RecoveryCodes
from triage_site.cases.roles import Scope

pytestmark = pytest.mark.django_db
OLD, NEW = "an old key of this site, " * 3, "a new key of this site, " * 3


def test_the_database_holds_neither_key_nor_code() -> None:
    user = make_user()
    app = add_app(user)
    codes = RecoveryCodes.issue(user)
    text = tables_as_text()
    assert app.encrypted_key in text
    for secret in (app.key.hex(), app.key_text, *codes, *(code.replace("-", "") for code in codes)):
        assert secret.lower() not in text.lower()


def test_a_text_reads_with_the_key_of_before_and_not_without(settings: Any) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    encrypted = encrypt("a secret")
    settings.SECRET_KEY = NEW
    with pytest.raises(Unreadable):
        decrypt(encrypted)
    settings.SECRET_KEY_FALLBACKS = [OLD]
    assert decrypt(encrypted) == "a secret"


def test_a_new_secret_key_ends_neither_apps_nor_tokens(client: Client, settings: Any) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    user = make_user()
    key = make_token(user, name="x", days=5, scope=Scope.READ, now=timezone.now())
    other = make_user()
    app = add_app(other)
    secret = app.key

    def status() -> int:
        return client.get("/api/v1/queue", headers={"Authorization": f"Bearer {key}"}).status_code

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    assert status() == 200
    out = io.StringIO()
    call_command("rotate_keys", stdout=out)
    assert out.getvalue().startswith("1 authenticator apps and 1 API tokens")
    settings.SECRET_KEY_FALLBACKS = []
    assert status() == 200
    app.refresh_from_db()
    assert app.key == secret


def test_a_lost_key_is_named_and_opens_nothing(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    user = make_user()
    app = add_app(user)
    code = f"{totp(app.key):06}"
    settings.SECRET_KEY = NEW
    assert match_token(user, code) is None
    assert "second_factor_unreadable" in caplog.text
    with pytest.raises(CommandError, match=rf"SECRET_KEY_FALLBACKS.* {user.username}\."):
        call_command("rotate_keys", stdout=io.StringIO())


def test_a_recovery_code_works_once_as_people_type_it() -> None:
    user = make_user()
    first, second, *_ = RecoveryCodes.issue(user)
    assert match_token(user, first.upper()) is not None
    assert match_token(user, first) is None
    RecoveryCodes.objects.update(throttling_failure_count=0)
    assert match_token(user, second.replace("-", "")) is not None
    assert len(RecoveryCodes.objects.get().hashes) == 8


def test_the_hash_of_a_recovery_code_is_the_slow_one_that_sites_have_stored(settings: Any) -> None:
    """Tests hash cheaply. A site with another cost would refuse the codes that people hold."""
    settings.RECOVERY_CODE_COST = import_module("triage_site.settings").RECOVERY_CODE_COST
    assert hash_of_code("abcde23456", "00" * 16) == (
        "cb906fe5fb7818fd5e02a93c42689f61b55eb8423f690b28fae3d2e2cdae4c51"
    )


@pytest.mark.django_db(transaction=True)
def test_rows_of_before_are_encrypted_hashed_and_work() -> None:
    """The tables of django-otp's plugins, as their newest migrations made them."""
    user = make_user()
    key = "0123456789abcdef0123456789abcdef01234567"
    call_command("migrate", "cases", "0014", verbosity=0)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TABLE otp_totp_totpdevice (id bigint, user_id bigint, name text, "
                "confirmed boolean, key text, drift int, last_t bigint)"
            )
            cursor.execute("CREATE TABLE otp_static_staticdevice (id bigint, user_id bigint)")
            cursor.execute("CREATE TABLE otp_static_statictoken (device_id bigint, token text)")
            cursor.execute(
                "INSERT INTO otp_totp_totpdevice VALUES (7, %s, 'phone', true, %s, 0, -1)",
                [user.pk, key],
            )
            cursor.execute("INSERT INTO otp_static_staticdevice VALUES (3, %s)", [user.pk])
            cursor.execute("INSERT INTO otp_static_statictoken VALUES (3, 'abcdefgh')")
    finally:
        call_command("migrate", verbosity=0)
    app = AuthenticatorApp.objects.get(user=user)
    assert (app.name, app.confirmed, app.key.hex()) == ("phone", True, key)
    assert key not in tables_as_text()
    assert "abcdefgh" not in tables_as_text()
    assert not [name for name in connection.introspection.table_names() if "otp_" in name]
    assert match_token(user, f"{totp(app.key):06}") is not None
    assert match_token(user, "abcdefgh") is not None
