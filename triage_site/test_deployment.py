from __future__ import annotations

import os
import secrets
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from triage_site.deployment import Deployment, problems

ROOT = Path(__file__).resolve().parent.parent
SQLITE = {"ENGINE": "django.db.backends.sqlite3", "NAME": "x"}
POSTGRES = {"ENGINE": "django.db.backends.postgresql", "USER": "site", "HOST": "db.example"}
GOOD = Deployment(
    secret_key=secrets.token_urlsafe(48),
    debug=False,
    hosts=("triage.example",),
    is_behind_tls=True,
    redis_url="redis://127.0.0.1:6379/0",
    database=SQLITE,
)
STRONG = "nine-long-words-for-one-db"


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"old_keys": (secrets.token_urlsafe(48),)},
        {"redis_url": "redis://localhost"},
        {"redis_url": f"rediss://:{STRONG}@redis.example"},
        {"database": {**POSTGRES, "PASSWORD": STRONG}},
        {"database": {**POSTGRES, "HOST": "/run/postgresql"}},
        {"database": {**POSTGRES, "HOST": "127.0.0.1"}},
        {"remote_url": "https://models.example/v1"},
        {"remote_url": "http://localhost:8001/v1"},
        {"remote_url": "http://[::1]:8001/v1"},
        {"remote_url": "http://vllm:8000", "is_remote_network_trusted": True},
    ],
)
def test_a_site_that_is_set_up_well_starts(values: dict[str, Any]) -> None:
    assert list(problems(replace(GOOD, **values))) == []


@pytest.mark.parametrize(
    ("variable", "values"),
    [
        ("SECRET_KEY", {"secret_key": "x"}),
        ("SECRET_KEY", {"secret_key": "ab" * 40}),
        ("SECRET_KEY", {"secret_key": f"django-insecure-{secrets.token_urlsafe(48)}"}),
        ("SECRET_KEY_FALLBACKS", {"old_keys": (secrets.token_urlsafe(48), "x")}),
        ("DEBUG", {"debug": True}),
        ("ALLOWED_HOSTS", {"hosts": ("triage.example", "*")}),
        ("ALLOWED_HOSTS", {"hosts": (".",)}),
        ("BEHIND_TLS_PROXY", {"is_behind_tls": False}),
        ("REDIS_URL", {"redis_url": "redis://redis:6379/0"}),
        ("REDIS_URL", {"redis_url": "redis://:password1234@redis:6379/0"}),
        ("REDIS_URL", {"redis_url": "redis://:kx7!qz@redis:6379/0"}),
        ("DATABASE_URL", {"database": POSTGRES}),
        ("DATABASE_URL", {"database": {**POSTGRES, "PASSWORD": "postgres"}}),
        ("DATABASE_URL", {"database": {**POSTGRES, "PASSWORD": "site"}}),
        ("DATABASE_URL", {"database": {**POSTGRES, "PASSWORD": "qwertyuiop"}}),
        ("TRIAGE_REMOTE_URL", {"remote_url": "http://vllm:8000/v1"}),
        ("TRIAGE_REMOTE_URL", {"remote_url": "HTTP://127.0.0.1.models.example/v1"}),
        ("TRIAGE_REMOTE_URL", {"remote_url": "http://10.0.0.7:8000/v1"}),
    ],
)
def test_each_weakness_is_one_sentence(variable: str, values: dict[str, Any]) -> None:
    (problem,) = problems(replace(GOOD, **values))
    assert problem.name == variable
    said = str(problem)
    for value in values.values():
        secret = str(value.get("PASSWORD", "") if isinstance(value, dict) else "")
        assert not secret or secret == "site" or f"{secret} " not in said
    assert "\n" not in said


def test_the_sentence_about_plain_http_names_value_and_remedy_and_no_password() -> None:
    url = "http://reader:canary@models.example:8000/v1"
    (problem,) = problems(replace(GOOD, remote_url=url))
    said = str(problem)
    assert said.startswith("TRIAGE_REMOTE_URL: http://models.example:8000/v1 would carry")
    assert "TRIAGE_REMOTE_TRUSTED_NETWORK=1" in said
    assert "canary" not in said


@pytest.mark.parametrize(
    ("more", "code"),
    [({}, 1), ({"TRIAGE_REMOTE_TRUSTED_NETWORK": "1"}, 0), ({"TRIAGE_DEMO": "1"}, 0)],
)
def test_a_real_site_does_not_start_with_plain_http_to_another_machine(
    more: dict[str, str], code: int, tmp_path: Path
) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "SECRET_KEY": secrets.token_urlsafe(48),
        "BEHIND_TLS_PROXY": "1",
        "DATA_DIR": str(tmp_path),
        "TRIAGE_ENGINE": "remote",
        "TRIAGE_REMOTE_MODEL": "m",
        "TRIAGE_REMOTE_URL": "http://vllm:8000/v1",
        **more,
    }
    command = [sys.executable, "manage.py", "check"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert ("TRIAGE_REMOTE_URL: http://vllm:8000/v1 would" in done.stderr) == bool(code)


def test_a_common_password_stops_the_start_with_a_sentence() -> None:
    """The settings are read before Django can translate."""
    environment = {
        "PATH": os.environ["PATH"],
        "SECRET_KEY": secrets.token_urlsafe(48),
        "BEHIND_TLS_PROXY": "1",
        "DATABASE_URL": "postgres://site:password1234@127.0.0.1/site",
    }
    command = [sys.executable, "manage.py", "check"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0
    assert "DATABASE_URL: has a common password" in done.stderr
    assert "Traceback" not in done.stderr
