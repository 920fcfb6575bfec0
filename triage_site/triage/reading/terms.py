"""The language of terms: words in standard form, found in a note by their rarest word. Pure.

`a/b/c` alternatives, `word*` any ending, `=word` this form alone, `[word]` may be missing,
`_` up to three words between, `_N` up to N, `@group` a named list. See `signs/README.md`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from typing import Final

from triage_site.triage.reading.line import DENIALS, MOST_SMALL, SMALL, Line
from triage_site.triage.reading.words import CAPITALS, TABLES, forms, stem

Groups = Mapping[str, Sequence[str]]
_PIECE: Final = re.compile(r"\[[^\]]*\]|\S+")
_GAP: Final = re.compile(r"_(\d*)$")
_DEFAULT_GAP: Final = 3
_COMMON: Final = frozenset(stem(word) for word in TABLES["sets"]["common"].split())
# A gap never skips a denial; small words may stand between any two words of a term.
_WORD: Final = rf"(?!(?:{'|'.join(DENIALS)})~)[^ ~]+~[^ ]+ "
_SMALL: Final = rf"(?:(?:{'|'.join(SMALL)})~[^ ]+ ){{0,{MOST_SMALL}}}"
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

    def source(self) -> str:
        word = re.escape(self.text)
        if self.how == "mark":
            return f"{word} "
        if self.how == "stem":
            return f"{word}~[^ ]+ "
        if self.how == "exact":
            return f"[^ ~]+~{word} "
        return f"(?:{word}[^ ~]*~[^ ]+|[^ ~]+~{word}[^ ]*) "

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

    def source(self) -> str:
        if self.ends:
            return r"(?=$|[^ ~]+ )"
        if self.gap:
            return f"(?:{_WORD}){{0,{self.gap}}}?"
        any_of = "|".join("".join(a.source() for a in alt) for alt in self.alternatives)
        return f"(?:{any_of})" + ("?" if self.optional else "") if any_of else ""

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


def _source(elements: Sequence[Element]) -> str:
    """As a regular expression over `Line.text`."""
    parts = [" "]
    for before, one in pairwise([None, *elements]):
        joined = before is not None and before.alternatives and one is not None and one.alternatives
        parts += [_SMALL if joined else "", one.source() if one is not None else ""]
    return "".join(parts)


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """An element of a term for the search by bits. Equal elements are one step."""

    number: int
    element: Element
    words: tuple[Atom, ...]  # alternatives of one word
    phrases: tuple[Sequence_, ...]  # of several

    def after(self, line: Line, reach: int) -> int:
        """Where one can be after this element, from the places `reach`."""
        places = line.remembered.get(self.number)
        if places is None:
            places = 0
            for atom in self.words:
                places |= line.places(atom.how, atom.text)
            line.remembered[self.number] = places
        found = (reach & places) << 1
        for phrase in self.phrases:
            at = reach
            for atom in phrase:
                at = (at & line.places(atom.how, atom.text)) << 1
            found |= at
        return found | reach if self.element.optional else found


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
                for match in pattern_of(steps).finditer(line.text):
                    if match.end() > match.start() + 1:
                        yield index, *line.words(match.start() + 1, match.end())

    def _candidates(self, line: Line) -> set[int]:
        """Terms whose rarest word stands in the note."""
        by_key = self._by_key
        return {index for key in line.keys if key in by_key for index in by_key[key]}


@lru_cache(maxsize=20_000)
def pattern_of(steps: tuple[Step, ...]) -> re.Pattern[str]:
    return re.compile(_source([step.element for step in steps]))
