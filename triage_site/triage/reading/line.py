"""The words of a note as terms search them: sets of places as bits. Pure.

Bit i of a set stands for word i, so that a term is tried at all places at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from triage_site.triage.reading.words import TABLES, stem

DENIALS: Final = ("no", "not", "never", "nor", "without", "deni", "neither")
# Between any two words of a term may stand up to `MOST_SMALL` of these, by stem.
SMALL: Final = (
    "the", "a", "an", "his", "her", "their", "my", "its", "very", "reali", "so", "quit", "all",
    "complet", "completeli", "suddenli", "now",
)  # fmt: skip
MOST_SMALL: Final = 2
PREFIX_LENGTHS: Final = (2, 3, 4)
# Words that begin so and are meant by no term.
_OTHER_WORDS: Final = {
    beginning: frozenset(form for word in words.split() for form in (word, stem(word)))
    for beginning, words in TABLES["other_words"].items()
}


class Line:
    """Where each stem, form and mark stands."""

    def __init__(self, units: Iterable[tuple[str, str]]) -> None:
        """`units`: (stem, form) of each word; the stem of a mark is empty."""
        self._places: dict[str, dict[str, int]] = {
            "stem": defaultdict(int), "exact": defaultdict(int), "mark": defaultdict(int)
        }  # fmt: skip
        self.size = 0
        for root, form in units:
            self._note(self.size, root, form)
            self.size += 1
        self._by_beginning = self._beginnings()
        self.keys = self._keys()
        self.remembered: dict[int, int] = {}  # places of what terms ask for, by its number
        self._set_apart()

    def _note(self, index: int, root: str, form: str) -> None:
        if not root:
            self._places["mark"][form] |= 1 << index
            return
        self._places["stem"][root] |= 1 << index
        self._places["exact"][form] |= 1 << index

    def _beginnings(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for word in {*self._places["stem"], *self._places["exact"]}:
            found[word[: PREFIX_LENGTHS[0]]].append(word)
        return found

    def _keys(self) -> set[str]:
        """Stems and beginnings of words, by which terms are looked up."""
        stems, forms = self._places["stem"], self._places["exact"]
        beginnings = {f"{word[:n]}*" for word in (*stems, *forms) for n in PREFIX_LENGTHS}
        return beginnings | set(stems)

    def _set_apart(self) -> None:
        size = self.size
        stems = self._places["stem"]
        marks = 0
        for places in self._places["mark"].values():
            marks |= places
        denials = sum(stems.get(stem, 0) for stem in DENIALS)
        self.everywhere = (1 << size) - 1
        self.plain = self.everywhere & ~marks & ~denials  # what a gap may skip
        self.small = sum(stems.get(stem, 0) for stem in SMALL)
        self.stops = marks | 1 << size  # where a statement has ended

    def places(self, how: str, text: str) -> int:
        """`how`: the word has this "stem", is "exact"ly this, begins so ("prefix"), or a "mark"."""
        if how != "prefix":
            return self._places[how].get(text, 0)
        found = 0
        for word in self._by_beginning.get(text[: PREFIX_LENGTHS[0]], ()):
            if word.startswith(text) and word not in _OTHER_WORDS.get(text, ()):
                found |= self._places["stem"].get(word, 0) | self._places["exact"].get(word, 0)
        return found

    @staticmethod
    def over(reach: int, most: int, skipped: int) -> int:
        """Where one can be after none to `most` words of `skipped`."""
        step = reach
        for _ in range(most):
            step = (step & skipped) << 1
            if not step:
                break
            reach |= step
        return reach

    @staticmethod
    def run(at: int, most: int, skipped: int) -> list[int]:
        """`at`, and the places after each of up to `most` words of `skipped` from there."""
        places = [at]
        while len(places) <= most and skipped >> places[-1] & 1:
            places.append(places[-1] + 1)
        return places

    @staticmethod
    def lowest(places: int) -> int:
        """The first of some places."""
        return (places & -places).bit_length() - 1
