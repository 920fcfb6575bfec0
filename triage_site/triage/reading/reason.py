"""Which words of a note say why somebody came, and how it says that something is over. Pure.

What is read here is quoted; it moves no danger sign, no name and no level.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from triage_site.triage.reading.context import is_about_relative
from triage_site.triage.reading.note import Note

_TABLE: Final[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "reason.toml").read_text(encoding="utf-8")
)


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile("|".join(_TABLE[name]), re.IGNORECASE)


_PLAIN_REASON: Final = _pattern("plain_reason")
_REASON: Final = _pattern("reason")
_LONG_AGO: Final = _pattern("long_ago")
_BEFORE: Final = _pattern("before_now")
_ALLERGIES: Final = _pattern("allergies")
_OVER: Final = _pattern("over")
_NOT_OVER: Final = _pattern("not_over")
_BACK_AGAIN: Final = _pattern("back_again")
_REACH_SENTENCES: Final = 3  # that may tell that something is over: its own and two more
_MOST_OVER_WORDS: Final = 8
_REASON_WORDS: Final = 5


def reason(note: Note) -> tuple[int, int] | None:
    """The first word of what a note calls the reason, and the one after the last: the last reason
    told, a plain one ("here for") before others."""
    told = [*_reasons(note, _REASON), *_reasons(note, _PLAIN_REASON)]
    return told[-1] if told else None


def words_of_reason(note: Note) -> tuple[str, ...]:
    """The first words of the reason; where none is told, of the first sentence that may hold one,
    if that is not the first of all."""
    why = reason(note)
    if why is not None:
        return (note.quote(why[0], min(why[1], why[0] + _REASON_WORDS)),)
    told = _sentences(note)
    at = next((n for n, (first, last) in enumerate(told) if _is_of_now(note, first, last)), 0)
    if at == 0:
        return ()
    first, last = told[at]
    return (note.quote(first, min(last, first + _REASON_WORDS)),)


def may_tell(note: Note, at: int) -> bool:
    """Whether the sentence of word `at` may tell why somebody came: no allergy, nothing of long
    ago, of before or of relatives."""
    return any(_is_of_now(note, *span) for span in _sentences(note) if span[0] <= at < span[1])


def _is_of_now(note: Note, first: int, last: int) -> bool:
    words = note.quote(first, last)
    is_history = _BEFORE.search(words) or _ALLERGIES.search(words) or _LONG_AGO.search(words)
    return not is_history and not is_about_relative(note, last - 1)


def _reasons(note: Note, pattern: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    for first, last in _sentences(note):
        begin = note.words[first].start
        for match in pattern.finditer(note.quote(first, last)):
            at = next(n for n in range(first, last) if note.words[n].end > begin + match.start())
            if begin + match.end() < note.words[last - 1].start + 1:
                yield at, last


def over_words(note: Note, place: int) -> str:
    """How the note says that what it tells at character `place` is over; empty where it does
    not."""
    later = [(first, last) for first, last in _sentences(note) if note.words[last - 1].end > place]
    for first, last in later[:_REACH_SENTENCES]:
        begin = max(place, note.words[first].start)
        told = note.text[begin : note.words[last - 1].end]
        for match in _OVER.finditer(told):
            rest = note.text[begin + match.end() :]
            before = f"{told[: match.start()].rstrip()} "
            if not _NOT_OVER.search(before) and not _BACK_AGAIN.search(rest):
                return " ".join(match.group().split()[:_MOST_OVER_WORDS])
    return ""


def _sentences(note: Note) -> list[tuple[int, int]]:
    """First word and word after the last of each."""
    told: dict[int, tuple[int, int]] = {}
    for said in note.statements:
        first = told.get(said.sentence, (said.first, said.last))[0]
        told[said.sentence] = (first, said.last)
    return list(told.values())
