"""Medicines that somebody beside the patient takes. Pure.

"Father on apixaban. Son fell off the swing", "wife takes warfarin, he takes none": of them. A
relative may be the patient of a caller: "mum takes warfarin and hit her head". So a medicine is of
another only where the relative is called "his" or "her", or where the note says of somebody else
what happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise, takewhile
from typing import Final

from triage_site.triage.reading.medicine_names import is_medicine
from triage_site.triage.reading.people import ADULTS, CHILDREN, COMPANIONS
from triage_site.triage.reading.tokens import Word
from triage_site.triage.reading.words import ABBREVIATIONS, TABLES

_SETS: Final = {name: frozenset(words.split()) for name, words in TABLES["beside"].items()}
_YOUNG: Final = frozenset(ABBREVIATIONS.get(word, word) for word in CHILDREN)
_RELATIVES: Final = _YOUNG.union(ABBREVIATIONS.get(one, one) for one in (*ADULTS, *COMPANIONS))
_OBJECTS: Final = _RELATIVES | {"him", "her", "them", "me", "patient"}
_PARTS: Final = frozenset(TABLES["sets"]["body"].split())
_ENDS: Final = frozenset(".;!?\n")
_FARTHEST: Final = 30  # words from a medicine to what happened
_LONGEST: Final = 15  # words of a list of medicines
_MOST_NAMED: Final = 5  # words of the name of a relative
_BESIDE: Final = 3  # words between somebody and what happened


def owners(words: Sequence[Word]) -> dict[int, bool]:
    """For the names of these medicines, whether they are of another person; False where the
    relative who takes them is the patient. Left out where the words do not tell."""
    forms = [word.form for word in words]
    found: dict[int, bool] = {}
    for at, form in enumerate(forms):
        if form not in _RELATIVES:
            continue
        begin = _takes(forms, at + 1)
        end = _clause_end(words, begin) if begin else 0
        named = [one for one in range(begin, end) if _is_medicine(forms[one])]
        told = _is_of_another(words, at, begin, end) if named else None
        if told is not None:
            found.update(dict.fromkeys(named, told))
    return found


def _takes(forms: Sequence[str], at: int) -> int:
    """Where the medicines of a relative begin, whose word ends there; 0 where none are told."""
    for named in range(_MOST_NAMED + 1):
        place = at + named
        if place >= len(forms) or (named and forms[place - 1] in _SETS["subjects"]):
            return 0
        if forms[place] in _SETS["takes"]:
            return place + 1
        is_being = forms[place] in ("is", "was", "has", "been", ",", "who", "(")
        if not (is_being or forms[place][0].isdigit() or forms[place - 1] in _SETS["titles"]
                or forms[place] in _SETS["titles"]):  # fmt: skip
            return 0
    return 0


def _clause_end(words: Sequence[Word], begin: int) -> int:
    """Up to what happens, or to somebody else."""
    for at in range(begin, min(len(words), begin + _LONGEST)):
        word = words[at]
        if word.form in _ENDS or word.form in _SETS["subjects"] or word.form in _RELATIVES:
            return at
        if word.stem in _SETS["happens"]:
            return at
    return min(len(words), begin + _LONGEST)


def _is_medicine(form: str) -> bool:
    return is_medicine(form) or form.startswith(("anticoag", "thinner", "doac", "noac"))


def _is_of_another(words: Sequence[Word], who: int, begin: int, end: int) -> bool | None:
    """Of the relative `who`, whose medicines are told from `begin` to before `end`."""
    forms = [word.form for word in words]
    before = forms[max(0, who - 2) : who]
    is_owned = not _SETS["owned"].isdisjoint(before[-1:])
    if _helps(forms[begin : end + 1]):
        return True
    if end < len(words) and words[end].stem in _SETS["happens"]:
        return False  # "mum on warfarin fell", "and hit her head"
    if is_owned and who > 1 and words[who - 2].stem in _SETS["happens"]:
        return False  # "he hit his wife, who takes warfarin"
    if not _SETS["as_well"].isdisjoint(forms[end : end + 2 * _BESIDE]):
        return None  # "but so does he"
    ahead = range(end, min(len(words), end + _FARTHEST))
    back = range(who - 2, max(-1, who - _FARTHEST), -1)
    told = _subject(words, ahead, who, is_owned=is_owned)
    if told is None and not is_owned:
        told = _subject(words, back, who, is_owned=is_owned)
    if told is None and (is_owned or not _SETS["helped_by"].isdisjoint(before)):
        return True
    return told


def _helps(forms: Sequence[str]) -> bool:
    """ "Brother, who is on warfarin, drove him here"."""
    pairs = pairwise(forms)
    return any(one in _SETS["helps"] and other in _OBJECTS for one, other in pairs)


def _subject(
    words: Sequence[Word], places: Iterable[int], who: int, *, is_owned: bool
) -> bool | None:
    """Whether the first of whom something happens there is another than `who`; None where the
    words tell of nobody."""
    relative = words[who].form
    for at in places:
        form = words[at].form
        if not (form in _SETS["subjects"] or form in _RELATIVES) or not _happens(words, at):
            continue
        if form == relative:
            return False
        if _is_the_same(form, relative):
            if is_owned:
                continue
            return False
        if not _is_done_to(words, at, relative):
            return True
    return None


def _happens(words: Sequence[Word], at: int) -> bool:
    """Whether the words behind a subject say that something happens to it, or what it has; not
    whether it says, sees or brings."""
    has = False
    for word in words[at + 1 : at + 1 + _BESIDE]:
        if word.is_mark or word.form in _SETS["reports"]:
            return has and word.is_mark
        if word.stem in _SETS["happens"]:
            return True
        if word.form not in _SETS["has"]:
            return has
        has = True
    return has


def _is_the_same(form: str, relative: str) -> bool:
    """Whether a word may be of the relative: "he", of a father."""
    male, female = _SETS["male"], _SETS["female"]
    if form in ("he", "she", "boy", "girl"):
        other = female if form in ("he", "boy") else male
        is_young = form in ("boy", "girl") and relative not in _YOUNG
        return relative not in other and not is_young
    return form == "they" or (form in ("child", "baby", "kid") and relative in _YOUNG)


def _is_done_to(words: Sequence[Word], at: int, relative: str) -> bool:
    """ "He hit her": what somebody else does to the relative."""
    objects = {"them", relative}
    objects |= {"him"} if relative not in _SETS["female"] else set()
    objects |= {"her"} if relative not in _SETS["male"] else set()
    behind = [*takewhile(lambda word: not word.is_mark, words[at + 1 : at + 2 + _BESIDE])]
    forms = [*(word.form for word in behind), ""]
    return any(one in objects and after not in _PARTS for one, after in pairwise(forms))
