"""What is too much of one kind among the medicines of a note, or not to be given. Pure.

Several products hold paracetamol, or an anti-inflammatory: somebody who takes two of them may not
know. A total above `_MOST_GRAMS` of paracetamol is told where the note counts tablets or grams
that were taken, and does not spread them over days.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from triage_site.triage.history.names import BRANDS, HOLDS, KINDS
from triage_site.triage.history.plain_words import Mention
from triage_site.triage.reading.note import Note
from triage_site.triage.reading.numbers import IN_WORDS
from triage_site.triage.reading.tokens import Word

_PARACETAMOL: Final = "with paracetamol"
_MOST_GRAMS: Final = 4.0  # of an adult in 24 hours (BNF)
_OVER_DAYS: Final = re.compile(r"\b(?:days|weeks?|(?:every|each|per|a) day)\b", re.IGNORECASE)
_GRAMS_OF_TABLET: Final = 0.5
_LIQUID: Final = frozenset({"calpol", "lemsip"})
_GRAMS: Final = {"g": 1.0, "gram": 1.0, "grams": 1.0, "mg": 0.001}
_UNIT: Final = r"(?P<unit>g|grams?|mg)"
_TABLETS: Final = r"(?:tablets?|tabs?|caplets|pills)"
# "16 x 500 mg of", "8 tablets of"; "x 20", "500 mg x 20", "20 tablets".
_BEFORE: Final = re.compile(
    rf"(?:(?P<times>\b\d{{1,2}}) (?:x )?)?(?P<amount>\b\d{{1,4}}(?:\.\d)?) {_UNIT} (?:of )?$"
    rf"|(?P<count>\b\d{{1,3}}) (?:x )?(?:{_TABLETS} )?(?:of )?(?:the |his |her |my )?$"
)
_AFTER: Final = re.compile(
    rf" (?P<amount>\d{{1,4}}(?:\.\d)?) {_UNIT}(?: (?:{_TABLETS} )?x (?P<times>\d{{1,2}}))? "
    rf"| (?:x (?P<count>\d{{1,3}})|(?P<number>\d{{1,3}}) {_TABLETS}) "
)


def warnings(note: Note, used: Sequence[Mention]) -> Iterator[str]:
    """`used`: the medicines that the patient has in the body."""
    for what, products in HOLDS.items():
        of_kind = [one for one in used if BRANDS.get(one.name, one.name) in products]
        names = {BRANDS.get(one.name, one.name) for one in of_kind if not _is_gloss(note, one)}
        if len(names) > 1:
            yield f"more than one {what}"
        now = [one for one in of_kind if one.role == "taken" and what == _PARACETAMOL]
        total = sum(_grams(note.words, one) for one in now)
        if total > _MOST_GRAMS and not _OVER_DAYS.search(note.text):
            yield "paracetamol above 4 g"


def _is_gloss(note: Note, one: Mention) -> bool:
    """ "paracetamol (Panadol)": a medicine in brackets of its own, behind its other name."""
    around = (note.words[max(0, one.first - 1) : one.first], note.words[one.last : one.last + 1])
    return [word.form for words in around for word in words] == ["(", ")"]


def against_allergies(used: Sequence[Mention], allergies: Sequence[Mention]) -> Iterator[str]:
    """Of each medicine of a kind that the patient is allergic to without doubt."""
    doubted = {one.key for one in allergies if one.quote}
    sure = [one for one in allergies if one.key not in doubted]
    for one in {one.name: one for one in used}.values():
        if said := next((other for other in sure if _is_of_kind(one.name, other)), None):
            how = f" ({said.mark})" if said.mark else ""
            yield f"{one.written} despite allergy to {said.written}{how}"


def _is_of_kind(name: str, allergy: Mention) -> bool:
    allergen = allergy.written.lower().replace("-", " ")
    if BRANDS.get(name, name) in (allergen, BRANDS.get(allergy.name, allergy.name)):
        return True
    return any(name in names and allergen in allergens for names, allergens in KINDS)


def _grams(words: Sequence[Word], one: Mention) -> float:
    """Told before or after the name; 0 where no amount is told."""
    before = " ".join(map(_in_digits, words[max(0, one.first - 6) : one.first])) + " "
    after = " " + " ".join(map(_in_digits, words[one.last : one.last + 5])) + " "
    found = _BEFORE.search(before) or _AFTER.match(after)
    if found is None:
        return 0.0
    if found["unit"]:
        return float(found["amount"]) * _GRAMS[found["unit"]] * int(found["times"] or 1)
    return 0.0 if one.name in _LIQUID else _count(found) * _GRAMS_OF_TABLET


def _count(found: re.Match[str]) -> int:
    return int(found["count"] or found.groupdict().get("number") or 0)


def _in_digits(word: Word) -> str:
    form = str(IN_WORDS.get(word.form, word.form))
    return f"x {form[1:]}" if form[:1] == "x" and form[1:].isdigit() else form
