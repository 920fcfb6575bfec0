"""All addresses of the site, from its URL configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.urls import URLPattern, URLResolver, get_resolver

# Values for the parameters of addresses, where a test gives none.
VALUES: dict[str, object] = {
    "case_id": UUID(int=1),
    "comparison_id": UUID(int=1),
    "replay_id": UUID(int=1),
    "upload_id": UUID(int=1),
    "change_id": 1,
    "opening_id": 1,
    "name": "board",
}
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
_SIGNS_OUT = {"logout"}


@dataclass(frozen=True, slots=True)
class Address:
    """`name` is that of the URL configuration, with its namespace."""

    name: str
    pattern: str

    def __str__(self) -> str:
        return self.name

    def path(self, values: Mapping[str, Any] | None = None) -> str:
        """Fails with a KeyError for a parameter that nobody gave a value."""
        known = {**VALUES, **(values or {})}
        return "/" + _PARAMETER.sub(lambda found: str(known[found[1]]), self.pattern)


def addresses(method: str = "") -> list[Address]:
    """All addresses; those for `GET` without the one that signs out."""
    found = list(_walk(get_resolver().url_patterns, "", ""))
    return [one for one in found if method != "GET" or one.name not in _SIGNS_OUT]


def _walk(patterns: list[Any], prefix: str, namespace: str) -> Iterator[Address]:
    for one in patterns:
        pattern = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            inner = f"{one.namespace}:" if one.namespace else namespace
            yield from _walk(one.url_patterns, pattern, inner)
        elif isinstance(one, URLPattern):
            yield Address(f"{namespace}{one.name or pattern}", pattern)
