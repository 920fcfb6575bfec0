"""A note in clauses: what is said between two marks, and whether it tells of a danger. Pure.

A clause tells of a danger where a rule of the safety net found its words in it. What such a clause
says besides can only speak for urgency: so a danger sign, however it is told, never makes a case
less urgent, and what other clauses say counts as it did before.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from triage_site.triage.reading.note import Note

_MARK: Final = re.compile(r"(?<!\S)[.,;:!?()\[\]\n](?!\S)")
_NUMBER: Final = re.compile(r"(?<!\S)\d+(?:[.,]\d+)?(?!\S)")
ANY_NUMBER: Final = "#"
# Said of anybody: whose words they are, or whether of a man or a woman, must not count.
_ANYBODY: Final[dict[str, str]] = {
    **dict.fromkeys(("he", "she", "i", "we", "it"), "they"),
    **dict.fromkeys(("him", "me", "us", "himself", "herself", "myself"), "them"),
    **dict.fromkeys(("his", "her", "hers", "my", "our", "its"), "their"),
    **dict.fromkeys(("man", "woman", "male", "female", "gentleman", "lady", "guy"), "person"),
    **dict.fromkeys(("boy", "girl", "son", "daughter", "grandson", "granddaughter"), "child"),
    **dict.fromkeys(("mother", "father", "mum", "mom", "dad", "mummy", "daddy"), "parent"),
    **dict.fromkeys(("wife", "husband", "boyfriend", "girlfriend"), "partner"),
    **dict.fromkeys(("brother", "sister"), "sibling"),
    **dict.fromkeys(("grandmother", "grandfather", "gran", "grandma", "grandpa"), "grandparent"),
}


@dataclass(frozen=True, slots=True)
class Clause:
    """`phrases`: its words and pairs of words, each once, of any number and of anybody."""

    start: int  # in `Note.plain`
    end: int
    words: str  # as they stand in the note
    phrases: tuple[str, ...]
    danger: bool
    names_complaint: bool  # be it to deny it
    sentence: int
    num_words: int


class Clauses:
    """All clauses of a note in order.

    `dangers`: spans of `Note.plain` that rules fired on. `named`: where complaints are.
    """

    def __init__(
        self, note: Note, dangers: Iterable[tuple[int, int]], named: Iterable[int]
    ) -> None:
        spans = list(_spans(note.plain))
        self._starts = [start for start, _ in spans]
        dangerous = {
            index
            for start, end in dangers
            for index in range(self._index(start), self._index(max(start, end - 1)) + 1)
        }
        complaints = {self._index(offset) for offset in named}
        self.all = tuple(
            Clause(
                start=start,
                end=end,
                words=note.original(start, end),
                phrases=_phrases(note.plain[start:end]),
                danger=index in dangerous,
                names_complaint=index in complaints,
                sentence=note.sentence_at(start),
                num_words=len(note.plain[start:end].split()),
            )
            for index, (start, end) in enumerate(spans)
        )

    def danger_at(self, offset: int) -> bool:
        """Whether the clause that holds this place of `Note.plain` tells of a danger."""
        return bool(self.all) and self.all[self._index(offset)].danger

    def _index(self, offset: int) -> int:
        return max(0, bisect_right(self._starts, offset) - 1)


def _spans(plain: str) -> Iterable[tuple[int, int]]:
    begin = 0
    for end, following in [*(mark.span() for mark in _MARK.finditer(plain)), (len(plain),) * 2]:
        words = plain[begin:end]
        if words.strip():
            yield begin + len(words) - len(words.lstrip()), end
        begin = following


def _phrases(clause: str) -> tuple[str, ...]:
    words = [_ANYBODY.get(word, word) for word in _NUMBER.sub(ANY_NUMBER, clause).split()]
    pairs = (f"{first} {second}" for first, second in pairwise(words))
    return tuple(dict.fromkeys([*words, *pairs]))
