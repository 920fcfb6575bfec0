"""Reads single variables of the environment, for settings.py only.

A wrong value raises ImproperlyConfigured. The message begins with the name of the variable.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

import environ
from django.core.exceptions import ImproperlyConfigured

_environment = environ.Env()
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})

# Old name of a variable -> new name. An old name stops the start: it would have no effect.
RENAMED = {
    "TRIAGE_SEATS": "TRIAGE_SLOTS",
    "TRIAGE_PROMISE_SECONDS": "TRIAGE_DEADLINE_SECONDS",
}


def refuse_old_names() -> None:
    """Raises ImproperlyConfigured when a variable with an old name is set."""
    for old, new in RENAMED.items():
        if old in _environment.ENVIRON:
            raise wrong(old, f"has a new name: set {new} instead")


def wrong(name: str, reason: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name}: {reason}")


def text(name: str, default: str | None = "") -> str:
    """Returns the value without surrounding spaces; an empty value counts as not set."""
    value = str(_environment.str(name, default="")).strip() or default
    if value is None:
        raise wrong(name, "must be set")
    return value


def flag(name: str, default: bool) -> bool:
    value = text(name).lower()
    if not value:
        return default
    if value not in _TRUE | _FALSE:
        raise wrong(name, f"must be one of 1, true, yes, on, 0, false, no, off; it is {value!r}")
    return value in _TRUE


def optional_flag(name: str) -> bool | None:
    """Returns None when the variable is not set or is `auto`: the program then finds out."""
    return None if text(name).lower() in ("", "auto") else flag(name, default=False)


def integer(name: str, default: int, *, at_least: int, at_most: int | None = None) -> int:
    return int(_bounded(name, text(name) or str(default), int, "an integer", at_least, at_most))


def optional_integer(name: str, *, at_least: int) -> int | None:
    """Returns None when the variable is not set: the program then chooses a value."""
    return integer(name, at_least, at_least=at_least) if text(name) else None


def number(name: str, default: float, *, at_least: float) -> float:
    return _bounded(name, text(name) or str(default), float, "a number", at_least, None)


def numbers(
    name: str, default: Sequence[float], *, at_least: float, falling: bool = False
) -> tuple[float, ...]:
    """Reads comma-separated numbers, one per priority from 0 on, as many as the default has.

    The numbers must not decrease (times). With `falling` they must not increase (costs).
    """
    if not text(name):
        return tuple(default)
    parts = [part.strip() for part in text(name).split(",")]
    values = tuple(_bounded(name, part, float, "a number", at_least, None) for part in parts)
    if len(values) != len(default):
        raise wrong(name, f"must be {len(default)} comma-separated numbers, not {len(values)}")
    if list(values) != sorted(values, reverse=falling):
        change = "increase" if falling else "decrease"
        raise wrong(name, f"must not {change} from the most urgent level to the least urgent")
    return values


def choice(name: str, default: str, choices: Sequence[str]) -> str:
    value = text(name, default)
    if value not in choices:
        raise wrong(name, f"must be one of {', '.join(choices)}; it is {value!r}")
    return value


def words(name: str, default: Sequence[str]) -> list[str]:
    parts = [part.strip() for part in text(name).split(",")]
    return [part for part in parts if part] or list(default)


def time_zone(name: str, default: str) -> str:
    value = text(name, default)
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):  # an unknown name is a KeyError
        raise wrong(name, f"is not a time zone such as Europe/London; it is {value!r}") from None
    return value


def origins(name: str) -> list[str]:
    values = words(name, [])
    for value in values:
        if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).netloc:
            raise wrong(name, f"must be origins such as https://triage.example; one is {value!r}")
    return values


def contact(name: str) -> str:
    value = text(name)
    if value and not value.startswith(("mailto:", "https://")):
        raise wrong(name, "must begin with mailto: or https://")
    return value


def mail_server(name: str) -> dict[str, Any]:
    """Returns Django's settings of a server such as smtp+tls://user:password@host:587."""
    value = url(name, "", ["smtp", "smtp+tls", "smtp+ssl"]) if text(name) else ""
    parts = urlsplit(value)
    return {
        "EMAIL_HOST": parts.hostname or "",
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtp+ssl" else 25),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme == "smtp+ssl",
    }


def mail_address(name: str, default: str) -> str:
    value = text(name, default)
    if value.count("@") != 1 or not value.isprintable():
        raise wrong(name, "must be an address such as triage@hospital.example")
    return value


def folder_for(name: str, path: Path) -> Path:
    """Makes the folder `path` of the value of a variable, for its user only."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise wrong(name, f"the folder {path} cannot be made ({error.strerror})") from None
    return path


def url(name: str, default: str, schemes: Sequence[str]) -> str:
    """Reads a URL with one of the schemes. Messages omit the value: it may hold a password."""
    value = text(name, default)
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018  (raises when the port is not a number)
    except ValueError as error:
        raise wrong(name, f"is not a URL: {error}") from None
    if parts.scheme not in schemes:
        raise wrong(name, f"must be a URL that begins with {' or '.join(schemes)}")
    if parts.scheme != "unix" and not parts.hostname:
        raise wrong(name, "must be a URL with a host")
    return value


def database(name: str, default: str) -> dict[str, Any]:
    """Returns Django's DATABASES entry for a sqlite:// or postgres:// URL."""
    value = text(name, default)
    if urlsplit(value).scheme not in ("sqlite", "postgres", "postgresql"):
        raise wrong(name, "must be a URL that begins with sqlite:// or postgres://")
    try:
        entry = dict(environ.Env.db_url_config(value))
    except (ValueError, environ.ImproperlyConfigured) as error:
        raise wrong(name, f"is not a database URL: {error}") from None
    if not entry["NAME"]:
        raise wrong(name, "must name the database")
    # The folder of a Unix socket is a quoted host: postgres://user@%2Frun%2Fpostgresql/name
    return {**entry, "HOST": unquote(entry["HOST"])}


def _bounded(
    name: str,
    value: str,
    kind: type[int] | type[float],
    what: str,
    at_least: float,
    at_most: float | None,
) -> float:
    try:
        result = kind(value)
    except ValueError:
        raise wrong(name, f"must be {what}; it is {value!r}") from None
    if not at_least <= result < float("inf") or (at_most is not None and result > at_most):
        upper = "" if at_most is None else f" and at most {at_most}"
        raise wrong(name, f"must be at least {at_least}{upper}; it is {value!r}")
    return result
