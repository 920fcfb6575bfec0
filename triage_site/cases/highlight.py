"""Marks in the caller's text the words that raised the priority. All text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from triage_site.triage.types import NOT_OF_NOW

Span = tuple[int, int, str]


def highlighted(text: str, reasons: Iterable[Mapping[str, Any]]) -> SafeString:
    """Returns `text` as HTML. Each word of a reason is in a <mark>; its title is the reason."""
    pieces: list[SafeString] = []
    position = 0
    for start, end, title in _spans(text, reasons):
        pieces.append(format_html("{}", text[position:start]))
        pieces.append(format_html('<mark title="{}">{}</mark>', title, text[start:end]))
        position = end
    pieces.append(format_html("{}", text[position:]))
    return format_html_join("", "{}", ((piece,) for piece in pieces))


def _spans(text: str, reasons: Iterable[Mapping[str, Any]]) -> Sequence[Span]:
    """Returns the positions of the words. Of two that overlap, the earlier, longer one is kept."""
    found: list[Span] = []
    for reason in reasons:
        if reason.get("code") == NOT_OF_NOW:
            continue
        for word in reason.get("words") or ():
            found += [(at, at + len(word), str(reason["text"])) for at in _places(text, word)]
    kept: list[Span] = []
    for span in sorted(set(found), key=lambda span: (span[0], -span[1], span[2])):
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return kept


def _places(text: str, word: str) -> Iterable[int]:
    at = text.find(word) if word else -1
    while at >= 0:
        yield at
        at = text.find(word, at + len(word))
