"""What a site with real patients must have. Outside demo mode, anything wrong stops the start."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ImproperlyConfigured

MIN_KEY_CHARACTERS: Final = 50
MIN_DISTINCT: Final = 12
MIN_PASSWORD_CHARACTERS: Final = 12
_DEFAULT_PASSWORDS: Final = ("triage", "postgres", "redis", "changeme", "change-me", "default")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The settings that are checked. `database` is Django's entry."""

    secret_key: str
    old_keys: tuple[str, ...] = ()
    debug: bool
    hosts: tuple[str, ...]
    is_behind_tls: bool
    redis_url: str
    database: Mapping[str, Any]
    remote_url: str = ""  # of the server of language models; empty without one
    is_remote_network_trusted: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    name: str  # of the variable
    reason: str

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


def refuse(deployment: Deployment) -> None:
    """Raises ImproperlyConfigured with the first problem, in one sentence."""
    first = next(problems(deployment), None)
    if first is not None:
        raise ImproperlyConfigured(str(first))


def problems(deployment: Deployment) -> Iterator[Problem]:
    if _is_weak(deployment.secret_key):
        yield Problem(
            "SECRET_KEY",
            f"must be at least {MIN_KEY_CHARACTERS} random characters outside demo mode; "
            "`python3 -c 'import secrets; print(secrets.token_urlsafe(48))'` prints some",
        )
    if any(map(_is_weak, deployment.old_keys)):
        yield Problem(
            "SECRET_KEY_FALLBACKS",
            f"must each have at least {MIN_KEY_CHARACTERS} random characters, as SECRET_KEY",
        )
    if deployment.debug:
        yield Problem("DEBUG", "must be off outside demo mode, because its pages show settings")
    if any(host.strip().strip(".") in ("*", "") for host in deployment.hosts):
        yield Problem("ALLOWED_HOSTS", "must name the hosts of the site outside demo mode, not *")
    if not deployment.is_behind_tls:
        yield Problem(
            "BEHIND_TLS_PROXY",
            "must be 1 outside demo mode, with a proxy in front that terminates TLS and sets "
            "X-Forwarded-Proto",
        )
    yield from _redis_problems(deployment.redis_url)
    yield from _database_problems(deployment.database)
    yield from _remote_problems(deployment)


def _is_weak(key: str) -> bool:
    return len(key) < MIN_KEY_CHARACTERS or len(set(key)) < MIN_DISTINCT or "insecure" in key


def _redis_problems(url: str) -> Iterator[Problem]:
    parts = urlsplit(url)
    password = unquote(parts.password or "")
    if not _is_here(parts.hostname or "") and not password:
        yield Problem("REDIS_URL", "must have a password where Redis is on another machine")
    elif password and (reason := _weakness(password, parts.username or "")):
        yield Problem("REDIS_URL", f"has a {reason} password; choose another one")


def _database_problems(entry: Mapping[str, Any]) -> Iterator[Problem]:
    if entry["ENGINE"] == "django.db.backends.sqlite3":
        return
    password, host = str(entry.get("PASSWORD") or ""), str(entry.get("HOST") or "")
    if not _is_here(host) and not password:
        yield Problem("DATABASE_URL", "must have a password where the database is elsewhere")
    elif password and (reason := _weakness(password, str(entry.get("USER") or ""))):
        yield Problem("DATABASE_URL", f"has a {reason} password; choose another one")


def _remote_problems(deployment: Deployment) -> Iterator[Problem]:
    parts = urlsplit(deployment.remote_url)
    if parts.scheme != "http" or deployment.is_remote_network_trusted:
        return
    if not _is_here(parts.hostname or ""):
        shown = parts.netloc.rpartition("@")[2]  # without a name and a password
        yield Problem(
            "TRIAGE_REMOTE_URL",
            f"http://{shown}{parts.path} would carry the words of patients and the key in clear "
            "to another machine; use https, or set TRIAGE_REMOTE_TRUSTED_NETWORK=1 where nobody "
            "else can read that network",
        )


def _is_here(host: str) -> bool:
    """Returns whether the host is this machine: a socket, or a loopback address."""
    if host in ("", "localhost") or host.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _weakness(password: str, user: str) -> str:
    """Returns what is weak about a password; empty for nothing."""
    if password.lower() in _DEFAULT_PASSWORDS or password == user:
        return "default"
    # Not `validate`: it translates its message, and settings are read before that works.
    if password.lower().strip() in CommonPasswordValidator().passwords:
        return "common"
    return "short" if len(password) < MIN_PASSWORD_CHARACTERS else ""
