"""Reactions that an allergy list names: history, not what brought somebody. Pure.

"Allergies: sulfa (hives)", "latex = anaphylaxis", "Allergy: codeine -> rash". Nor is a sting that
somebody is allergic to one of now. A reaction counts
as told in a list only where its mark follows a short name in the sentence that speaks of the
allergy, and where it has no other words: "allergic to nuts, ate some, hives" is no list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from triage_site.triage.reading.tokens import Word
from triage_site.triage.reading.words import TABLES

_HEADS: Final = frozenset(TABLES["sets"]["allergy_heads"].split())
_NOT_A_LIST: Final = frozenset(TABLES["sets"]["after_allergy"].split())
_REACTIONS: Final = frozenset(TABLES["sets"]["allergy_reactions"].split())
_ONCE: Final = frozenset(TABLES["sets"]["allergy_reactions_once"].split())
_PAST: Final = frozenset(TABLES["sets"]["reaction_past"].split())
_TOLD: Final = _REACTIONS | _ONCE | _PAST | {"in", "a"}
_NO_NAME: Final = frozenset(TABLES["sets"]["no_allergen"].split())
# Often in lists of allergies without a heading.
_MEDICINES: Final = frozenset(TABLES["sets"]["often_allergens"].split())
# With one of these the reaction may be what somebody came for.
_AT_WORK: Final = frozenset(TABLES["sets"]["reaction_at_work"].split())
_MINOR: Final = frozenset(TABLES["sets"]["minor_complaint"].split())
_STINGS: Final = frozenset({"sting", "stings", "bite", "bites"})
_BADGES: Final = frozenset({"bracelet", "wristband", "necklace", "pendant", "tag", "medicalert"})
_SAYS: Final = frozenset({"says", "reads", "states", "reading", "for", "of", "on", ":", "-", "="})
_ENDS: Final = frozenset(".!?\n")  # a list may have semicolons
_MOST_NAMED: Final = 3  # words of an allergen
_MOST_TOLD: Final = 6  # words of a reaction


def reaction_spans(words: Sequence[Word]) -> Iterator[tuple[int, int]]:
    """(first, after the last) of each reaction, without its marks."""
    forms = [word.form for word in words]
    for begin, end in _sentences(forms):
        yield from _on_badge(forms, begin, end)
        head = next((at for at in range(begin, end) if _heads_a_list(forms, at, end)), None)
        if head is not None:
            yield from _stings(forms, begin, head, end)
            yield from _of_sentence(forms, head, end)
        elif begin < end and not _AT_WORK.intersection((*forms[:begin], *forms[end:])):
            yield from _of_medicine(forms, begin, end)
            minor = _MINOR.intersection((*forms[:begin], *forms[end:]))
            if minor and _is_named_reaction(forms[begin:end]):
                yield begin, begin + 2


def _on_badge(forms: Sequence[str], begin: int, end: int) -> Iterator[tuple[int, int]]:
    """ "MedicAlert bracelet says SULFA - ANAPHYLAXIS": what somebody wears tells no reaction of
    now."""
    badges = [at for at in range(begin, end) if forms[at] in _BADGES]
    name = badges[-1] + 1 if badges else end
    while name < end and forms[name] in _SAYS:
        name += 1
    for first in range(name, min(end, name + _MOST_NAMED + 2)):
        if forms[first] in _REACTIONS and _is_name(forms[name:first]):
            last = _last_told(forms, first, end)
            if last > first:
                yield first, last
            return


def _is_named_reaction(told: Sequence[str]) -> bool:
    """ "Anaphylaxis to penicillin and codeine." is the whole sentence."""
    named = [form for form in told[2:] if form not in (",", "/", "and", "&")]
    is_reaction = told[:1] == ["anaphylaxis"] and told[1:2] == ["to"]
    return is_reaction and bool(named) and _MEDICINES.issuperset(named)


def _of_medicine(forms: Sequence[str], begin: int, end: int) -> Iterator[tuple[int, int]]:
    """ "Penicillin - anaphylaxis." beside something else that somebody came for: the medicine,
    its mark and its reaction are the whole sentence."""
    first = begin + 2
    marked = begin > 0 and forms[begin] in _MEDICINES and begin + 1 < end
    if marked and forms[begin + 1] in ("-", "=", ":", "("):
        last = _last_told(forms, first, end)
        if last > first and (last == end or forms[last:end] == [")"]):
            yield first, last


def _sentences(forms: Sequence[str]) -> Iterator[tuple[int, int]]:
    begin = 0
    for at, form in enumerate([*forms, "."]):
        if form in _ENDS:
            yield begin, at
            begin = at + 1


def _heads_a_list(forms: Sequence[str], at: int, end: int) -> bool:
    return forms[at] in _HEADS and not (at + 1 < end and forms[at + 1] in _NOT_A_LIST)


def _of_sentence(forms: Sequence[str], head: int, end: int) -> Iterator[tuple[int, int]]:
    """A dash or colon leads to a reaction only in a list under a heading ("Allergies: ...")."""
    mark = forms[head + 1] if head + 1 < end else ""
    headed = mark in (":", "-", "=")
    if (headed or mark == "(") and _is_named_before(forms, head):
        last = _last_told(forms, head + 2, end)
        if last > head + 2:
            yield head + 2, last
        return
    name = head + 2 if headed else head + 1
    at = name
    while at < end:
        if forms[at] in (",", ";", "/", "&", "and", "or", "|", "+"):
            name = at + 1
        elif _leads(forms[at], headed=headed) and _is_name(forms[name:at]):
            first = at + 1 + (forms[at : at + 2] == ["-", ">"])
            last = _last_told(forms, first, end)
            if last > first:
                yield first, last
                at = name = last
                continue
        at += 1


def _stings(forms: Sequence[str], begin: int, head: int, end: int) -> Iterator[tuple[int, int]]:
    """ "Allergic to bee stings", "bee sting allergy"."""
    last = next((at for at in range(head, end) if not forms[at][:1].isalnum()), end)
    first = max(begin, head - 1)
    is_name = last - head <= _MOST_NAMED + 2 and not _NO_NAME.intersection(forms[first:last])
    if is_name:
        yield from ((at, at + 1) for at in range(first, last) if forms[at] in _STINGS)


def _leads(form: str, *, headed: bool) -> bool:
    return form in ("(", "=", ">") or form == "-" or (headed and form == ":")


def _is_named_before(forms: Sequence[str], head: int) -> bool:
    """ "Penicillin allergy - hives": the name stands before the heading."""
    return head > 0 and forms[head] == "allergy" and forms[head - 1] in _MEDICINES


def _is_name(forms: Sequence[str]) -> bool:
    named = [form for form in forms if form[:1].isalnum()]
    return 0 < len(named) <= _MOST_NAMED and not _NO_NAME.intersection(named)


def _last_told(forms: Sequence[str], first: int, end: int) -> int:
    """After the last word of a reaction that has only words of reactions; otherwise `first`. A
    collapse is one of a list only where it is called past: "collapsed once"."""
    at = first
    while at < end and (forms[at] in _TOLD or (at > first and forms[at] in ("/", "+", "&"))):
        at += 1
    said = frozenset(forms[first:at])
    if not said.isdisjoint(_ONCE) and said.isdisjoint(_PAST):
        return first
    told = at - first <= _MOST_TOLD and (at == end or not forms[at][:1].isalnum())
    return at if told else first
