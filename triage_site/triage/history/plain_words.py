"""The words of a note as one string in standard form, for patterns that need one. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final

from triage_site.triage.reading.note import Note

_SENTENCE_ENDS: Final = frozenset(".;!?\n")


class PlainWords:
    """The words of a note, separated by single spaces, and its sentences."""

    def __init__(self, note: Note) -> None:
        self.note = note
        self._words = note.words
        self._starts: list[int] = []
        self._sentence_starts = [0]
        length = 0
        for word in self._words:
            self._starts.append(length)
            length += len(word.form) + 1
            if word.form in _SENTENCE_ENDS:
                self._sentence_starts.append(length)
        self.plain = " ".join(word.form for word in self._words)

    def place(self, start: int, end: int) -> tuple[int, int]:
        """The index of the first word of a span of `plain`, and the one after its last."""
        first = max(0, bisect_right(self._starts, start) - 1)
        last = max(first, bisect_right(self._starts, max(start, end - 1)) - 1)
        return first, last + 1

    def written(self, start: int, end: int) -> str:
        """As it stands in the note, with what is glued to it by hyphens; in lower case but for
        names with capitals of their own, such as HRT and EpiPen."""
        first, after = self.place(start, end)
        text, stop = self.note.text, self._words[after - 1].end
        glued = _GLUED.match(text, stop)
        words = text[self._words[first].start : stop] + (glued.group() if glued else "")
        own = any(letter.isupper() for word in words.split() for letter in word[1:])
        return words if own and not text.isupper() else words.lower()

    def before(self, offset: int) -> str:
        """Returns the sentence of `offset` up to there."""
        start = self._sentence_starts[bisect_right(self._sentence_starts, offset) - 1]
        return self.plain[start:offset]


_GLUED: Final = re.compile(r"(?:-[^\W\d_]+)+")


def whole_words(source: str) -> re.Pattern[str]:
    """A pattern for `source` where no letter and no digit is glued to it."""
    return re.compile(rf"(?<![^\W_])(?:{source})(?![^\W_])")
