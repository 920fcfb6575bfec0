"""Allergies and medicines that a note names. Pure.

What is read here is shown to people and told to a language model; it sets no priority. What is
denied, or said of another person, does not count. A medicine that the patient stopped or has no
more of, or that was given or taken for what happened now, is kept and marked: that can matter as
much. A medicine that somebody is said to react to is an allergy or an intolerance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final

from triage_site.triage.history.allergies import INTOLERANCE, REACTION, find_allergies, says_none_known
from triage_site.triage.history.names import MEDICINE, TABLE
from triage_site.triage.history.plain_words import PlainWords
from triage_site.triage.reading.context import is_about_relative
from triage_site.triage.reading.note import Note, read
from triage_site.triage.reading.terms import TermIndex, joined
from triage_site.triage.reading.tokens import Word


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """In the words of the note, in its order. `none_known`: it says that there is no allergy;
    `none_taken`: that the patient takes no medicine."""

    allergies: tuple[str, ...] = ()
    none_known: bool = False
    medicines: tuple[str, ...] = ()
    none_taken: bool = False

    @property
    def allergy_words(self) -> str:
        """Empty where the note says nothing."""
        return ", ".join(self.allergies) or ("none known" if self.none_known else "")

    @property
    def medicine_words(self) -> str:
        return ", ".join(self.medicines) or ("none taken" if self.none_taken else "")


@dataclass(frozen=True, slots=True)
class _Named:
    """A medicine in a note: words `first` to before `last`, as written, and its role."""

    first: int
    last: int
    written: str
    role: str = "regular"


_WORDS: Final = {name: frozenset(words.split()) for name, words in TABLE["words"].items()}
_ROLES: Final = tuple(
    (term, row["role"], row["where"]) for row in TABLE["role"] for term in joined(row["terms"])
)
_MARKED: Final = frozenset({"stopped", "ran out", "given", "taken"})
_ANOTHER: Final = "another"
_LEFT_OUT: Final = frozenset({"denied", _ANOTHER})
_MOST_BETWEEN: Final = 2  # words between those of a role and a name, doses aside
_JOINING: Final = frozenset({"and", "&", "+", "/"})
_AMOUNT: Final = re.compile(r"x?\d")
_NONE_TAKEN: Final = re.compile(
    r"\b(?:no|nil|denies|without) (?:any |regular |current |known |daily |usual )*"
    r"(?:meds|medications?|medicines?|tablets)\b(?! (?:for|was|were|since|today|left|helps?))"
    r"|\b(?:meds|medications?|medicines?) ?[:=-] ?(?:none|nil)\b"
    r"|\b(?:not on|takes?|taking) (?:any|no) (?:regular |daily )?(?:meds|medications?|medicines?)\b"
    r"|\b(?:pt|patient|he|she|i) takes? (?:nothing|no tablets)\b",
    re.IGNORECASE,
)
_MAX_NAMED: Final = 12


def read_history(text: str) -> History:
    """What `text` says of allergies and medicines of this patient."""
    note = PlainWords(read(text))
    spans: list[tuple[int, int]] = []
    allergies = [*find_allergies(note, spans)]
    named = _with_roles(note.note, [*_names(note, spans)])
    allergies += (_reaction(note.note, one) for one in named if one.role == "reacts")
    told = (one for one in named if one.role not in _LEFT_OUT and one.role != "reacts")
    medicines = {one.written.lower(): one for one in reversed([*told])}
    marked = [
        f"{one.written} ({one.role})" if one.role in _MARKED else one.written
        for one in reversed(medicines.values())
    ]
    return History(
        allergies=tuple(dict.fromkeys(allergies))[:_MAX_NAMED],
        none_known=not allergies and says_none_known(note),
        medicines=tuple(marked[:_MAX_NAMED]),
        none_taken=not marked and _NONE_TAKEN.search(text) is not None,
    )


def _names(note: PlainWords, allergies: Sequence[tuple[int, int]]) -> Iterator[_Named]:
    for match in MEDICINE.finditer(note.plain):
        if not any(start < match.end() and match.start() < end for start, end in allergies):
            yield _Named(*note.place(*match.span()), note.written(*match.span()))


def _with_roles(note: Note, named: Sequence[_Named]) -> list[_Named]:
    """Names that only commas, "and" and doses separate are a list. What stands before a list is
    said of all of it; what stands after it, of the names that "and" joins to its last one, or of
    all where "and" closes the list and nothing else stands before it."""
    found = [(*_ROLES[term][1:], first, last) for term, first, last in _index().find(note.line)]
    before = [(last, first, role) for role, where, first, last in found if where == "before"]
    after = [(first, -last, role) for role, where, first, last in found if where == "after"]
    out: list[_Named] = []
    for names in _lists(note.words, named):
        leads = _nearest(note.words, before, names[0].first)
        follows = _nearest(note.words, after, names[-1].last, is_after=True)
        closed = _joined_to_last(note.words, names)
        since = 0 if closed < len(names) - 1 and not leads else closed
        for at, one in enumerate(names):
            role = (follows if at >= since else "") or leads or "regular"
            role = _ANOTHER if is_about_relative(note, one.first) else role
            out.append(_Named(one.first, one.last, one.written, role))
    return out


def _lists(words: Sequence[Word], named: Sequence[_Named]) -> Iterator[list[_Named]]:
    names: list[_Named] = []
    for one in named:
        if names and not all(map(_is_between, words[names[-1].last : one.first])):
            yield names
            names = []
        names.append(one)
    if names:
        yield names


def _joined_to_last(words: Sequence[Word], names: Sequence[_Named]) -> int:
    """The index of the first of the names that "and" joins to the last one."""
    pairs = [*enumerate(pairwise(names), start=1)]
    for at, (one, other) in reversed(pairs):
        if not any(word.form in _JOINING for word in words[one.last : other.first]):
            return at
    return 0


def _is_between(word: Word) -> bool:
    return word.form in _WORDS["joints"] or _is_dose(word)


def _is_dose(word: Word) -> bool:
    return word.form in _WORDS["dose"] or _AMOUNT.match(word.form) is not None


def _nearest(
    words: Sequence[Word],
    found: Sequence[tuple[int, int, str]],
    place: int,
    *,
    is_after: bool = False,
) -> str:
    """The role that the nearest words before (or after) a place tell; of equally near ones the
    longest. `found`: (near end, far end, role), the far end negative after the place."""
    gaps = []
    for near, far, role in found:
        between = words[place:near] if is_after else words[near:place]
        ordered = place <= near if is_after else near <= place
        if ordered and _leads_over(between):
            length = (-far - near) if is_after else (near - far)
            gaps.append((len(between), -length, role))
    return min(gaps)[2] if gaps else ""


def _leads_over(between: Sequence[Word]) -> bool:
    plain = [word for word in between if not _is_dose(word) and word.form not in ("(", ":", "the")]
    return len(plain) <= _MOST_BETWEEN and not any(
        word.is_mark or word.form in _WORDS["stops"] for word in plain
    )


def _reaction(note: Note, one: _Named) -> str:
    """The medicine, marked where nothing that is told of it is an allergy."""
    told = note.text[note.words[one.first].start :].partition(".")[0]
    return one.written if REACTION.search(told) else f"{one.written} {INTOLERANCE}"


@cache
def _index() -> TermIndex:
    """Built at the first note, because it reads the dictionary."""
    return TermIndex([term for term, _, _ in _ROLES], TABLE["groups"])
