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
