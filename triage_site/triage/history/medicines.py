"""Allergies and medicines that a note names. Pure.

What is read here is shown to people and told to a language model; it sets no priority. Each
medicine and allergen is found once, with what the note says of it; both lists are made of that.
What is denied, or said of another person, does not count. A medicine that the patient stopped or
has no more of, or that was given or taken for what happened now, is kept and marked: that can
matter as much. A medicine that somebody is said to react to is an allergy or an intolerance.
"None taken" is only told where the note says so and names no exception.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice
from operator import attrgetter
from typing import Final

from scheduling.core.brief import is_latin
from scheduling.core.guidance import cut_between_words
from triage_site.triage.history.allergens import (
    ALLERGIC,
    ALLERGY,
    BUT,
    EXCEPT,
    NONE_KNOWN,
    REACTED,
    REACTION,
    contradicted,
    find_allergens,
    not_read,
    says_none_known,
)
from triage_site.triage.history.doses import against_allergies, warnings
from triage_site.triage.history.names import ALLERGEN, MEDICINE, THINNER
from triage_site.triage.history.persons import is_of_another, is_of_two
from triage_site.triage.history.plain_words import (
    INTOLERANCE,
    Mention,
    PlainWords,
    Quote,
    Spans,
)
from triage_site.triage.history.quoting import (
    beside_allergy,
    beside_medicine,
    sentence,
    whole_sentence,
)
from triage_site.triage.history.roles import (
    ANOTHER,
    DENIED,
    NOT_IN_BODY,
    OF_NOW,
    PERHAPS,
    REACTS,
    is_foreign,
    with_roles,
)
from triage_site.triage.history.spelling import with_allergies_spelt
from triage_site.triage.reading.medicine_names import is_medicine
from triage_site.triage.reading.note import Note, read
from triage_site.triage.reading.words import is_clinical, is_english


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """In the words of the note, in its order; of a long list the last entry is the number of names
    that are left out. `none_known`: it says that there is no allergy;
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


_LEFT_OUT: Final = frozenset({DENIED, ANOTHER, *REACTS})
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
# Where medicines are spoken of without a name, as "Meds: see list".
_SPEAKS: Final = re.compile(
    r"\b(?:(?:meds|medications?|medicines|dhx?|drug history)(?: ?[:=]| [-\u2013]) ?"
    r"(?=[^\W\d_])(?!allerg|pmh|nkda)"
    r"|(?:meds|medications?|medicines) (?:(?:is|are|as) )?(?:see|as per|per|on) (?:\w+ )?list\b)",
    re.IGNORECASE,
)
_WORD: Final = re.compile(r"[^\W\d_]+")
_SPACES: Final = re.compile(r"[^\S\n]+")
_INVISIBLE: Final = "Cf"  # of Unicode: marks inside words are shown to nobody
# A word that nobody knows, with a dose.
_DOSED: Final = re.compile(
    r"(?<![^\W_])[^\W\d_]{4,}(?= \d[\d.,]* (?:mg|mcg|micrograms?|ml|units?|puffs?)\b(?! /))"
)
_LIKE_NAME: Final = re.compile(r"(?<![^\W_])[a-z]{5,40}(?![^\W_])")
_TELLS_MEDICINES: Final = re.compile(
    rf"\b(?:on|takes?|taking|took|uses?|using|given|gave|started|prescribed|meds?|rx|dhx?"
    rf"|medications?|medicines?|tablets|tabs)\b|{MEDICINE.pattern}"
)
_PEN: Final = re.compile(r"epi-?pens?|anapen|jext|emerade|adrenaline|epinephrine")
_MAX_NAMED: Final = 12
_MAX_CHARACTERS: Final = 400  # of a list
_MOST_NOT_READ: Final = 60  # characters
_OF_THINNERS: Final = re.compile(r"\banticoag|\bthinn?er|\b[dn]oacs?\b")


def read_history(text: str) -> History:
    """What `text` says of allergies and medicines of this patient."""
    visible = "".join(one for one in text if unicodedata.category(one) != _INVISIBLE)
    spelt, written = with_allergies_spelt(_SPACES.sub(" ", visible))
    told = _read(PlainWords(read(spelt)))
    return replace(
        told,
        allergies=tuple(_as_written(one, written) for one in told.allergies),
        medicines=tuple(_as_written(one, written) for one in told.medicines),
    )


def _as_written(told: str, written: Mapping[str, str]) -> str:
    """With the words for allergies as the note spells them."""
    return _WORD.sub(lambda word: written.get(word[0], word[0]), told)


def _read(note: PlainWords) -> History:
    mentions = find_mentions(note)
    allergens = [one for one in mentions if one.role in ALLERGIC]
    named = [one for one in mentions if one.role not in ALLERGIC]
    allergens += [_reaction(note, one) for one in named if one.role in REACTS]
    allergens += _beside_adrenaline(note.text, named)
    allergens = [*_quoted_allergens(note.text, allergens)]
    taken = [one for one in named if one.is_medicine and one.role not in _LEFT_OUT]
    taken = [*_quoted_medicines(note, taken)]
    unread = [*not_read(note, allergens)]
    allergies = [*_told(allergens), *dict.fromkeys(f"'{one.words}'" for one in unread)]
    medicines = [*_told(taken), *_not_named(note.text, named)]
    plain = [one for one in taken if one.role not in NOT_IN_BODY and one.quote is None]
    read_at = {one.start for one in [*mentions, *allergens]} | {one.start for one in unread}
    read_at |= {match.start() for match in NONE_KNOWN.finditer(note.text)}
    thinners = (o.written for o in plain if o.role not in OF_NOW and THINNER.search(o.name))
    return History(
        allergies=(*_first(allergies), *contradicted(note, allergens)),
        none_known=not allergies and says_none_known(note),
        medicines=tuple(_first(medicines)),
        none_taken=not medicines and _says_none_taken(note),
        warnings=(*warnings(note.note, plain), *against_allergies(plain, allergens)),
        thinners=tuple(dict.fromkeys(thinners)),
        denies_thinners=any(_OF_THINNERS.search(one.name) for one in named if one.role == DENIED),
        not_read=tuple(_not_read(note.note, read_at)),
    )


def find_mentions(note: PlainWords) -> list[Mention]:
    """Each medicine and each allergen that a note names, with what is said of it."""
    lists = Spans(note.plain)
    allergens = [*find_allergens(note, lists)]
    taken = Spans(note.plain)
    named = [
        replace(note.named(*match.span()), is_medicine=names is not ALLERGEN)
        for names in (MEDICINE, ALLERGEN, _DOSED)
        for match in names.finditer(note.plain)
        if names is not _DOSED or not (is_english(match[0]) or is_clinical(match[0]))
        if taken.add(*match.span()) and not lists.meets(*match.span())
    ]
    named += [
        replace(note.named(*place), is_sure=False)
        for place in _like_names(note)
        if taken.add(*place) and not lists.meets(*place)
    ]
    return allergens + with_roles(note, sorted(named, key=attrgetter("at")))


def _like_names(note: PlainWords) -> Iterator[tuple[int, int]]:
    """Words one slip away from a brand, in English where medicines are told."""
    for match in _LIKE_NAME.finditer(note.plain):
        if is_english(match[0]) or not is_medicine(match[0]):
            continue
        if _TELLS_MEDICINES.search(note.before(match.start())):
            yield match.span()


def _quoted_allergens(text: str, found: Sequence[Mention]) -> Iterator[Mention]:
    """A sentence that may take an allergy back, or of which no thing is known, is quoted."""
    understood = [one.span for one in found if one.is_mild]
    sure = [one.start for one in found if one.is_sure]
    of_two = is_of_two(text)
    for one in found:
        first, last = sentence(text, one.start, one.end)
        if one.is_sure or not any(first <= at < last for at in sure):  # no reaction in the list
            quote = beside_allergy(text, one, understood)
            yield replace(one, quote=quote or (_whole(text, one) if of_two else None))


def _quoted_medicines(note: PlainWords, found: Sequence[Mention]) -> Iterator[Mention]:
    """The note is quoted where its words leave in doubt what was read, of whom, or in which
    language, and at each place of a medicine that is told as taken and as stopped."""
    taken = {one.name for one in found if one.role not in NOT_IN_BODY}
    both = taken & {one.name for one in found if one.role in NOT_IN_BODY}
    of_two = is_of_two(note.text)
    for one in found:
        quote = None if one.role == PERHAPS else beside_medicine(note.text, one)
        in_doubt = of_two or one.name in both or not one.is_sure
        if quote is None and (in_doubt or is_foreign(note.note, one, found)):
            quote = _whole(note.text, one)
        yield replace(one, quote=quote)


def _whole(text: str, one: Mention) -> Quote:
    return whole_sentence(text, one.start, one.end)


def _told(found: Sequence[Mention]) -> Iterator[str]:
    """Each thing once: with its role, or with all that it did. Where it is in doubt: the words of
    the note, behind the names of the medicines that they are of."""
    marks: dict[str | Quote, dict[str, str]] = {}
    quoted: dict[Quote, dict[str, str]] = {}
    places: dict[str | Quote, str] = {}
    doubted = {one.key for one in found if one.quote and one.role not in ALLERGIC}
    for one in found:
        if one.quote:
            quote = next((q for q in quoted if q.start <= one.start < q.end), one.quote)
            quoted.setdefault(quote, {}).setdefault(one.key, one.written)
            names = ", ".join(quoted[quote].values())
            places[quote] = (
                f"'{quote.words}'" if one.role in ALLERGIC else f"{names} ('{quote.words}')"
            )
        elif one.key not in doubted:
            places.setdefault(one.key, one.written)
            if one.role in ALLERGIC or one.key not in marks:
                marks.setdefault(one.key, {}).setdefault(one.mark.lower(), one.mark)
    for place, words in places.items():
        mark = "; ".join(filter(None, marks.get(place, {}).values()))
        yield f"{words} ({mark})" if mark else words


def _first(told: Sequence[str]) -> list[str]:
    """The first ones of a list, and how many names more stand in the note."""
    length = 0
    for at, one in enumerate(told):
        length += len(one)
        if at >= _MAX_NAMED or (at and length > _MAX_CHARACTERS):
            more = sum(1 + other.partition(" ('")[0].count(", ") for other in told[at:])
            return [*told[:at], f"and {more} more in the note"]
    return [*told]


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


def _not_named(text: str, named: Sequence[Mention]) -> Iterator[str]:
    """The sentences that speak of medicines and name none, nor say that there are none."""
    read = [one.start for one in named]
    read += [one.start() for one in _NONE_TAKEN.finditer(text)]
    for match in islice(_SPEAKS.finditer(text), _MAX_NAMED):
        first, last = sentence(text, *match.span())
        if not any(first <= at < last for at in read):
            yield f"'{whole_sentence(text, *match.span()).words}'"


def _says_none_taken(note: PlainWords) -> bool:
    """Whether the note says so of the patient, and names no exception."""
    ends = [match.end() for match in _NONE_TAKEN.finditer(note.text)]
    excepted = any(EXCEPT.match(note.text, end) or BUT.match(note.text, end) for end in ends)
    return not excepted and not all(is_of_another(note, note.at(end - 1)) for end in ends)


def _beside_adrenaline(text: str, named: Sequence[Mention]) -> Iterator[Mention]:
    """What is no medicine and stands in the sentence of an adrenaline pen: it is likely to be
    what somebody reacts to, "peanut in a brownie, EpiPen at 13:15", and the sentence is quoted."""
    pens = [one.start for one in named if _PEN.fullmatch(one.name) and one.role not in _LEFT_OUT]
    for one in named:
        first, last = sentence(text, one.start, one.end)
        is_beside = any(first <= at < last for at in pens)
        if is_beside and not one.is_medicine and one.role not in _LEFT_OUT:
            yield replace(one, role=ALLERGY, mark="", is_sure=False)


def _reaction(note: PlainWords, one: Mention) -> Mention:
    """As an allergen; no more than an intolerance where nothing that is told is an allergy."""
    begin, end = place = sentence(note.text, one.start, one.end)
    is_mild = one.is_medicine and not REACTION.search(note.text, begin, end)
    said = next(said for said in note.note.statements if said.last > one.first)
    did = REACTED.search(note.note.quote(said.first, said.last).lower())
    how = INTOLERANCE if is_mild else did.group() if did else ""
    role = INTOLERANCE if is_mild else ALLERGY
    return replace(one, role=role, mark=how, is_mild=is_mild, span=place)
