"""The language of terms: words in standard form, found in a note by their rarest word. Pure.

`a/b/c` alternatives, `word*` any ending, `=word` this form alone, `[word]` may be missing,
`_` up to three words between, `_N` up to N, `@group` a named list. See `signs/README.md`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from triage_site.triage.reading.line import MOST_SMALL, Line
from triage_site.triage.reading.words import CAPITALS, TABLES, forms, stem

Groups = Mapping[str, Sequence[str]]
_PIECE: Final = re.compile(r"\[[^\]]*\]|\S+")
_GAP: Final = re.compile(r"_(\d*)$")
_DEFAULT_GAP: Final = 3
_COMMON: Final = frozenset(stem(word) for word in TABLES["sets"]["common"].split())
_END: Final = "$"  # of a statement
# Several ways to say that somebody cannot; notes are read that way as well.
_CAN_NOT: Final = re.compile(
    r"\b(?:unable to|not (?:been )?able to|no longer able to|cannot|could not|can no longer)\b"
)


@dataclass(frozen=True, slots=True)
class Atom:
    """One word of a term. `text` is a stem, a beginning, an exact form or a mark, as `how` says."""

    text: str
    how: str  # "stem", "prefix", "exact" or "mark"

    def index_keys(self) -> tuple[str, ...]:
        if self.how == "prefix":
            return (f"{self.text[:4]}*",)
        return (self.text,) if self.how == "stem" else (stem(self.text),)

    @property
    def weight(self) -> int:
        """How rare the word is likely to be."""
        if self.how == "mark":
            return 0
        if self.how == "prefix":
            return min(len(self.text), 4)
        return 1 if self.index_keys()[0] in _COMMON else 4 + len(self.text)


Sequence_ = tuple[Atom, ...]


@dataclass(frozen=True, slots=True)
class Element:
    """A place in a term: alternatives, or a gap of words."""

    alternatives: tuple[Sequence_, ...] = ()
    optional: bool = False
    gap: int = 0
    ends: bool = False

    def rarity(self) -> tuple[int, int]:
        """Of the most common alternative, and how few alternatives there are."""
        if not self.alternatives or self.optional:
            return (0, 0)
        least = min(max(atom.weight for atom in alt) for alt in self.alternatives)
        return (least, -len(self.alternatives))

    def index_keys(self) -> set[str]:
        rarest = (max(alt, key=lambda atom: atom.weight) for alt in self.alternatives)
        return {key for atom in rarest for key in atom.index_keys()}


def joined(terms: Iterable[str | Sequence[str]]) -> tuple[str, ...]:
    """Terms of a table; a long one stands there in parts."""
    return tuple("".join(term) for term in terms)


def parse(term: str, groups: Groups) -> tuple[Element, ...]:
    """Raises ValueError on an empty term or an unknown group."""
    elements = []
    for piece in _PIECE.findall(_CAN_NOT.sub("can not", _lower(term))):
        gap = _GAP.match(piece)
        if piece == _END:
            elements.append(Element(ends=True))
        elif gap:
            elements.append(Element(gap=int(gap.group(1) or _DEFAULT_GAP)))
        elif piece.startswith("["):
            elements.append(Element(_alternatives(piece[1:-1], groups), optional=True))
        else:
            elements.append(Element(_alternatives(piece, groups)))
    if not any(one.alternatives and not one.optional for one in elements):
        raise ValueError(f"term without a word: {term!r}")
    return tuple(elements)


def _lower(term: str) -> str:
    """Capitals-only shorthand in a term is spelt out, everything else in lower case."""
    return " ".join(CAPITALS.get(word, word.lower()) for word in term.split())


def _alternatives(piece: str, groups: Groups) -> tuple[Sequence_, ...]:
    found: list[Sequence_] = []
    for choice in piece.split("/"):
        if choice.startswith("@"):
            if choice[1:] not in groups:
                raise ValueError(f"unknown group {choice}")
            for member in groups[choice[1:]]:
                found += _alternatives(member, groups)
        else:
            found.append(tuple(atom for word in choice.split() for atom in _atoms(word)))
    return tuple(dict.fromkeys(alt for alt in found if alt))


def _atoms(word: str) -> Iterator[Atom]:
    if not any(char.isalnum() for char in word):
        yield Atom(word, "mark")
    elif word.startswith("="):
        yield Atom(word[1:], "exact")
    elif word.endswith("*"):
        yield Atom(_american(word[:-1]), "prefix")
    else:
        for part in word.split("-"):
            yield from (Atom(stem(form), "stem") for form in forms(part) if part)


def _american(beginning: str) -> str:
    """A word's beginning in the spelling of notes, shorthand and slips aside."""
    for british, plain in (("haem", "hem"), ("oea", "ea"), ("oed", "ed"), ("aem", "em")):
        beginning = beginning.replace(british, plain)
    return beginning


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """An element of a term for the search by bits. Equal elements are one step."""

    number: int
    element: Element
    words: tuple[Atom, ...]  # alternatives of one word
    phrases: tuple[Sequence_, ...]  # of several

    def after(self, line: Line, reach: int) -> int:
        """Where one can be after this element, from the places `reach`."""
        found = (reach & self._of_words(line)) << 1
        for phrase in self.phrases:
            at = reach
            for atom in phrase:
                at = (at & line.places(atom.how, atom.text)) << 1
            found |= at
        return found | reach if self.element.optional else found

    def begins(self, line: Line) -> int:
        """The places where a term can begin that begins with this element."""
        if self.element.optional or self.element.gap:
            return line.everywhere
        found = self._of_words(line)
        for phrase in self.phrases:
            found |= line.places(phrase[0].how, phrase[0].text)
        return found

    def ends(self, line: Line, at: int) -> Iterator[int]:
        """Where one can be after this element from word `at`, the preferred place first."""
        if self.element.gap:
            yield at
            return
        if self._of_words(line) >> at & 1:
            yield at + 1
        for phrase in self.phrases:
            if all(line.places(a.how, a.text) >> at + i & 1 for i, a in enumerate(phrase)):
                yield at + len(phrase)
        if self.element.optional:
            yield at

    def _of_words(self, line: Line) -> int:
        places = line.remembered.get(self.number)
        if places is None:
            places = 0
            for atom in self.words:
                places |= line.places(atom.how, atom.text)
            line.remembered[self.number] = places
        return places


@cache
def _step(element: Element) -> Step:
    words = tuple(alt[0] for alt in element.alternatives if len(alt) == 1)
    phrases = tuple(alt for alt in element.alternatives if len(alt) > 1)
    return Step(_step.cache_info().misses, element, words, phrases)


def steps_of(term: str, groups: Groups) -> tuple[Step, ...]:
    return tuple(_step(element) for element in parse(term, groups))


def may_stand(steps: Sequence[Step], line: Line) -> bool:
    """Whether the term matches somewhere."""
    reach = line.everywhere
    after_word = False
    for step in steps:
        element = step.element
        if element.ends:
            reach &= line.stops
        elif element.gap:
            reach = line.over(reach, element.gap, line.plain)
        else:
            reach = step.after(
                line, line.over(reach, MOST_SMALL, line.small) if after_word else reach
            )
        after_word = bool(element.alternatives)
        if not reach:
            return False
    return True


def spans(steps: Sequence[Step], line: Line) -> Iterator[tuple[int, int]]:
    """First word and word after the last of every match; no two overlap."""
    begins, at = steps[0].begins(line), 0
    while begins >> at:
        at += line.lowest(begins >> at)
        end = _end(steps, 0, at, line)
        if end > at:
            yield at, end
        at = max(end, at + 1)


def _end(steps: Sequence[Step], number: int, at: int, line: Line) -> int:
    """Where the rest of a term ends that goes on at a word; -1 where it does not."""
    if number == len(steps):
        return at
    step = steps[number]
    if step.element.ends:
        return _end(steps, number + 1, at, line) if line.stops >> at & 1 else -1
    after_word = number > 0 and bool(steps[number - 1].element.alternatives)
    for place in _places_to_try(step, at, after_word, line):
        for after in step.ends(line, place):
            end = _end(steps, number + 1, after, line)
            if end >= 0:
                return end
    return -1


def _places_to_try(step: Step, at: int, after_word: bool, line: Line) -> Iterable[int]:
    """A gap is as short as it can be; as many small words as there are come before a word."""
    if step.element.gap:
        return line.run(at, step.element.gap, line.plain)
    return reversed(line.run(at, MOST_SMALL, line.small)) if after_word else (at,)


class TermIndex:
    """Many terms at once. `find` gives (index of the term, first word, word after the last)."""

    def __init__(self, terms: Sequence[str], groups: Groups | None = None) -> None:
        self._by_key: dict[str, list[int]] = defaultdict(list)
        self._terms: list[tuple[Step, ...]] = []
        for index, term in enumerate(terms):
            steps = steps_of(term, groups or {})
            self._terms.append(steps)
            for key in max((step.element for step in steps), key=Element.rarity).index_keys():
                self._by_key[key].append(index)

    def find(self, line: Line) -> Iterator[tuple[int, int, int]]:
        for index in sorted(self._candidates(line)):
            steps = self._terms[index]
            if may_stand(steps, line):
                for first, last in spans(steps, line):
                    yield index, first, last

    def _candidates(self, line: Line) -> set[int]:
        """Terms whose rarest word stands in the note."""
        by_key = self._by_key
        return {index for key in line.keys if key in by_key for index in by_key[key]}
