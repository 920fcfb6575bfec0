"""Which danger signs a note tells of. A sign only escalates. Pure.

A term counts where its words are present or suspected in this patient now, by the cues of the note
or by whoever is asked as well (`counts`). All terms of all
signs are looked up at once, by their rarest words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from operator import attrgetter
from typing import Final

from triage_site.triage.reading.note import Mention, Note
from triage_site.triage.reading.terms import TermIndex
from triage_site.triage.signs.tables import Sign, signs, word_groups

_FOR_TERMS: Final = 0
_FOR_EXCEPTIONS: Final = -1
Counts = Callable[[Mention], bool]
_IS_PRESENT: Final[Counts] = attrgetter("is_present")


@dataclass(frozen=True, slots=True)
class Found:
    """A sign with the words that told of it."""

    sign: Sign
    mentions: tuple[Mention, ...]

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(mention.words for mention in self.mentions))


class SignMatcher:
    """The terms of some signs in one index; each knows which lists of which signs it serves."""

    def __init__(self, table: Sequence[Sign]) -> None:
        self._table = table
        uses: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for at, sign in enumerate(table):
            for term in sign.terms:
                uses[term].append((at, _FOR_TERMS))
            for term in sign.exceptions:
                uses[term].append((at, _FOR_EXCEPTIONS))
            for number, some in enumerate(sign.with_any, start=1):
                for term in some:
                    uses[term].append((at, number))
        self._uses = tuple(tuple(dict.fromkeys(used)) for used in uses.values())
        self._index = TermIndex(list(uses), word_groups())
        # A note is searched once, and asked again when the encoder has read it.
        self._places = lru_cache(maxsize=4)(lambda note: [*note.find(self._index)])

    def mentions(self, note: Note) -> Iterable[tuple[Sign, Mention]]:
        """Every place of a term of a sign, however it is meant there."""
        for term, mention in self._places(note):
            for at, use in self._uses[term]:
                if use == _FOR_TERMS:
                    yield self._table[at], mention

    def find(
        self, note: Note, age_years: float | None, counts: Counts = _IS_PRESENT
    ) -> tuple[Found, ...]:
        """Most urgent first."""
        told: dict[int, dict[int, list[Mention]]] = defaultdict(lambda: defaultdict(list))
        for term, mention in self._places(note):
            is_told = counts(mention)
            for at, use in self._uses[term]:
                if use == _FOR_EXCEPTIONS or is_told:
                    told[at][use].append(mention)
        return tuple(
            Found(self._table[at], mentions)
            for at in sorted(told)
            if self._table[at].fits_age(age_years)
            for mentions in [_counting(self._table[at], told[at])]
            if mentions
        )


def _counting(sign: Sign, told: dict[int, list[Mention]]) -> tuple[Mention, ...]:
    """The mentions that make the sign fire, or nothing."""
    excepted = told.get(_FOR_EXCEPTIONS, ())
    own = [m for m in told.get(_FOR_TERMS, ()) if not any(_overlap(m, e) for e in excepted)]
    others = [told.get(number, []) for number in range(1, len(sign.with_any) + 1)]
    if not own or not all(others):
        return ()
    return tuple(longest([*own, *(some[0] for some in others)]))


def _overlap(one: Mention, other: Mention) -> bool:
    return one.first < other.last and other.first < one.last


def longest(mentions: Iterable[Mention]) -> list[Mention]:
    """Without those that lie inside another one."""
    kept: list[Mention] = []
    for one in sorted(mentions, key=lambda m: m.first - m.last):
        if not any(other.first <= one.first and one.last <= other.last for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda m: m.first)


@cache
def matcher() -> SignMatcher:
    return SignMatcher(signs())


def find_signs(
    note: Note, age_years: float | None, counts: Counts = _IS_PRESENT
) -> tuple[Found, ...]:
    return matcher().find(note, age_years, counts)
