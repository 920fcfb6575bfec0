"""Allergies and medicines that a note names. Pure.

What is read here is shown to people and told to a language model; it sets no priority. What is
denied, or said of another person, does not count. A medicine that the patient stopped or has no
more of, or that was given or taken for what happened now, is kept and marked: that can matter as
much. A medicine that somebody is said to react to is an allergy or an intolerance. "None taken" is
only told where the note says so and names no exception.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby, islice, pairwise
from operator import attrgetter, itemgetter
from typing import Final

from scheduling.core.brief import is_latin
from scheduling.core.guidance import cut_between_words
from triage_site.triage.history.allergies import (
    INTOLERANCE,
    NONE_KNOWN,
    REACTED,
    REACTION,
    Allergy,
    contradicted,
    find_allergies,
    not_read,
    once,
    says_none_known,
)
from triage_site.triage.history.doses import against_allergies, warnings
from triage_site.triage.history.names import ALLERGEN, MEDICINE, TABLE, THINNER
from triage_site.triage.history.plain_words import PlainWords, Spans
from triage_site.triage.history.quoting import (
    Kind,
    Listed,
    Quote,
    beside_allergy,
    beside_medicine,
    sentence,
    whole_sentence,
)
from triage_site.triage.reading.context import is_about_relative, may_be_patient
from triage_site.triage.reading.note import Note, read
from triage_site.triage.reading.numbers import IN_WORDS
from triage_site.triage.reading.terms import TermIndex, joined
from triage_site.triage.reading.tokens import Word


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """In the words of the note, in its order. `none_known`: it says that there is no allergy;
    `none_taken`: that the patient takes no medicine; `denies_thinners`: no blood thinner.
    `thinners`: the blood thinners that the patient takes without doubt. `not_read`: that there
    are words in another language or script, which may name more."""

    allergies: tuple[str, ...] = ()
    none_known: bool = False
    medicines: tuple[str, ...] = ()
    none_taken: bool = False
    warnings: tuple[str, ...] = ()
    thinners: tuple[str, ...] = ()
    denies_thinners: bool = False
    not_read: tuple[str, ...] = ()

    @property
    def allergy_words(self) -> str:
        """Empty where the note says nothing."""
        none = ["none known"] if self.none_known else []
        return ", ".join([*none, *self.allergies, *self.not_read])

    @property
    def medicine_words(self) -> str:
        """With what is too much of one kind."""
        none = ["none taken"] if self.none_taken else []
        return "; ".join([", ".join([*none, *self.medicines, *self.not_read]), *self.warnings])


@dataclass(frozen=True, slots=True)
class _Named:
    """A medicine or an allergen in a note: words `first` to before `last`, as written, its name in
    standard form, and its role."""

    first: int
    last: int
    written: str
    name: str
    role: str = ""
    is_medicine: bool = True
    listed: tuple[int, int] = (0, 0)  # from its list's first word to where its role ends
    told: int = 0  # after the last of the words behind it that tell its role


_WORDS: Final = {name: frozenset(words.split()) for name, words in TABLE["words"].items()}
_ROLES: Final = tuple(
    (term, row["role"], row["where"]) for row in TABLE["role"] for term in joined(row["terms"])
)
_NOT_IN_BODY: Final = frozenset({"stopped", "ran out", "perhaps taken", "refused", "offered"})
_KINDS: Final[dict[str, Kind]] = {
    "stopped": "stopped", "ran out": "stopped", "refused": "refused", "offered": "refused",
    "given": "marked", "taken": "marked",
}  # fmt: skip
_MARKED: Final = _NOT_IN_BODY | {"given", "taken"}
_REGULAR: Final = "regular"
_OF_NOW: Final = frozenset({"given", "taken"})
_ANOTHER: Final = "another"
_REACTS: Final = frozenset({"reacts", "reacted once"})
_LEFT_OUT: Final = frozenset({"denied", _ANOTHER, *_REACTS})
_OF_RELATIVES: Final = frozenset({_REGULAR, *_NOT_IN_BODY, *_REACTS}) - {"perhaps taken"}
_LONG_AGO: Final = re.compile(
    r"\b(?:19|20)\d\d\b|\byears? ago\b|\bas a (?:child|kid|baby)\b|\blast time\b|\bonce\b",
    re.IGNORECASE,
)
_BEFORE_TIME: Final = frozenset({"at", "@", ":"})
_TIMES: Final = frozenset({"noon", "midday", "midnight", "lunchtime", "breakfast"})
_FARTHEST: Final = 40  # words between those of a role and a name, with doses; or names
_MOST_BETWEEN: Final = 2  # words between those of a role and a name, doses aside
_JOINING: Final = frozenset({"and", "&", "+", "/"})
_AMOUNT: Final = re.compile(r"x?\d")
_NONE_TAKEN: Final = re.compile(
    r"\b(?:no|nil|denies|without) (?:any |regular |reg |current |known |daily |usual )*"
    r"(?:meds|medications?|medicines?|tablets)\b(?! (?:for|was|were|since|today|left|helps?|yet"
    r"|history|list|details|changes?|given|taken|available|with|at|here|allerg\w+))"
    r"|\b(?:meds|medications?|medicines?|dhx?|drug history) ?[:=-] ?"
    r"(?:none|nil|no(?= ?(?:[.;,\n]|$)))\b"
    r"|\b(?:not on|takes?|taking) (?:any|no) (?:regular |daily )?(?:meds|medications?|medicines?)\b"
    r"|\bnot on (?:anything|any tablets)\b(?! (?:for|new))"
    r"|\b(?:pt|patient) (?:is )?on (?:nil|nothing)\b"
    r"|\b(?:pt|patient|he|she|i|and) takes? (?:nothing|no tablets)\b(?! (?:for|to|against|yet))",
    re.IGNORECASE,
)
_EXCEPTION: Final = re.compile(
    r"(?: at all| regularly)?[ ,;:(-]*(?:ex+c?ept|apart from|a part from|other than|besides|bar\b"
    r"|aside from|save for|but\b|only\b|just\b)",
    re.IGNORECASE,
)
# Where medicines are spoken of without a name, as "Meds: see list".
_SPEAKS: Final = re.compile(
    r"\b(?:(?:meds|medications?|medicines|dhx?|drug history)(?: ?[:=]| [-\u2013]) ?"
    r"(?=[^\W\d_])(?!allerg|pmh|nkda)"
    r"|(?:meds|medications?|medicines) (?:(?:is|are|as) )?(?:see|as per|per|on) (?:\w+ )?list\b)",
    re.IGNORECASE,
)
_SPACES: Final = re.compile(r"[^\S\n]+")
_MAX_NAMED: Final = 12
_MOST_NOT_READ: Final = 60  # characters
_OF_THINNERS: Final = re.compile(r"\banticoag|\bthinn?er|\b[dn]oacs?\b")
# What a mark behind a name says of it alone: "anticoagulants - none".
_IS_NONE: Final = re.compile(
    r"\s*(?:[:=?]|-+>?|[\u2013\u2014])\s*(?:none|no|nil|nope|never|not taken|not on any)\s*"
    r"(?=[.,;)|\n]|$)",
    re.IGNORECASE,
)


def read_history(text: str) -> History:
    """What `text` says of allergies and medicines of this patient."""
    note = PlainWords(read(_SPACES.sub(" ", text)))
    spans = Spans(note.plain)
    found = [*find_allergies(note, spans)]
    named = _with_roles(note.note, [*_names(note, spans)])
    found += [_reaction(note.note, one) for one in named if one.role in _REACTS]
    allergies, sure = _told_allergies(note.note, found)
    unread = [*not_read(note, found)]
    allergies += [f"'{one.words}'" for one in unread]
    told = [one for one in named if one.is_medicine and one.role not in _LEFT_OUT]
    quotes = _with_both(note.note, told, {one: _doubt(note.note, one, named) for one in told})
    understood = {*(one.start for one in found), *(one.start for one in unread)}
    understood |= {note.note.words[one.first].start for one in named}
    understood |= {match.start() for match in NONE_KNOWN.finditer(note.note.text)}
    marked = [*_told_medicines(told, quotes), *_not_named(note.note, named)]
    thinners = [
        one.written
        for one in told
        if one.role not in _MARKED and quotes[one] is None and THINNER.search(one.name)
    ]
    plain = [one for one in told if one.role not in _NOT_IN_BODY and quotes[one] is None]
    used = [(one.name, one.first, one.last, one.role == "taken") for one in plain]
    present = [(one.name, one.written) for one in plain]
    allergies = [*once(allergies)]
    said_none = contradicted(note, found)
    return History(
        allergies=(*allergies[:_MAX_NAMED], *said_none),
        none_known=not allergies and says_none_known(note),
        medicines=tuple(marked[:_MAX_NAMED]),
        none_taken=not marked and _says_none_taken(note.note),
        warnings=(
            *warnings(note.note, used),
            *against_allergies(present, sure),
        ),
        thinners=tuple(dict.fromkeys(thinners)),
        denies_thinners=any(_OF_THINNERS.search(one.name) for one in named if one.role == "denied"),
        not_read=tuple(_not_read(note.note, understood)),
    )


def _not_read(note: Note, read: Collection[int]) -> Iterator[str]:
    """The first sentence in another script, or in another language where most of a note is and
    none of the characters `read` stands in it."""
    for number, said in groupby(note.statements, key=lambda one: one.sentence):
        if number not in note.foreign_sentences:
            continue
        first, *rest = said
        words = note.quote(first.first, [first, *rest][-1].last)
        start = note.words[first.first].start
        is_read = any(start <= at < start + len(words) for at in read)
        if not is_latin(words) or (note.is_foreign and not is_read):
            yield f"not read: '{cut_between_words(words, _MOST_NOT_READ)}' – ask"
            return


def _told_allergies(note: Note, found: Sequence[Allergy]) -> tuple[list[str], list[str]]:
    """What is told, and the things of it that are sure. A sentence that may take an allergy back,
    or of which no thing is known, is quoted."""
    told: list[str] = []
    doubted: set[str] = set()
    quoted: list[Quote] = []
    understood = [one.mention for one in found if one.is_mild]
    for one in found:
        if not one.is_sure and any(_is_beside(note, one, other) for other in found):
            continue  # a reaction in the list
        quote = beside_allergy(
            note.text, one.start, one.end, is_sure=one.is_sure, understood=understood
        )
        if quote is None:
            told.append(one.told)
            continue
        doubted.add(_bare(one.told))
        if not any(other.start <= one.start < other.end for other in quoted):
            quoted.append(quote)
            told.append(f"'{quote.words}'")
    sure = [one for one in told if one[0] != "'" and _bare(one) not in doubted]
    return told, sure


def _bare(told: str) -> str:
    return told.partition(" (")[0].lower()


def _is_beside(note: Note, one: Allergy, other: Allergy) -> bool:
    """Whether they stand in one sentence, and the other one is sure."""
    first, last = sentence(note.text, one.start, one.end)
    return other.is_sure and first <= other.start < last


def _doubt(note: Note, one: _Named, named: Sequence[_Named]) -> Quote | None:
    if one.role == "perhaps taken":
        return None
    return beside_medicine(
        note.text, _listed(note, one, named), kind=_KINDS.get(one.role, "regular")
    )


def _with_both(
    note: Note, told: Sequence[_Named], quotes: Mapping[_Named, Quote | None]
) -> dict[_Named, Quote | None]:
    """Of a medicine that is told as taken and as stopped, each place is quoted."""
    taken = {one.name for one in told if one.role not in _NOT_IN_BODY}
    both = taken & {one.name for one in told if one.role in _NOT_IN_BODY}
    out = dict(quotes)
    for one in told:
        if one.name in both and out[one] is None:
            words = note.words
            out[one] = whole_sentence(note.text, words[one.first].start, words[one.last - 1].end)
    return out


def _listed(note: Note, one: _Named, named: Sequence[_Named]) -> Listed:
    first, last = one.listed
    begin = bisect_right(named, first, key=attrgetter("last"))
    end = bisect_left(named, last, key=attrgetter("first"))
    near = named[max(0, begin - _FARTHEST) : begin]
    ahead = max((max(other.last, other.told) for other in near), default=0)
    behind = (other.first for other in named[end : end + _FARTHEST] if other.role in _MARKED)
    until = next(behind, len(note.words))
    words = note.words
    return Listed(
        start=words[first].start,
        end=words[last - 1].end,
        after=words[ahead - 1].end if ahead else 0,
        until=words[until].start if until < len(words) else len(note.text),
        name=words[one.first].start,
        is_last=one.last == last,
    )


def _told_medicines(told: Sequence[_Named], quotes: Mapping[_Named, Quote | None]) -> list[str]:
    """Each name once, with its role or, after the names that it is of, with a quotation."""
    plain: dict[str, str] = {}
    quoted: dict[Quote, dict[str, str]] = {}
    places: list[str | Quote] = []
    doubted = {one.written.lower() for one in told if quotes[one] is not None}
    for one in told:
        name, quote = one.written.lower(), quotes[one]
        if quote is None and name in doubted:
            continue
        if quote is None:
            if name not in plain:
                places.append(name)
            role = f" ({one.role})" if one.role in _MARKED else ""
            plain.setdefault(name, one.written + role)
            continue
        held = next((other for other in quoted if other.end > quote.start), quote)
        if held not in quoted:
            places.append(held)
        quoted.setdefault(held, {}).setdefault(name, one.written)
    return [
        plain[at] if isinstance(at, str) else f"{', '.join(quoted[at].values())} ('{at.words}')"
        for at in places
    ]


def _not_named(note: Note, named: Sequence[_Named]) -> Iterator[str]:
    """The sentences that speak of medicines and name none, nor say that there are none."""
    read = [note.words[one.first].start for one in named]
    read += [one.start() for one in _NONE_TAKEN.finditer(note.text)]
    for match in islice(_SPEAKS.finditer(note.text), _MAX_NAMED):
        first, last = sentence(note.text, *match.span())
        if not any(first <= at < last for at in read):
            yield f"'{whole_sentence(note.text, *match.span()).words}'"


def _says_none_taken(note: Note) -> bool:
    """Whether the note says so of the patient, and names no exception."""
    said = [*_NONE_TAKEN.finditer(note.text)]
    return any(not _is_of_relative(note, one.end()) for one in said) and not any(
        _EXCEPTION.match(note.text, one.end()) for one in said
    )


def _is_of_relative(note: Note, end: int) -> bool:
    at = max((n for n, word in enumerate(note.words) if word.start < end), default=0)
    return is_about_relative(note, at)


def _names(note: PlainWords, allergies: Spans) -> Iterator[_Named]:
    taken = Spans(note.plain)
    found = [
        (match, names is MEDICINE)
        for names in (MEDICINE, ALLERGEN)
        for match in names.finditer(note.plain)
        if taken.add(*match.span())
    ]
    for match, is_medicine in sorted(found, key=lambda one: one[0].start()):
        if not allergies.meets(*match.span()):
            place, told = note.place(*match.span()), note.written(*match.span())
            yield _Named(*place, told, match.group(), is_medicine=is_medicine)


def _with_roles(note: Note, named: Sequence[_Named]) -> list[_Named]:
    """Names that only commas, "and" and doses separate are a list. What stands before a list is
    said of all of it; what stands after it, of the names that "and" joins to its last one, or of
    all where "and" closes the list and nothing else stands before it, or "both" after it."""
    found = [(*_ROLES[term][1:], first, last) for term, first, last in _index().find(note.line)]
    before = sorted((last, first, role) for role, where, first, last in found if where == "before")
    after = sorted((first, -last, role) for role, where, first, last in found if where == "after")
    out: list[_Named] = []
    for names in _lists(note.words, named):
        leads, _ = _nearest(note.words, before, names[0].first)
        follows, told = _nearest(note.words, after, names[-1].last, is_after=True)
        if leads == "denied" and follows in _OF_NOW:
            follows = ""  # "no morphine given"
        since = _said_since(note, names, leads, follows)
        said: list[_Named] = []
        for at, one in enumerate(names):
            role = (follows if at >= since else "") or leads or _role_by_rest(note, one, out)
            role = _of_whom(note, one, role or _REGULAR)
            said.append(replace(one, role=role, told=told if role == follows else 0))
        out += _with_lists(said)
    return out


def _with_lists(names: Sequence[_Named]) -> Iterator[_Named]:
    """What stands before a list is said of all of it, and what stands behind it, of the names
    beside it with one role."""
    for _, group in groupby(names, key=lambda one: one.role):
        same = [*group]
        yield from (replace(one, listed=(names[0].first, same[-1].last)) for one in same)


def _said_since(note: Note, names: Sequence[_Named], leads: str, follows: str) -> int:
    """The index of the first of the names that the words after a list speak of."""
    if _rest(note, names[-1])[:1] in (["both"], ["all"]):
        return 0
    if leads == _REGULAR and follows == "stopped":
        return len(names) - 1
    closed = _joined_to_last(note.words, names)
    return 0 if closed < len(names) - 1 and not leads else closed


def _of_whom(note: Note, one: _Named, role: str) -> str:
    if role == "reacted once" and not _LONG_AGO.search(_sentence_of(note, one)):
        return "taken" if one.is_medicine else _REGULAR
    if role == _ANOTHER and may_be_patient(note, one.first):
        return _REGULAR
    if role in _OF_RELATIVES and is_about_relative(note, one.first):
        return _ANOTHER
    return role


def _role_by_rest(note: Note, one: _Named, told: Sequence[_Named]) -> str:
    """Of a name with "none" behind a mark, of one with a time of the day ("ibuprofen 400 at 9"),
    and of one that was used "too"."""
    rest = _rest(note, one)
    if _IS_NONE.match(note.text, note.words[one.last - 1].end):
        return "denied"
    if rest[:1] in (["at"], ["@"]) and (rest[1:] and (rest[1][0].isdigit() or rest[1] in _TIMES)):
        return "taken"
    if (rest[:1] in (["too"], ["also"]) or rest == ["as", "well"]) and told:
        return told[-1].role if told[-1].role in _OF_NOW else ""
    return ""


def _rest(note: Note, one: _Named) -> list[str]:
    """The two words after a name and its dose."""
    at = one.last
    while at < len(note.words) and (_is_dose(note.words[at]) and note.words[at].form != ")"):
        at += 1
    after = note.words[at : at + 4]
    if [word.form for word in after[:1]] == [":"]:  # of a time
        after = after[2:]
    return [word.form for word in after[:2]]


def _lists(words: Sequence[Word], named: Sequence[_Named]) -> Iterator[list[_Named]]:
    names: list[_Named] = []
    for one in named:
        if names and not _is_between(words[names[-1].last : one.first]):
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


def _is_between(words: Sequence[Word]) -> bool:
    rest = _without_doses(words)
    return all(word.form in _WORDS["joints"] for word in rest)


def _without_doses(words: Sequence[Word]) -> list[Word]:
    """Without amounts, ways and times of the day ("at 9", "12:05")."""
    amounts = [_is_dose(word) for word in words]
    return [
        word
        for at, word in enumerate(words)
        if not amounts[at]
        and not (word.form in _BEFORE_TIME and amounts[at + 1 : at + 2] == [True])
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
    rest = _without_doses(between)
    plain = [word for word in rest if word.form not in ("(", ":", "the")]
    return len(plain) <= _MOST_BETWEEN and not any(
        word.is_mark or word.form in _WORDS["stops"] for word in plain
    )


def _reaction(note: Note, one: _Named) -> Allergy:
    """The medicine, marked where nothing that is told of it is an allergy."""
    is_mild = one.is_medicine and not REACTION.search(_sentence_of(note, one))
    did = REACTED.search(_part_of(note, one))
    told = f"{one.written} ({did.group()})" if did else one.written
    told = f"{one.written} {INTOLERANCE}" if is_mild else told
    start, end = note.words[one.first].start, note.words[one.last - 1].end
    place = sentence(note.text, start, end)
    return Allergy(told, start, end, is_sure=True, is_mild=is_mild, mention=place)


def _part_of(note: Note, one: _Named) -> str:
    """The statement that names it, in lower case."""
    place = bisect_right(note.statements, one.first, key=attrgetter("first"))
    said = note.statements[place - 1]
    return note.quote(said.first, said.last).lower()


def _sentence_of(note: Note, one: _Named) -> str:
    start, end = note.words[one.first].start, note.words[one.last - 1].end
    return note.text[slice(*sentence(note.text, start, end))]


@cache
def _index() -> TermIndex:
    """Built at the first note, because it reads the dictionary."""
    return TermIndex([term for term, _, _ in _ROLES], TABLE["groups"])
