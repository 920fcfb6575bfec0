"""What a note says of each medicine that it names: its role. Pure.

Names that only commas, "and" and doses separate are a list. The words of the table (`[[role]]` of
`medicines.toml`) stand before a list or after it; the nearest ones count.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Final

from triage_site.triage.history.names import TABLE
from triage_site.triage.history.persons import is_of_another
from triage_site.triage.history.plain_words import Mention, PlainWords
from triage_site.triage.history.quoting import sentence
from triage_site.triage.reading import people
from triage_site.triage.reading.context import may_be_patient
from triage_site.triage.reading.note import Note, is_told
from triage_site.triage.reading.numbers import IN_WORDS
from triage_site.triage.reading.terms import TermIndex, joined
from triage_site.triage.reading.tokens import Word, is_known

REGULAR: Final = "regular"
DENIED: Final = "denied"
ANOTHER: Final = "another"
PERHAPS: Final = "perhaps taken"
NOT_IN_BODY: Final = frozenset({"stopped", "ran out", PERHAPS, "refused", "offered"})
OF_NOW: Final = frozenset({"given", "taken"})
MARKED: Final = NOT_IN_BODY | OF_NOW
REACTS: Final = frozenset({"reacts", "reacted once"})
_OF_RELATIVES: Final = frozenset({REGULAR, *NOT_IN_BODY, *REACTS}) - {PERHAPS}
_WORDS: Final = {name: frozenset(words.split()) for name, words in TABLE["words"].items()}
_ROLES: Final = tuple(
    (term, row["role"], row["where"]) for row in TABLE["role"] for term in joined(row["terms"])
)
_LONG_AGO: Final = re.compile(
    r"\b(?:19|20)\d\d\b|\byears? ago\b|\bas a (?:child|kid|baby)\b|\blast time\b|\bonce\b",
    re.IGNORECASE,
)
_BEFORE_TIME: Final = frozenset({"at", "@", ":"})
_TIMES: Final = frozenset({"noon", "midday", "midnight", "lunchtime", "breakfast"})
_FARTHEST: Final = 40  # words between those of a role and a name, with doses; or names
_MOST_BETWEEN: Final = 2  # words between those of a role and a name, doses aside
_JOINING: Final = frozenset({"and", "&", "+", "/", "then"})
_AMOUNT: Final = re.compile(r"x?\d")
# What a mark behind a name says of it alone: "anticoagulants - none".
_IS_NONE: Final = re.compile(
    r"\s*(?:[:=?]|-+>?|[\u2013\u2014])\s*(?:none|no|nil|nope|never|not taken|not on any)\s*"
    r"(?=[.,;)|\n]|$)",
    re.IGNORECASE,
)


def with_roles(plain: PlainWords, named: Sequence[Mention]) -> list[Mention]:
    """What stands before a list is said of all of it; what stands after it, of the names that
    "and" joins to its last one, or of all where "and" closes the list and nothing else stands
    before it, or "both" after it."""
    note = plain.note
    found = [(*_ROLES[term][1:], first, last) for term, first, last in _index().find(note.line)]
    before = sorted((last, first, role) for role, where, first, last in found if where == "before")
    after = sorted((first, -last, role) for role, where, first, last in found if where == "after")
    out: list[Mention] = []
    ends = told_until = 0
    for names in _lists(note.words, named):
        leads, _ = _nearest(note.words, before, names[0].first)
        follows, told = _nearest(note.words, after, names[-1].last, is_after=True)
        if leads == DENIED and follows in OF_NOW:
            follows = ""  # "no morphine given"
        since = _said_since(note, names, leads, follows)
        said: list[Mention] = []
        for at, one in enumerate(names):
            role = (follows if at >= since else "") or leads or _role_by_rest(note, one, out)
            role = _of_whom(plain, one, role or REGULAR)
            mark = role if role in MARKED else ""
            said.append(replace(one, role=role, mark=mark, after=ends))
            told_until = max(told_until, told if role == follows else one.last)
        ends = note.words[told_until - 1].end
        for _, group in groupby(said, key=lambda one: one.role):
            same = [*group]
            out += [replace(one, listed=(names[0].start, same[-1].end)) for one in same]
    return [*_with_ends(out, len(note.text))]


def _with_ends(named: Sequence[Mention], until: int) -> Iterator[Mention]:
    """With where the next one of another list begins of which something else is said."""
    marked = [one.start for one in named if one.role in MARKED] + [until]
    for one in named:
        yield replace(one, until=marked[bisect_left(marked, one.listed[1])])


def is_foreign(note: Note, one: Mention, named: Sequence[Mention]) -> bool:
    """Whether a medicine stands among words of another language that may say anything of it."""
    said = next(said for said in note.statements if said.last > one.first)
    if said.sentence not in note.foreign_sentences:
        return False
    names = {at for other in named for at in range(other.first, other.last)}
    words = [note.words[at] for at in range(said.first, said.last) if at not in names]
    rest = [one for one in _without_doses(words) if one.form not in _WORDS["foreign"]]
    return any(is_told(one) and not is_known(one) for one in rest)


def _said_since(note: Note, names: Sequence[Mention], leads: str, follows: str) -> int:
    """The index of the first of the names that the words after a list speak of."""
    if _rest(note, names[-1])[:1] in (["both"], ["all"]):
        return 0
    if leads == REGULAR and follows == "stopped":
        return len(names) - 1
    closed = _joined_to_last(note.words, names)
    return 0 if closed < len(names) - 1 and not leads else closed


def _of_whom(note: PlainWords, one: Mention, role: str) -> str:
    if role == "reacted once" and not _LONG_AGO.search(
        note.text, *sentence(note.text, one.start, one.end)
    ):
        return "taken" if one.is_medicine else REGULAR
    is_patients = note.note.owners.get(one.first) is False  # "mum on warfarin fell"
    if role == ANOTHER and (is_patients or may_be_patient(note.note, one.first)):
        return REGULAR
    if role in _OF_RELATIVES and is_of_another(note, one.at):
        return ANOTHER
    return role


def _role_by_rest(note: Note, one: Mention, told: Sequence[Mention]) -> str:
    """Of a name with "none" behind a mark, of one with a time of the day ("ibuprofen 400 at 9"),
    and of one that was used "too"."""
    rest = _rest(note, one)
    if _IS_NONE.match(note.text, note.words[one.last - 1].end):
        return DENIED
    if rest[:1] in (["at"], ["@"]) and (rest[1:] and (rest[1][0].isdigit() or rest[1] in _TIMES)):
        return "taken"
    if (rest[:1] in (["too"], ["also"]) or rest == ["as", "well"]) and told:
        return told[-1].role if told[-1].role in OF_NOW else ""
    return ""


def _rest(note: Note, one: Mention) -> list[str]:
    """The two words after a name and its dose."""
    at = one.last
    while at < len(note.words) and (_is_dose(note.words[at]) and note.words[at].form != ")"):
        at += 1
    after = note.words[at : at + 4]
    if [word.form for word in after[:1]] == [":"]:  # of a time
        after = after[2:]
    return [word.form for word in after[:2]]


def _lists(words: Sequence[Word], named: Sequence[Mention]) -> Iterator[list[Mention]]:
    names: list[Mention] = []
    for one in named:
        between = _without_doses(words[names[-1].last : one.first]) if names else []
        if any(word.form not in _WORDS["joints"] for word in between):
            yield names
            names = []
        names.append(one)
    if names:
        yield names


def _joined_to_last(words: Sequence[Word], names: Sequence[Mention]) -> int:
    """The index of the first of the names that "and" joins to the last one."""
    pairs = [*enumerate(pairwise(names), start=1)]
    for at, (one, other) in reversed(pairs):
        if not any(word.form in _JOINING for word in words[one.last : other.first]):
            return at
    return 0


def _without_doses(words: Sequence[Word]) -> list[Word]:
    """Without amounts, ways and times of the day ("at 9", "12:05")."""
    amounts = [*map(_is_dose, words), False]
    return [
        word
        for at, word in enumerate(words)
        if not amounts[at] and not (word.form in _BEFORE_TIME and amounts[at + 1])
    ]


def _is_dose(word: Word) -> bool:
    is_way = word.is_expanded and word.form in ("i", "am")  # how the reader takes IM
    is_amount = word.form in IN_WORDS or _AMOUNT.match(word.form) is not None
    return is_way or is_amount or word.form in _WORDS["dose"]


def _nearest(
    words: Sequence[Word],
    found: Sequence[tuple[int, int, str]],
    place: int,
    *,
    is_after: bool = False,
) -> tuple[str, int]:
    """The role that the nearest words before (or after) a place tell, of equally near ones the
    longest, and where they end. `found`: sorted (near end, far end, role), the far end negative
    after the place."""
    step = 1 if is_after else -1
    begin = bisect_left(found, place - (0 if is_after else _FARTHEST), key=itemgetter(0))
    end = bisect_right(found, place + (_FARTHEST if is_after else 0), key=itemgetter(0))
    for near, told in groupby(found[begin:end][::step], key=itemgetter(0)):
        if _leads_over(words[place:near] if is_after else words[near:place]):
            _, role, last = min((-abs(abs(far) - near), role, abs(far)) for _, far, role in told)
            return role, last
    return "", 0


def _leads_over(between: Sequence[Word]) -> bool:
    plain = [word for word in _without_doses(between) if word.form not in ("(", ":", "the")]
    return len(plain) <= _MOST_BETWEEN and not any(
        word.is_mark or word.form in _WORDS["stops"] for word in plain
    )


@cache
def _index() -> TermIndex:
    """Built at the first note, because it reads the dictionary."""
    return TermIndex([term for term, _, _ in _ROLES], people.GROUPS | TABLE["groups"])
