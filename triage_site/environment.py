"""Reads single values of the environment, for settings.py alone.

Whatever is wrong is said with the name of the variable: ImproperlyConfigured.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

_environment = environ.Env()
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


# Variables that have a new name. Nobody should wonder why the old one has no effect.
RENAMED = {
    "TRIAGE_SEATS": "TRIAGE_SLOTS",
    "TRIAGE_PROMISE_SECONDS": "TRIAGE_DEADLINE_SECONDS",
}


def refuse_old_names() -> None:
    for old, new in RENAMED.items():
        if old in _environment.ENVIRON:
            raise wrong(old, f"has a new name: set {new} instead")


def wrong(name: str, reason: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name}: {reason}")


def text(name: str, default: str | None = "") -> str:
    """The value without surrounding blanks; an empty value counts as not given."""
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


def integer(name: str, default: int, *, at_least: int, at_most: int | None = None) -> int:
    return int(_bounded(name, text(name) or str(default), int, "an integer", at_least, at_most))


def optional_integer(name: str, *, at_least: int) -> int | None:
    """None where the variable is not given, which means: choose by yourself."""
    return integer(name, at_least, at_least=at_least) if text(name) else None


def number(name: str, default: float, *, at_least: float) -> float:
    return _bounded(name, text(name) or str(default), float, "a number", at_least, None)


def numbers(
    name: str, default: Sequence[float], *, at_least: float, falling: bool = False
) -> tuple[float, ...]:
    """Exactly as many numbers as the default has, separated by commas, from priority 0 on.

    They must not fall, as times do not, or, with `falling`, not rise, as costs do not.
    """
    if not text(name):
        return tuple(default)
    parts = [part.strip() for part in text(name).split(",")]
    values = tuple(_bounded(name, part, float, "a number", at_least, None) for part in parts)
    if len(values) != len(default):
        raise wrong(name, f"must be {len(default)} numbers separated by commas, not {len(values)}")
    if list(values) != sorted(values, reverse=falling):
        way = "rise" if falling else "fall"
        raise wrong(name, f"must not {way} from the most urgent level to the least urgent")
    return values


def choice(name: str, default: str, choices: Sequence[str]) -> str:
    value = text(name, default)
    if value not in choices:
        raise wrong(name, f"must be one of {', '.join(choices)}; it is {value!r}")
    return value


def words(name: str, default: Sequence[str]) -> list[str]:
    parts = [part.strip() for part in text(name).split(",")]
    return [part for part in parts if part] or list(default)


def url(name: str, default: str, schemes: Sequence[str]) -> str:
    """A URL of one of the schemes. Its value is never repeated: it may hold a password."""
    value = text(name, default)
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018  (raises on a port that is no number)
    except ValueError as error:
        raise wrong(name, f"is not a URL: {error}") from None
    if parts.scheme not in schemes:
        raise wrong(name, f"must be a URL that begins with {' or '.join(schemes)}")
    if parts.scheme != "unix" and not parts.hostname:
        raise wrong(name, "must be a URL with a host")
    return value


def database(name: str, default: str) -> dict[str, Any]:
    """Django's entry for a sqlite:// or postgres:// URL."""
    value = text(name, default)
    if urlsplit(value).scheme not in ("sqlite", "postgres", "postgresql"):
        raise wrong(name, "must be a URL that begins with sqlite:// or postgres://")
    try:
        entry = dict(environ.Env.db_url_config(value))
    except (ValueError, environ.ImproperlyConfigured) as error:
        raise wrong(name, f"is not a database URL: {error}") from None
    if not entry["NAME"]:
        raise wrong(name, "must name the database")
    # A socket's folder comes as a quoted host: postgres://user@%2Frun%2Fpostgresql/name
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
