"""What the pages say while a store is down, in words."""

from __future__ import annotations

from typing import Final

from django.utils.html import format_html, format_html_join

DATABASE_DOWN: Final = (
    "The database does not answer. This page may be out of date, and nothing can be stored now."
)
_REDIS_MEANS: Final = (
    "New cases are kept and get a provisional level; guidance and live updates continue "
    "automatically when it works again."
)


def render_trouble(redis_trouble: str, is_database_down: bool) -> str:
    """Returns the HTML of the notice; empty while both stores work."""
    sentences = [f"{redis_trouble} {_REDIS_MEANS}"] if redis_trouble else []
    if is_database_down:
        sentences.append(DATABASE_DOWN)
    if not sentences:
        return ""
    lines = format_html_join(" ", "{}", ((one,) for one in sentences))
    return format_html('<p class="notice amber"><span>{}</span></p>', lines)
