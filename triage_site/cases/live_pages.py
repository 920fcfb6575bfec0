"""Pages of other apps that are pushed over the live streams: `/live/<name>/`, event `<name>`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from triage_site.cases.roles import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePage:
    """`action` is the right to read it. `render` returns its HTML, once for all who watch."""

    action: Action
    render: Callable[[datetime], str]


PAGES: Final[dict[str, LivePage]] = {}  # an app registers its pages when it is loaded


def register_page(name: str, page: LivePage) -> None:
    PAGES[name] = page
