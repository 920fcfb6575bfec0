"""Which measured values of a note are of earlier today, and which of now. Pure.

"HR 140 at home, now 80": the first is of earlier. It counts where nothing later is known, and as a
danger that was there, but it is not the present value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from triage_site.triage.reading.figures import Figure

_PLACE: Final = r"gp|doctor'?s?|surgery|pharmacy|chemist|clinic|urgent care|work|school|gym|home"
_EARLIER: Final = re.compile(
    r"\b(?:earlier|initially|at first|first set|on scene|at (?:the )?scene"
    rf"|(?:at|by|in) (?:(?:the|her|his|their) )?(?:{_PLACE})"
    r"|(?:with|by|per|from) (?:the )?(?:crew|ambulance|paramedics?)"
    r"|this morning|overnight|last night|(?:an?|one|two|three|several|few|\d+) ?h(?:ou)?rs? ago)\b"
    r"|\bambulance\b(?=[^.;\n]{0,20}:)",
    re.IGNORECASE,
)
NOW: Final = (
    r"(?:has |have |since )?(?:settled|improved|recovered|come down|came down|gone up|went up|risen"
    r"|rose|dropped|fallen|climbed) (?:to|at)"
    r"|now|currently|at present|at triage|on arrival|here|at the moment"
    r"|in (?:the )?(?:ed|department|waiting room)"
)
_HAS_NOW: Final = re.compile(rf"\b(?:{NOW})\b", re.IGNORECASE)
_NOW_BEFORE: Final = re.compile(
    rf"(?:\b(?:{NOW})|-+>|\u2192)[\s:,-]{{0,3}}(?:is |at |it's )?$", re.IGNORECASE
)
_NOW_AFTER: Final = re.compile(rf"[\s%,(-]{{0,3}}(?:{NOW})\b", re.IGNORECASE)
_NAME: Final = re.compile(r"[^\d]*")
_PART_ENDS: Final = re.compile(r"[,;()\n]|\.(?!\d)|\b(?:and|but|then)\b(?=[^,;.]*\b(?:now|here)\b)")
_REACH: Final = 60  # characters around a value


def with_earlier(text: str, figures: Sequence[Figure]) -> Iterator[Figure]:
    """`figures` of a note, with those marked that a later one of their kind replaces, and those
    that the note tells of earlier."""
    last_now: dict[str, int] = {}
    for one in figures:
        if _is_told_of_now(text, one):
            last_now[one.kind] = max(last_now.get(one.kind, 0), one.start)
    for one in figures:
        replaced = one.start < last_now.get(one.kind, 0)
        is_earlier = one.is_earlier or replaced or _is_told_of_earlier(text, one)
        yield replace(one, is_earlier=True) if is_earlier else one


def _is_told_of_now(text: str, figure: Figure) -> bool:
    """Directly before the value or its name, or directly behind it."""
    name = _NAME.match(text, figure.start, figure.end)
    before = text[max(0, figure.start - _REACH) : figure.start] + (name[0] if name else "")
    is_before = _NOW_BEFORE.search(text[max(0, figure.start - _REACH) : figure.start])
    return bool(is_before or _NOW_BEFORE.search(before) or _NOW_AFTER.match(text, figure.end))


def _is_told_of_earlier(text: str, figure: Figure) -> bool:
    before = _PART_ENDS.split(text[max(0, figure.start - _REACH) : figure.start])[-1]
    after = _PART_ENDS.split(text[figure.end : figure.end + _REACH])[0]
    part = before + text[figure.start : figure.end] + after
    return _EARLIER.search(part) is not None and not _HAS_NOW.search(part)
