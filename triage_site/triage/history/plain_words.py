"""The words of a note as one string in standard form, and what is named in it. Pure.

Medicines stand there by their names, however they are shortened or misspelt in the note.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from triage_site.triage.history.spelling import medicine_meant
from triage_site.triage.reading.note import Note

INTOLERANCE: Final = "intolerance"
_SENTENCE_ENDS: Final = frozenset(".;!?\n")
_MOST_BEFORE: Final = 200
_GLUED: Final = re.compile(r"(?:-[^\W\d_]+)+")
# Part of a name, and no number of a list.
_GLUED_BEFORE: Final = re.compile(r"(?<![^\W_])5-(?=asa\b|fluoro|fu\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Quote:
    """Characters `start` to before `end` of a note, and what is told of them."""

    start: int
    end: int
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A medicine or an allergen in a note: characters `start` to before `end` of it, words `first`
    to before `last`, from `at` on in `PlainWords.plain`; as it is told, its name in standard form,
    what the note says of it (`role`), and how that or what it did is told (`mark`). `is_sure`:
    its name is known, or it is neither a reaction nor a word that names nothing. `quote`: the
    words of the note, where the rest is in doubt."""

    start: int
    end: int
    first: int
    last: int
    at: int
    written: str
    name: str
    role: str = ""
    mark: str = ""
    is_medicine: bool = True
    is_sure: bool = True
    is_mild: bool = False  # an allergen that did what is no allergy, and is told so
    quote: Quote | None = None
    span: tuple[int, int] = (0, 0)  # the characters that speak of an allergen
    # Characters: of a medicine's list up to where its role ends; where the words end that speak of
    # the medicines before that; and where one begins behind it of which something else is said.
    listed: tuple[int, int] = (0, 0)
    after: int = 0
    until: int = 0

    @property
    def key(self) -> str:
        """The same for each mention of one thing."""
        return self.written.lower().removesuffix("s")


class Spans:
    """Characters of a text that are taken."""

    def __init__(self, text: str) -> None:
        self._is_taken = bytearray(len(text))

    def meets(self, start: int, end: int) -> bool:
        """Whether one of the characters is taken."""
        return self._is_taken.find(1, start, end) >= 0

    def add(self, start: int, end: int) -> bool:
        """Takes them; False where one of them was taken before."""
        is_new = not self.meets(start, end)
        self._is_taken[start:end] = b"\1" * len(self._is_taken[start:end])
        return is_new


class PlainWords:
    """The words of a note, separated by single spaces, and its sentences."""

    def __init__(self, note: Note) -> None:
        self.note = note
        self.text = note.text
        self._starts: list[int] = []
        self._places: list[tuple[int, int]] = []  # first word, and the one after the last
        self._names: list[str] = []  # as told where not as written
        self._sentence_starts = [0]
        forms: list[str] = []
        length = 0
        for first, last, form, name in _units(note):
            self._starts.append(length)
            self._places.append((first, last))
            self._names.append(name)
            forms.append(form)
            length += len(form) + 1
            if form in _SENTENCE_ENDS:
                self._sentence_starts.append(length)
        self._characters = [note.words[first].start for first, _ in self._places]
        self.plain = " ".join(forms)

    def place(self, start: int, end: int = 0) -> tuple[int, int]:
        """The index of the first word of a span of `plain`, and the one after its last."""
        first, last = self._span(start, end)
        return self._places[first][0], self._places[last][1]

    def characters(self, start: int, end: int) -> tuple[int, int]:
        """Where a span of `plain` stands in the note."""
        first, last = self.place(start, end)
        return self.note.words[first].start, self.note.words[last - 1].end

    def named(
        self, start: int, end: int, *, written: str = "", is_medicine: bool = True
    ) -> Mention:
        """What a span of `plain` names; `written`: as it is told, where not as written."""
        (begin, stop), (first, last) = self.characters(start, end), self.place(start, end)
        return Mention(
            start=begin, end=stop, first=first, last=last, at=start, name=self.plain[start:end],
            written=self.written(start, end),
        )  # fmt: skip

    def _span(self, start: int, end: int) -> tuple[int, int]:
        first = max(0, bisect_right(self._starts, start) - 1)
        return first, max(first, bisect_right(self._starts, max(start, end - 1)) - 1)

    def written(self, start: int, end: int) -> str:
        """As it stands in the note, with what is glued to it by hyphens; in lower case but for
        names with capitals of their own, such as HRT and EpiPen. A medicine that is shortened
        or misspelt has its name."""
        first, last = self._span(start, end)
        if not any(self._names[first : last + 1]):
            return self._as_written(*self.place(start, end))
        units = range(first, last + 1)
        return " ".join(self._names[n] or self._as_written(*self._places[n]) for n in units)

    def _as_written(self, first: int, after: int) -> str:
        text, stop = self.text, self.note.words[after - 1].end
        start, glued = self.note.words[first].start, _GLUED.match(text, stop)
        start -= 2 if start > 1 and _GLUED_BEFORE.match(text, start - 2) else 0
        words = text[start:stop] + (glued.group() if glued else "")
        own = any(letter.isupper() for word in words.split() for letter in word[1:] or word)
        return words if own and not text.isupper() else words.lower()

    def at(self, character: int) -> int:
        """Where in `plain` the first word begins that stands at or after a character."""
        unit = bisect_left(self._characters, character)
        return self._starts[unit] if unit < len(self._starts) else len(self.plain)

    def before(self, offset: int) -> str:
        """Returns the sentence of `offset` up to there, no more than `_MOST_BEFORE` characters."""
        start = self._sentence_starts[bisect_right(self._sentence_starts, offset) - 1]
        return self.plain[max(start, offset - _MOST_BEFORE) : offset]


def _units(note: Note) -> Iterator[tuple[int, int, str, str]]:
    """First word, word after the last, standard form, and the name that is told for it. Words
    of one place in the note, as of a run-on, are one unit where they mean a medicine."""
    words = note.words
    at = 0
    while at < len(words):
        last = at + 1
        while last < len(words) and words[last].start == words[at].start:
            last += 1
        amount = words[last].form if last < len(words) else ""
        form, name = medicine_meant(note.text[words[at].start : words[at].end], before=amount)
        if form:
            yield at, last, form, name
        else:
            yield from ((one, one + 1, words[one].form, "") for one in range(at, last))
        at = last
