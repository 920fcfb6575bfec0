"""Statements of a note and how they are meant: present, denied, past, a relative's, supposed. Pure.

A cue (`cues.toml`) covers the words after it, before it or both, up to where a new statement
begins: a new sentence, "but", a verb of its own, a time, a cause, a grave state. So "denies
injury, unresponsive now" denies the injury alone. The longest cue at a place counts.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

from triage_site.triage.reading import people
from triage_site.triage.reading.line import Line
from triage_site.triage.reading.others_medicines import owners
from triage_site.triage.reading.reactions import reaction_spans
from triage_site.triage.reading.terms import TermIndex, joined
from triage_site.triage.reading.tokens import Word
from triage_site.triage.reading.words import (
    ANTICOAGULANTS,
    ANTIPLATELETS,
    TABLES,
    is_clinical,
    stem,
)

_TABLE: Final = tomllib.loads((Path(__file__).parent / "cues.toml").read_text(encoding="utf-8"))
_SETS: Final = {
    name: frozenset(stem(word) for word in words.split()) for name, words in _TABLE["words"].items()
}
_SUBJECTS: Final = frozenset(_TABLE["words"]["subjects"].split())
_PRESENT_VERBS: Final = frozenset(_TABLE["words"]["present"].split())
_FINITE_VERBS: Final = _PRESENT_VERBS | frozenset(_TABLE["words"]["past"].split())
_FINDINGS: Final = frozenset(_TABLE["words"]["findings"].split())
_DENYING: Final = frozenset(TABLES["sets"]["denying"].split())
_EVENT_NOUNS: Final = frozenset(_TABLE["words"]["event_nouns"].split())
_FITS_NOW: Final = frozenset({"fitting", "seizing", "convulsing"})
_MAX_ITEM: Final = 2  # words: "collapse today"
_LEAST_ITEMS: Final = 2  # that follow a comma, so that they make a list
_ENDERS: Final = frozenset(".!?;\n")
_BARE_MARKS: Final = frozenset(",/()&+-|")
_MAX_BARE: Final = 6
_FARTHEST: Final = 150  # words that a cue covers on one side: the longest lists of answers
_ANY_PLACE: Final = frozenset({"list", "sentence"})
_EVENT_FOLLOWS: Final = frozenset({"after", "following"})
_LEADS_ON: Final = frozenset({"that", "if", "who", "which", "there", "what", "whether"})


class Assertion(StrEnum):
    PRESENT = "present"
    UNCERTAIN = "uncertain"  # asked or suspected: counts as present
    DENIED = "denied"
    HISTORICAL = "historical"
    FAMILY = "family"
    OTHER_PERSON = "other_person"
    HYPOTHETICAL = "hypothetical"


@dataclass(frozen=True, slots=True)
class CueKind:
    """A row of the table. `kind` None: no cue at all, but words that look like one."""

    kind: Assertion | None
    direction: str
    reach: str


@dataclass(frozen=True, slots=True)
class Cue:
    """A cue in a note, from word `first` to before `last`; `word` is the one that denies."""

    kind: Assertion
    first: int
    last: int
    word: int
    is_expression: bool = False  # "stroke of luck": only the whole of it is meant

    def stands_outside(self, first: int, last: int) -> bool:
        """Whether it says something of the words `first` to before `last`, and is no part of
        them."""
        if self.is_expression:
            return not (first <= self.first and self.last <= last)
        return not first <= self.word < last


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said between two marks: words `first` to before `last`, in sentence `sentence`."""

    first: int
    last: int
    sentence: int


@dataclass(frozen=True, slots=True)
class Judged:
    statements: tuple[Statement, ...]
    covers: tuple[tuple[Cue, ...], ...]  # of each word
    owners: dict[int, bool]  # of words for a relative's medicines: whether it is no patient


_ROWS: Final = tuple(
    (term, CueKind(_kind, row.get("direction", "forward"), row.get("reach", "segment")))
    for row in _TABLE["cue"]
    for _kind in [None if row["kind"] == "none" else Assertion(row["kind"])]
    for term in joined(row["terms"])
)


@cache
def _index() -> TermIndex:
    """Built at the first note: it reads the dictionary, and most processes read no note."""
    grave = [*_TABLE["groups"]["grave_medicine"], *ANTICOAGULANTS, *ANTIPLATELETS]
    callers = _TABLE["words"]["callers"].split()
    bare = {
        f"bare_{name}": [word for word in words if word not in callers]
        for name, words in people.GROUPS.items()
    }
    groups = people.GROUPS | bare | _TABLE["groups"] | {"grave_medicine": grave}
    return TermIndex([term for term, _ in _ROWS], groups)


def judge(words: Sequence[Word], line: Line) -> Judged:
    statements = tuple(_statements(words))
    covers: list[list[Cue]] = [[] for _ in words]
    for first, last, row in _cues(line):
        if row.kind is None:
            continue
        denying = _denying(words, first, last)
        cue = Cue(row.kind, first, last, denying, is_expression=row.direction == "itself")
        for at in _scope(words, cue, row):
            covers[at].append(cue)
    for first, last in reaction_spans(words):
        for at in range(first, last):
            # The word before it covers it: a cue inside of a mention does not count.
            covers[at].append(Cue(Assertion.HISTORICAL, first - 1, last, first - 1))
    whose = owners(words)
    for at in (at for at, is_other in whose.items() if is_other):
        covers[at].append(Cue(Assertion.OTHER_PERSON, at - 1, at + 1, at - 1))
    return Judged(statements, tuple(tuple(cues) for cues in covers), whose)


def _denying(words: Sequence[Word], first: int, last: int) -> int:
    return next((at for at in range(first, last) if words[at].form in _DENYING), first)


def _cues(line: Line) -> list[tuple[int, int, CueKind]]:
    """In order; of two that overlap the longer one counts."""
    found = [(first, last, _ROWS[index][1]) for index, first, last in _index().find(line)]
    found.sort(key=lambda one: (one[0] - one[1], one[2].kind is not None))
    kept: list[tuple[int, int, CueKind]] = []
    taken: dict[int, tuple[int, int]] = {}  # each word of a kept cue, with the span of the cue
    for first, last, row in found:
        if all(taken.get(at, (first, last)) == (first, last) for at in range(first, last)):
            kept.append((first, last, row))
            taken.update(dict.fromkeys(range(first, last), (first, last)))
    return sorted(kept, key=lambda one: one[0])


def _statements(words: Sequence[Word]) -> list[Statement]:
    out = []
    begin = sentence = 0
    for at, word in enumerate([*words, None]):
        if word is None or word.is_mark:
            if at > begin:
                out.append(Statement(begin, at, sentence))
            begin = at + 1
            sentence += word is not None and word.form in _ENDERS
    return out


def _scope(words: Sequence[Word], cue: Cue, row: CueKind) -> list[int]:
    out = list(range(cue.first, cue.last))
    if row.direction in ("backward", "both"):
        out += _before(words, cue)
    if row.direction in ("forward", "both"):
        out += _after(words, cue, row.reach)
    return out


def _before(words: Sequence[Word], cue: Cue) -> list[int]:
    """Back to the mark or to the word that begins the statement."""
    out = []
    at = cue.first - 1
    if at >= 0 and words[at].form in (":", "-", "(", "?"):
        at -= 1
    begin = max(0, at - _FARTHEST)
    while at >= begin and not words[at].is_mark and words[at].stem not in _SETS["breaks"]:
        out.append(at)
        at -= 1
    return out


def _after(words: Sequence[Word], cue: Cue, reach: str) -> list[int]:
    out: list[int] = []
    at = cue.last
    if at < len(words) and words[at].form in (":", "-", "=", "("):
        at += 1
        if at < len(words) and words[at].form in _SUBJECTS:
            return out  # "he's not - he's not breathing": begun again
    begin = at
    ends_in_or = cache(lambda: _list_ends_in_or(words, cue))  # asked at each comma
    while at < min(len(words), begin + _FARTHEST):
        word = words[at]
        if word.form in _ENDERS or (not word.is_mark and _breaks(words, at, begin, cue.kind)):
            break
        if _is_of_now(words, at, begin, cue.kind):
            break
        if _joins(word) and not _goes_on(words, at, cue, reach, ends_in_or):
            break
        out.append(at)
        at += 1
    return out


def _is_of_now(words: Sequence[Word], at: int, begin: int, kind: Assertion) -> bool:
    """ "known asthmatic SOB", "previous MI chest pain": a complaint after a disease is new."""
    word = words[at]
    is_complaint = word.stem in _SETS["complaints"] or word.form in _FITS_NOW
    if kind is not Assertion.HISTORICAL or not is_complaint:
        return False
    return any(other.stem in _SETS["diseases"] for other in words[begin:at])


def _joins(word: Word) -> bool:
    return word.is_mark or word.form in ("and", "or", "nor", "with", "plus")


def _breaks(words: Sequence[Word], at: int, begin: int, kind: Assertion) -> bool:
    """Whether a new statement begins at this word without a mark before it."""
    word = words[at]
    if word.stem in _SETS["breaks"] and word.form not in ("past",):
        return True
    if kind is Assertion.DENIED and word.form in _EVENT_FOLLOWS and at > begin:
        return True  # "no movement after a fall": the fall is not denied
    before = words[at - 1].form
    if kind is not Assertion.HYPOTHETICAL and kind is not Assertion.UNCERTAIN and at > begin:
        leads_on = before in _LEADS_ON and (kind is Assertion.DENIED or before != "that")
        begins = word.form in _SUBJECTS or (word.form in _PRESENT_VERBS and before not in _SUBJECTS)
        return begins and not leads_on
    if words[begin - 1].form == "if" and at > begin + 1:
        return word.form in _SUBJECTS
    return word.form in _SUBJECTS and at > begin and before in ("when", "then", "where")


def _goes_on(
    words: Sequence[Word], at: int, cue: Cue, reach: str, ends_in_or: Callable[[], bool]
) -> bool:
    """Whether the cue goes on over this comma or "and"."""
    joint = words[at].form
    chunk = _chunk(words, at + 1)
    if joint == "with" and cue.kind is Assertion.HISTORICAL:
        return not any(
            _is_of_now(words, place, cue.last, cue.kind)
            for place in range(at + 1, at + 1 + len(chunk))
        )
    if joint == "with":
        return cue.kind is not Assertion.DENIED or reach == "segment"
    if not chunk:
        return joint in _BARE_MARKS and reach != "segment"
    if reach == "sentence":
        return not _has_new_subject(chunk)
    if joint in ("or", "nor", "/"):
        return _is_noun(chunk) or not _has_event(chunk, cue.kind)
    if _is_new(chunk, cue.kind):
        return False
    if reach == "or" and _tells_circumstances(words, cue) and not all(map(_is_bare, chunk)):
        return ends_in_or() and joint == ","
    if joint in ("and", "plus", "&"):
        return reach != "segment" or cue.kind is Assertion.HISTORICAL
    if reach == "or":
        return ends_in_or()
    return reach in _ANY_PLACE and joint in _BARE_MARKS


def _chunk(words: Sequence[Word], at: int) -> list[Word]:
    """The words up to the next mark or joint."""
    out: list[Word] = []
    while at < len(words) and not _joins(words[at]):
        out.append(words[at])
        at += 1
    return out


def _tells_circumstances(words: Sequence[Word], cue: Cue) -> bool:
    """ "no trauma", "no falls": the complaint comes after it."""
    return any(word.stem in _SETS["circumstances"] for word in _chunk(words, cue.last))


def _is_bare(word: Word) -> bool:
    """Shorthand, or one more circumstance."""
    return word.is_expanded or word.stem in _SETS["circumstances"]


def _list_ends_in_or(words: Sequence[Word], cue: Cue) -> bool:
    """ "no pain, cough or fever", "no CP, SOB, LOC": after the first item every other one is bare,
    with "or" before the last, or two and more of one written word up to the end. In a sentence of
    its own behind another one, such an item may also be a place and what is not there."""
    at = cue.last + len(_chunk(words, cue.last))
    items, short = 0, True
    is_apart = cue.first > 0 and words[cue.first - 1].form in _ENDERS
    end = min(len(words), at + _FARTHEST)
    while at < end and words[at].form not in _ENDERS:
        chunk = _chunk(words, at + 1)
        if words[at].form in ("or", "nor") and (_is_noun(chunk) or not _is_new(chunk, cue.kind)):
            return True
        if _is_new(chunk, cue.kind) or (words[at].form == "," and chunk and chunk[0].form == "no"):
            return False
        short &= len({word.start for word in chunk}) <= 1 or (is_apart and _is_of_a_place(chunk))
        items += 1
        at += 1 + len(chunk)
    if _tells_circumstances(words, cue):
        return False
    return short and items >= _LEAST_ITEMS and cue.kind is Assertion.DENIED


def _is_of_a_place(chunk: Sequence[Word]) -> bool:
    """ "neck pain", "visual disturbance", "leg weakness"."""
    is_pair = len({word.start for word in chunk}) == _MAX_ITEM
    return is_pair and chunk[-1].stem in _SETS["what_is_missing"]


def is_listed_as_absent(word: Word) -> bool:
    """Whether it is what lists of denials name: a complaint, an event, a clinical word."""
    return (
        is_clinical(word.form) or word.form in _EVENT_NOUNS
        or any(word.stem in _SETS[name] for name in ("complaints", "what_is_missing", "absences"))
    )  # fmt: skip


def _has_new_subject(chunk: Sequence[Word]) -> bool:
    return any(word.stem in _SETS["breaks"] for word in chunk[:2])


def _has_event(chunk: Sequence[Word], kind: Assertion) -> bool:
    return any(_is_event(word) for word in chunk) and kind is not Assertion.HYPOTHETICAL


def _is_noun(chunk: Sequence[Word]) -> bool:
    """ "or collapse", "or choking today": the last item of a list that looks like a verb."""
    return 0 < len(chunk) <= _MAX_ITEM and chunk[0].form in _EVENT_NOUNS


def _is_event(word: Word) -> bool:
    if word.form in _FINDINGS or word.is_expanded:
        return False
    if word.stem in _SETS["verbs"]:
        return not word.form.endswith("ing") or word.stem in ("take", "choke", "drink")
    return word.form.endswith("ed") and len(word.form) > 4


def _is_new(chunk: Sequence[Word], kind: Assertion) -> bool:
    """Whether these words are a statement of their own, not an item of a list."""
    if not chunk:
        return False
    if kind is not Assertion.DENIED and chunk[0].form in _DENYING:
        return True
    if kind is Assertion.DENIED and len(chunk) == 1 and chunk[0].form in _EVENT_NOUNS:
        return False  # "denies pain, collapse, vomiting"
    verbs = _FINITE_VERBS if kind is Assertion.DENIED else _PRESENT_VERBS
    if len(chunk) > _MAX_BARE or chunk[0].form in verbs or any(map(_is_event, chunk)):
        return True
    if any(word.form in _SUBJECTS or word.stem in _SETS["breaks"] for word in chunk):
        return True
    if any(word.stem in _SETS["critical"] for word in chunk):
        return True
    if kind is Assertion.DENIED:
        return any(w.stem in _SETS["times"] or w.form[0].isdigit() for w in chunk)
    if kind in (Assertion.HISTORICAL, Assertion.FAMILY, Assertion.OTHER_PERSON):
        return any(word.stem in _SETS["complaints"] for word in chunk)
    return False
