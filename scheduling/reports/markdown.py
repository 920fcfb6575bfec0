"""Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Returns the lines of a table. All columns but the first are right-aligned."""
    return [
        "| " + " | ".join(head) + " |",
        "|" + "---|" + "--:|" * (len(head) - 1),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


def numbers(values: Iterable[float | None]) -> list[str]:
    """Formats numbers with two decimals, and None as a dash."""
    return ["–" if value is None else f"{value:.2f}" for value in values]
