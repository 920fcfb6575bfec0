"""The reader of the environment: accepted values, and messages that name the variable."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Callable

import pytest
from django.core.exceptions import ImproperlyConfigured

from triage_site import environment

REFUSED: list[tuple[str, Callable[[str], object]]] = [
    ("eight", lambda name: environment.integer(name, 8, at_least=1)),
    ("0", lambda name: environment.integer(name, 8, at_least=1)),
    ("70000", lambda name: environment.integer(name, 8, at_least=1, at_most=65535)),
    ("1.5", lambda name: environment.integer(name, 8, at_least=1)),
    ("nan", lambda name: environment.number(name, 2, at_least=0)),
    ("inf", lambda name: environment.number(name, 2, at_least=0)),
    ("maybe", lambda name: environment.flag(name, default=False)),
    ("tpu", lambda name: environment.choice(name, "auto", ["auto", "cpu"])),
    ("2,10,30", lambda name: environment.numbers(name, (1, 2, 3, 4, 5), at_least=0)),
    ("5,4,3,2,1", lambda name: environment.numbers(name, (1, 2, 3, 4, 5), at_least=0)),
    ("1,2,x,4,5", lambda name: environment.numbers(name, (1, 2, 3, 4, 5), at_least=0)),
    ("localhost:6379", lambda name: environment.url(name, "", ["redis"])),
    ("http://host", lambda name: environment.url(name, "", ["redis"])),
    ("redis://host:port", lambda name: environment.url(name, "", ["redis"])),
    ("redis://", lambda name: environment.url(name, "", ["redis"])),
    ("mysql://host/name", lambda name: environment.database(name, "sqlite:///x")),
    ("postgres://host:port/name", lambda name: environment.database(name, "sqlite:///x")),
    ("postgres://host", lambda name: environment.database(name, "sqlite:///x")),
    ("nonsense", lambda name: environment.database(name, "sqlite:///x")),
]


@pytest.mark.parametrize(("value", "read"), REFUSED)
def test_a_bad_value_is_refused_with_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch, value: str, read: Callable[[str], object]
) -> None:
    monkeypatch.setenv("SOME_VARIABLE", value)
    with pytest.raises(ImproperlyConfigured, match=r"^SOME_VARIABLE: "):
        read("SOME_VARIABLE")


def test_a_missing_required_value_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_VARIABLE", raising=False)
    with pytest.raises(ImproperlyConfigured, match=r"^SOME_VARIABLE: must be set"):
        environment.text("SOME_VARIABLE", None)


@pytest.mark.parametrize(
    "read",
    [
        lambda name: environment.url(name, "", ["redis"]),
        lambda name: environment.database(name, ""),
    ],
)
def test_a_refused_url_does_not_show_its_password(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[str], object]
) -> None:
    monkeypatch.setenv("SOME_VARIABLE", "ftp://user:hunter2@host/name")
    with pytest.raises(ImproperlyConfigured) as refusal:
        read("SOME_VARIABLE")
    assert "hunter2" not in str(refusal.value)


def test_an_empty_value_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_VARIABLE", "  ")
    assert environment.integer("SOME_VARIABLE", 8, at_least=1) == 8
    assert environment.flag("SOME_VARIABLE", default=True) is True
    assert environment.optional_integer("SOME_VARIABLE", at_least=1) is None


def test_the_socket_of_a_local_postgres_is_a_quoted_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_VARIABLE", "postgres://me@%2Frun%2Fpostgresql/triage")
    entry = environment.database("SOME_VARIABLE", "")
    assert (entry["HOST"], entry["NAME"]) == ("/run/postgresql", "triage")


def _settings(**given: str) -> subprocess.CompletedProcess[str]:
    code = "from triage_site import settings; print(settings.TRIAGE_DEMO, settings.SECRET_KEY)"
    path = os.environ["PATH"]
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": path, "DATA_DIR": os.environ["DATA_DIR"], **given},
        capture_output=True,
        text=True,
    )


def test_demo_mode_is_on_without_a_secret_key() -> None:
    assert _settings().stdout.startswith("True demonstration-only")


def test_demo_mode_is_off_with_a_secret_key() -> None:
    key = secrets.token_urlsafe(48)
    assert _settings(SECRET_KEY=key, BEHIND_TLS_PROXY="1").stdout.split() == ["False", key]


def test_a_site_without_demo_mode_needs_a_secret_key() -> None:
    done = _settings(TRIAGE_DEMO="0")
    assert done.returncode != 0
    assert "SECRET_KEY: must be set" in done.stderr


@pytest.mark.parametrize(("old", "new"), list(environment.RENAMED.items()))
def test_an_old_name_stops_with_the_new_one(
    monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    monkeypatch.setenv(old, "1")
    with pytest.raises(ImproperlyConfigured, match=f"{old}: has a new name: set {new} instead"):
        environment.refuse_old_names()


def test_a_wrong_setting_ends_a_command_with_one_sentence() -> None:
    command = [sys.executable, "manage.py", "check"]
    done = subprocess.run(
        command,
        env={**os.environ, "TRIAGE_SEATS": "8"},
        cwd=environment.__file__.rpartition("/triage_site/")[0],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr == "Wrong setting: TRIAGE_SEATS: has a new name: set TRIAGE_SLOTS instead\n"
