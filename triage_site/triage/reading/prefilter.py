"""Which of many patterns can begin at a word: found by the word's first letters. Pure.

Two hundred patterns over every note would be slow one by one. Each is filed under all openings
(up to four letters) that a match of it can have, read off the parsed expression; at each word
of a note only the patterns filed under its opening are tried. Nothing is missed: an expression
whose openings cannot be told is filed under the empty opening and tried at every word.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

from triage_site.triage.reading.note import Note

_LENGTH: Final = 4
_MAX_OPENINGS: Final = 4000
# Words, and what follows a joint inside a word ("non-blanching"), or a single mark.
_STARTS: Final = re.compile(r"[^\W_]+|[^\s\w]")
_UNKNOWN: Final = frozenset({""})


class Dispatch:
    """`matches` gives (index of the pattern, match) for all places where a word begins."""

    def __init__(self, patterns: Sequence[re.Pattern[str]]) -> None:
        self._patterns = tuple(patterns)
        self._filed: dict[str, list[int]] = defaultdict(list)
        for index, pattern in enumerate(patterns):
            for opening in openings(pattern.pattern):
                self._filed[opening].append(index)

    def matches(self, text: str) -> Iterator[tuple[int, re.Match[str]]]:
        for begin in _STARTS.finditer(text):
            start = begin.start()
            head = text[start : start + _LENGTH]
            for length in range(len(head) + 1):
                for index in self._filed.get(head[:length], ()):
                    match = self._patterns[index].match(text, start)
                    if match and match.end() > start:
                        yield index, match


def all_matches(dispatch: Dispatch, note: Note) -> dict[int, list[re.Match[str]]]:
    """Index of every pattern found -> where, however it is meant."""
    found: dict[int, list[re.Match[str]]] = {}
    for index, match in dispatch.matches(note.plain):
        found.setdefault(index, []).append(match)
    return found


def openings(source: str) -> frozenset[str]:
    """All ways a match can begin, each cut to four letters; a shorter one may go on anyhow."""
    found = _sequence(parser.parse(source))
    return _UNKNOWN if found is None else frozenset(text[:_LENGTH] for text, _ in found)


# An opening and whether the expression may go on after it (False: four letters are full, or
# what follows cannot be told). None: too many, or nothing can be told.
_Openings = set[tuple[str, bool]]


def _sequence(items: Any) -> _Openings | None:
    current: _Openings = {("", True)}
    for item in items:
        following = _item(item)
        grown: _Openings = set()
        for text, goes_on in current:
            if not goes_on or following is None:
                grown.add((text, False))
            else:
                grown |= {_joined(text, more, open_) for more, open_ in following}
        if len(grown) > _MAX_OPENINGS:
            return None
        current = grown
        if not any(goes_on for _, goes_on in current):
            break
    return current


def _joined(text: str, more: str, goes_on: bool) -> tuple[str, bool]:
    full = text + more
    return (full[:_LENGTH], False) if len(full) >= _LENGTH else (full, goes_on)


def _item(item: tuple[Any, Any]) -> _Openings | None:
    code, argument = item
    if code is codes.LITERAL:
        return {(chr(argument), True)}
    if code is codes.IN:
        return _class(argument)
    if code is codes.SUBPATTERN:
        return _sequence(argument[-1])
    if code is codes.BRANCH:
        return _union([_sequence(branch) for branch in argument[1]])
    if code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
        return _repeat(*argument)
    if code in (codes.ASSERT, codes.ASSERT_NOT, codes.AT):
        return {("", True)}
    return None


def _class(members: Any) -> _Openings | None:
    letters: set[str] = set()
    for code, argument in members:
        if code is codes.LITERAL:
            letters.add(chr(argument))
        elif code is codes.RANGE:
            letters |= {chr(point) for point in range(argument[0], argument[1] + 1)}
        elif code is codes.CATEGORY and argument is codes.CATEGORY_DIGIT:
            letters |= set("0123456789")
        else:
            return None
    return {(letter, True) for letter in letters}


def _repeat(least: int, most: Any, body: Any) -> _Openings | None:
    once = _sequence(body)
    if once is None:
        return None if least else {("", False)}
    again = most is codes.MAXREPEAT or most > 1
    # After one round another may follow: nothing more can be told, unless it is full already.
    out = {(text, goes_on and not again) for text, goes_on in once}
    if again:
        out |= {(text, True) for text, goes_on in once if goes_on}
    return out if least else out | {("", True)}


def _union(parts: list[_Openings | None]) -> _Openings | None:
    out: _Openings = set()
    for part in parts:
        if part is None:
            return None
        out |= part
    return out
