"""A note read once: cleaned, cut into words and sentences, in one spelling. Pure.

Everything downstream searches `Note.plain`, a string of standard words parted by single
spaces, and gets back where the words stood in the note. Markup and invisible characters are
blanked first, so that nothing can be hidden from, or injected into, what a person would read.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from triage_site.triage.reading import assertion as guards
from triage_site.triage.reading.assertion import Standing
from triage_site.triage.reading.spelling import ABBREVIATIONS, CAPITALS_ONLY, standard_form

_TAG: Final = re.compile(r"<[^<>\n]{0,200}>")
_TOKEN: Final = re.compile(
    r"\d+(?:[.,]\d+)?|[^\W\d_]+(?:['/-][^\W\d_]+)*\d*/?(?=\s|$)|[^\W\d_]+(?:['/-][^\W\d_]+)*\d*"
    r"|[.,;:!?()\[\]+=/%\n-]"
)
_ENDERS: Final = frozenset(".;!?\n")
# A full stop after these ends no sentence.
_STOP_BELONGS: Final = frozenset(
    [
        "lt",
        "rt",
        "abd",
        "abdo",
        "ant",
        "post",
        "lac",
        "dr",
        "mr",
        "mrs",
        "ms",
        "approx",
        "vs",
        "yr",
        "yrs",
        "hr",
        "hrs",
        "min",
        "mins",
        "temp",
        "inj",
        "fx",
        "wt",
        "sx",
        "resp",
        "st",
        "lab",
        "perm",
        "movt",
        "bilat",
        "prof",
        "e.g",
        "i.e",
    ]
)
# "the bone's out", "his leg's gone": not a possessive.
_VERB_FOLLOWS: Final = re.compile(
    r"\s+(?:gone|got|been|come|out|off|not|stuck|swollen|so|very|really|still|just|now|all|in|on|"
    r"there|blue|white|cold|numb|bent|broken|open|stopped|having|\w{3,}(?:ing|ed))\b"
)
_APOSTROPHES: Final = str.maketrans({"\u2019": "'", "\u2018": "'", "\u2013": "-", "\u2014": "-"})
_CAN_NOT: Final = (
    r"(?:(?:can|could) not|(?:not|never|no longer) (?:been )?able to|"
    r"unable to|(?:can|could) no longer)"
)
_GAP: Final = "(?:[^\\W_]+(?:['/-][^\\W_]+)* ){0,4}"
_WIDE_GAP: Final = r"(?:[^.;!?\s]+ ){0,8}"


@dataclass(frozen=True, slots=True)
class Word:
    start: int  # in the note
    end: int
    raw: str
    form: str


@dataclass(frozen=True, slots=True)
class Mention:
    """A pattern found: the words as they stand in the note, and how they are meant."""

    words: str
    standing: Standing
    sentence: int
    start: int  # in `Note.plain`
    end: int


class Note:
    """`plain` with, for every sentence, its bounds in it; `find` searches it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = tuple(_words(_clean(text), text))
        self.plain, self._starts, self.sentences = _join(self.words)
        self._mentions: dict[tuple[int, int], Mention] = {}
        self._sentence_starts = [start for start, _ in self.sentences]

    def find(self, pattern: re.Pattern[str]) -> Iterator[Mention]:
        for match in pattern.finditer(self.plain):
            if match.end() > match.start():
                yield self.mention(match)

    def present(self, pattern: re.Pattern[str]) -> Iterator[Mention]:
        """Only what is said of this patient, now."""
        return (found for found in self.find(pattern) if found.standing is Standing.PRESENT)

    def sentence_at(self, offset: int) -> int:
        return max(0, bisect_right(self._sentence_starts, offset) - 1)

    def sentence_text(self, index: int) -> str:
        start, end = self.sentences[index]
        return self.plain[start:end]

    def original(self, start: int, end: int) -> str:
        """The exact words of the note behind a span of `plain`."""
        first = max(0, bisect_right(self._starts, start) - 1)
        last = max(first, bisect_right(self._starts, max(start, end - 1)) - 1)
        return self.text[self.words[first].start : self.words[last].end]

    def mention(self, match: re.Match[str]) -> Mention:
        """A match in `plain` with its words in the note and how they are meant."""
        known = self._mentions.get(match.span())
        if known is None:
            known = self._mentions[match.span()] = self._judge(match)
        return known

    def _judge(self, match: re.Match[str]) -> Mention:
        index = self.sentence_at(match.start())
        start, end = self.sentences[index]
        standing = guards.standing(
            before=self.plain[start : match.start()],
            words=match.group(),
            after=self.plain[match.end() : max(self._answer_end(index, end), match.end())],
            opens_note=index == 0,
            note=self.plain,
        )
        return Mention(
            words=self.original(match.start(), match.end()),
            standing=standing,
            sentence=index,
            start=match.start(),
            end=match.end(),
        )

    def _answer_end(self, index: int, end: int) -> int:
        """A question is read with the sentence that answers it."""
        if self.plain[:end].rstrip().endswith("?") and index + 1 < len(self.sentences):
            return self.sentences[index + 1][1]
        return end


@lru_cache(maxsize=256)
def read(text: str) -> Note:
    return Note(text)


def compile_pattern(source: str) -> re.Pattern[str]:
    """Whole words of `Note.plain`; ` ~ ` stands for up to four words between two, ` ~~ ` for
    up to eight of the same sentence, commas included.

    "can't" and its like are written as people write them; `plain` has "can not". It stands for
    "could not" and "unable to" as well.
    """
    source = (
        source.replace("couldn't", "can't").replace("can't", "can not").replace("won't", "will not")
    )
    source = (
        source.replace("can not", _CAN_NOT).replace("n't", " not").replace(" ~~ ", " " + _WIDE_GAP)
    )
    source = source.replace(" ~ ", " " + _GAP)
    return re.compile(rf"(?<![^\W_])(?:{source})(?![^\W_])")


def _clean(text: str) -> str:
    """As long as the text, so that offsets stay true."""
    text = _TAG.sub(lambda tag: " " * len(tag.group()), text)
    text = text.translate(_APOSTROPHES)
    lowered = text.lower()
    if len(lowered) != len(text):  # a few letters of other scripts grow when lowered
        lowered = "".join(char.lower() if len(char.lower()) == 1 else char for char in text)
    if lowered.isprintable():
        return lowered
    return "".join(" " if _invisible(char) else char for char in lowered)


def _invisible(char: str) -> bool:
    return not char.isprintable() and char != "\n"


def _words(text: str, as_written: str) -> Iterator[Word]:
    previous = ""
    for match in _TOKEN.finditer(text):
        raw = match.group()
        if raw == "." and (
            previous in _STOP_BELONGS or text[match.end() : match.end() + 1].isalnum()
        ):
            continue
        glued_question = raw == "?" and text[match.end() : match.end() + 1].isalpha()
        written = as_written[match.start() : match.end()]
        form = "query" if glued_question else _form(raw, written)
        if raw.endswith("'s") and form == raw and _VERB_FOLLOWS.match(text, match.end()):
            form = f"{raw[:-2]} is"
        previous = raw
        if form:
            yield Word(match.start(), match.end(), raw, form)


def _form(raw: str, written: str) -> str:
    if raw in CAPITALS_ONLY and written.isupper():
        return ABBREVIATIONS[raw]
    return standard_form(raw) if raw[0].isalpha() else raw


def _join(words: tuple[Word, ...]) -> tuple[str, list[int], list[tuple[int, int]]]:
    plain: list[str] = []
    starts: list[int] = []
    sentences: list[tuple[int, int]] = []
    length = begin = 0
    for word in words:
        starts.append(length)
        plain.append(word.form)
        length += len(word.form) + 1
        if word.form in _ENDERS:
            sentences.append((begin, length))
            begin = length
    if begin < length or not sentences:
        sentences.append((begin, length))
    return " ".join(plain), starts, sentences
